/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One program in a world of its own, with no privilege of any kind.
 *
 * The program sees an image's files, read-only, and a fresh /tmp, as in Lambda; it
 * is at the root of its own process tree, an ordinary user without capabilities, and
 * cannot gain any. The kernel's namespaces do the work, and an ordinary user may
 * make them, so neither root nor a daemon is needed. The network is the host's.
 *
 * There are several ways to such a world, and what a machine forbids is only known by trying.
 * The first that works is taken:
 *
 *     a user namespace with two ids    the image's files are root's, the program is another
 *     a user namespace with one id     all is the program's; what root alone may read, it may
 *     root's namespaces                where user namespaces are forbidden to root, as in
 * chroots chroot                           for root who may make no namespace, as in containers
 *
 * The last one is weaker, which is said. Started by root, the program is
 * nobody on the host where it can be, so that it is not trusted for being root's.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "oci/base/error.h"
#include "oci/base/progress.h"

enum {
    SANDBOX_ID = 993, /* user and group inside, like a function's in Lambda */
    SANDBOX_TMP_MIB = 512,
    SANDBOX_COUNT = 1024,    /* open files of a process, and processes with their threads */
    SANDBOX_SIGNALLED = 128, /* plus the signal: the status of an init, as shells say it */
};

struct sandbox;

/* Where a function runs, and within what; all borrowed. */
struct sandbox_place {
    const char *root;      /* folder with the image's files */
    int tmp_mib;           /* size of /tmp; 0: SANDBOX_TMP_MIB */
    int memory_mib;        /* beside what is in /tmp, where limits are allowed; 0: any */
    const char *foreign;   /* "linux/arm64": whose programs they are; NULL: this machine's */
    const char *emulation; /* emulation_line() for these; NULL: as the host has it */
    struct progress
        *progress; /* hears in what this machine's sandbox is weaker than it should be
                    */
};

/* All borrowed for the call. */
struct sandbox_options {
    struct sandbox_place place;
    const char *const *arguments;   /* the program first, found in PATH; ended by NULL */
    const char *const *environment; /* "NAME=value", ended by NULL */
    const char *working_directory;  /* inside; NULL: "/" */
    int log_fd;                     /* stdout and stderr; stdin is empty */
    const int *files;               /* instead of these: stdin, stdout and stderr */
    bool has_terminal;              /* files[0] is one, and becomes the program's own */
    bool has_init; /* pid 1 is another: from within, signals reach it only where it listens */
};

/** Makes in `root`, an unpacked image, the places things are mounted on. */
bool sandbox_prepare_root(const char *root, struct error *err) MUST_CHECK;

/** Starts the program. ERROR_DENIED where the machine forbids all the ways, with the one to
 *  allow the best; ERROR_INVALID when the program cannot be executed, ERROR_NOT_FOUND when
 * there is nothing to execute a foreign one; ERROR_SYSTEM names the step that failed. */
bool sandbox_start(const struct sandbox_options *options, struct sandbox **out,
                   struct error *err) MUST_CHECK;

/** Readable once the program has ended. Borrowed from the sandbox. */
int sandbox_exit_fd(const struct sandbox *sandbox);

/** Readable once its processes wanted more memory than they may have, and sandbox_end() is due;
 *  -1 where that ends the program by itself, or there is no limit. Borrowed. */
int sandbox_memory_fd(const struct sandbox *sandbox);

/** Who the program is on this machine, as its other processes see users. */
uid_t sandbox_user(const struct sandbox *sandbox);

/** The most memory that its processes have used so far, in KiB, also after their end: all at
 * one time, with their files in /tmp and what of others the kernel keeps for them, where memory
 * is limited. Else that of those which are there, and in the end that of the largest. */
long sandbox_peak_kib(struct sandbox *sandbox);

/** Ends every process in the sandbox, waits and tells the program's wait status. */
void sandbox_end(struct sandbox *sandbox, int *status);

/** Ends it first, where that has not been done. */
void sandbox_free(struct sandbox *sandbox);

static inline void sandbox_cleanup(struct sandbox **variable)
{
    sandbox_free(*variable);
}
