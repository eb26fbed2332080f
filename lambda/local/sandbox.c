/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/local/memory_limit.h"
#include "lambda/local/process_status.h"
#include "lambda/local/run_root.h"
#include "lambda/local/sandbox_child.h"
#include "oci/base/environment.h"
#include "oci/base/memory.h"

struct way {
    enum sandbox_ids ids;
    bool is_chroot;
    bool is_for_root, is_for_others;
    const char *weakness;
};

static const struct way WAYS[] = {
    {SANDBOX_IDS_ROOTS, .is_for_root = true},
    {SANDBOX_IDS_SUBORDINATE, .is_for_others = true},
    {SANDBOX_IDS_CALLERS, .is_for_root = true, .is_for_others = true},
    {SANDBOX_IDS_REAL, .is_for_root = true},
    {SANDBOX_IDS_REAL, .is_chroot = true, .is_for_root = true,
     .weakness =
         "this machine or container allows no namespaces, so functions run in a chroot: "
         "they see no /proc, /tmp is not limited, and processes and users are the "
         "machine's"},
};

struct sandbox {
    pid_t pid; /* 0 once it has been waited for */
    const struct way *way;
    struct run_root run_root; /* where nothing can be mounted */
    struct memory_limit memory;
    int exit_fd;
    int status;
    struct rusage usage;
    long peak_kib; /* as it was last seen */
};

/* The ends of a pipe; -1 when closed. */
struct ends {
    int read_fd, write_fd;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void ends_cleanup(struct ends *ends)
{
    close_end(&ends->read_fd);
    close_end(&ends->write_fd);
}

static inline void fd_cleanup(int *fd)
{
    close_end(fd);
}

static bool open_pipe(struct ends *ends, struct error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set_errno(err, "make a pipe");
    *ends = (struct ends){fds[0], fds[1]};
    return true;
}

/* --- the root ------------------------------------------------------------------------------
 */

/* Missing places are made; of others it matters only that they are there: what an image has
 * in the place of /etc/hosts may even be a link to nowhere. */
static bool make_place(int root, const char *name, bool is_folder, struct error *err)
{
    struct stat status;

    if (fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (is_folder) {
        if (mkdirat(root, name, 0755) == 0)
            return true;
    } else {
        owned(fd) int fd =
            openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd >= 0)
            return true;
    }
    return error_set_errno(err, "make '/%s' in the image's files", name);
}

bool sandbox_prepare_root(const char *root, struct error *err)
{
    owned(fd) int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, "open '%.200s'", root);

    static const char *const folders[] = {"proc", "dev", "tmp", "sys", "etc"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!make_place(folder, folders[i], true, err))
            return false;

    owned(fd) int etc = openat(folder, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (etc < 0)
        return true; /* the image has its own idea of /etc */
    return make_place(etc, "resolv.conf", false, err) && make_place(etc, "hosts", false, err);
}

/* --- starting ------------------------------------------------------------------------------
 */

/* Says which switch forbids user namespaces here; they differ in how they refuse. */
static bool explain_refusal(int reason, const char *what, struct error *err)
{
    const char *remedy =
        reason == ENOSPC ? "as root: sysctl -w user.max_user_namespaces=10000"
        : strncmp(what, "clone", strlen("clone")) == 0
            ? "as root: sysctl -w kernel.unprivileged_userns_clone=1; in a container: start it "
              "with --security-opt seccomp=unconfined; not possible in a chroot"
            : "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; in a "
              "container: start it with --security-opt seccomp=unconfined "
              "--security-opt apparmor=unconfined";

    return error_set(
        err, ERROR_DENIED,
        "this machine or container forbids user namespaces (%s: %s), without which "
        "functions do not run here; to allow them, %s. build, copy, inspect, and "
        "init and run on AWS, work all the same",
        what, strerror(reason), remedy);
}

/* A way that the machine does not allow; another may be. */
static bool refuse(bool *is_refused, int reason, const char *what, struct error *err)
{
    *is_refused = true;
    return explain_refusal(reason, what, err);
}

/* Waits for the program to begin, which closes the pipe, or to fail, which says why. */
static bool read_report(int fd, bool *is_refused, struct error *err)
{
    struct sandbox_failure failure;
    ssize_t got;

    do
        got = read(fd, &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return true;
    if (got != (ssize_t)sizeof failure)
        return error_set(err, ERROR_SYSTEM, "start the sandbox: it ended at once");
    failure.what[sizeof failure.what - 1] = '\0';
    if (failure.step == STEP_NAMESPACE)
        return refuse(is_refused, failure.reason, failure.what, err);
    return error_set(err, failure.step == STEP_EXECUTE ? ERROR_INVALID : ERROR_SYSTEM, "%s: %s",
                     failure.what, strerror(failure.reason));
}

/* fork() into new namespaces; `*exit_fd` tells of the child's end. */
static pid_t clone_process(const struct way *way, int *exit_fd)
{
    unsigned long flags = CLONE_PIDFD | SIGCHLD;

    if (!way->is_chroot)
        flags |= CLONE_NEWPID | CLONE_NEWIPC;
    if (way->ids != SANDBOX_IDS_REAL)
        flags |= CLONE_NEWUSER;
    return (pid_t)syscall(SYS_clone, flags, NULL, exit_fd, NULL, 0);
}

/* Everything is a try: the child waits for its ids, and may find that it can do nothing. */
static bool start(struct sandbox *sandbox, struct sandbox_plan *plan, int memory_mib,
                  bool *is_refused, struct error *err)
{
    owned(ends) struct ends go = {-1, -1};
    owned(ends) struct ends report = {-1, -1};
    struct error unlimited;
    if (!open_pipe(&go, err) || !open_pipe(&report, err))
        return false;

    plan->go_fd = go.read_fd;
    plan->report_fd = report.write_fd;
    pid_t pid = clone_process(sandbox->way, &sandbox->exit_fd);
    if (pid == 0) {
        close(go.write_fd); /* so that the parent's end is the only one */
        sandbox_child(plan);
    }
    if (pid < 0) {
        int reason = errno;
        sandbox->exit_fd = -1;
        return refuse(is_refused, reason, "clone", err);
    }
    sandbox->pid = pid;
    close_end(&report.write_fd);
    if (!sandbox_ids_set(plan->ids, pid, err))
        return refuse(is_refused, errno, "set its ids", err);
    if (memory_mib > 0 && !memory_limit_set(pid, memory_mib, &sandbox->memory, &unlimited))
        sandbox->memory = (struct memory_limit){0}; /* then without */
    if (write(go.write_fd, "", 1) != 1)
        return error_set_errno(err, "start the sandbox");
    return read_report(report.read_fd, is_refused, err);
}

static bool try_way(const struct way *way, const struct sandbox_options *options,
                    struct sandbox **out, bool *is_refused, struct error *err)
{
    owned(sandbox) struct sandbox *sandbox = memory_new(1, sizeof *sandbox);

    sandbox->exit_fd = -1;
    sandbox->way = way;
    if (way->is_chroot && !run_root_make(options->place.root, &sandbox->run_root, err)) {
        *is_refused = true;
        return false;
    }
    const char *path = way->is_chroot ? sandbox->run_root.path : options->place.root;
    owned(fd) int root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_set_errno(err, "open '%.200s'", path);

    int tmp_mib = options->place.tmp_mib ? options->place.tmp_mib : SANDBOX_TMP_MIB;
    int memory_mib = options->place.memory_mib ? options->place.memory_mib + tmp_mib : 0;
    const int usual[] = {-1, options->log_fd, options->log_fd};
    const int *files = options->files ? options->files : usual;
    struct sandbox_plan plan = {
        .ids = way->ids == SANDBOX_IDS_CALLERS && options->place.emulation
                   ? SANDBOX_IDS_NESTED /* the kernel's table is 0's */
                   : way->ids,
        .is_chroot = way->is_chroot,
        .root_fd = root,
        .files = {files[0], files[1], files[2]},
        .owns_log = !options->files,
        .has_terminal = options->has_terminal,
        .has_init = options->has_init && !way->is_chroot, /* there it has a keeper */
        .tmp_mib = tmp_mib,
        .emulation = way->ids == SANDBOX_IDS_REAL ? NULL : options->place.emulation,
        .arguments = options->arguments,
        .environment = options->environment,
        .working_directory = options->working_directory,
        .path = environment_get(options->environment, "PATH"),
    };
    if (!start(sandbox, &plan, memory_mib, is_refused, err))
        return false;
    if (way->weakness)
        progress_warn(options->place.progress, "%s", way->weakness);
    *out = take(&sandbox);
    return true;
}

/* A program for another machine is as unknown to the kernel as a text. Always false. */
static bool explain_foreign(const struct sandbox_place *place, struct error *err)
{
    const size_t length = strlen(err->text), ending = strlen(strerror(ENOEXEC));

    if (!place->foreign || err->kind != ERROR_INVALID || length < ending ||
        strcmp(err->text + length - ending, strerror(ENOEXEC)) != 0)
        return false;
    return error_set(
        err, ERROR_NOT_FOUND, "%s programs do not run on this machine: %s", place->foreign,
        place->emulation
            ? "before Linux 6.7 root has to set up QEMU's user emulation for everybody "
              "(Debian, Ubuntu: apt-get install qemu-user-static binfmt-support)"
            : "QEMU's user emulation is missing (Debian, Ubuntu: apt-get install "
              "qemu-user-static; Fedora: dnf install qemu-user-static)");
}

bool sandbox_start(const struct sandbox_options *options, struct sandbox **out,
                   struct error *err)
{
    bool is_root = geteuid() == 0, is_told = false;

    for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
        const struct way *way = &WAYS[i];
        struct error reason;
        bool is_refused = false;
        if (is_root ? !way->is_for_root : !way->is_for_others)
            continue;
        if (try_way(way, options, out, &is_refused, &reason))
            return true;
        if (!is_refused) {
            *err = reason;
            return explain_foreign(&options->place, err);
        }
        /* What is said is how to allow the way that asks for least. */
        if (way->ids == SANDBOX_IDS_CALLERS && !is_told) {
            *err = reason;
            is_told = true;
        }
    }
    return false;
}

int sandbox_exit_fd(const struct sandbox *sandbox)
{
    return sandbox->exit_fd;
}

int sandbox_memory_fd(const struct sandbox *sandbox)
{
    return sandbox->memory.group ? sandbox->memory.exceeded_fd : -1;
}

uid_t sandbox_user(const struct sandbox *sandbox)
{
    long user;

    if (sandbox->way->ids == SANDBOX_IDS_REAL)
        return SANDBOX_ID; /* the program's, not its keeper's */
    return process_status_read(sandbox->pid, "Uid:", &user) ? (uid_t)user : geteuid();
}

long sandbox_peak_kib(struct sandbox *sandbox)
{
    long kib = memory_limit_peak_kib(&sandbox->memory);

    if (kib == 0)
        kib = sandbox->pid > 0 ? process_status_peak_kib(sandbox->pid)
                               : sandbox->usage.ru_maxrss; /* the largest process's */
    if (sandbox->peak_kib < kib)
        sandbox->peak_kib = kib;
    return sandbox->peak_kib;
}

void sandbox_end(struct sandbox *sandbox, int *status)
{
    if (sandbox->pid > 0) {
        /* Pid 1's end is everybody's in there; the keeper's is when he has ended them. */
        kill(sandbox->pid, sandbox->way->is_chroot ? SIGTERM : SIGKILL);
        while (wait4(sandbox->pid, &sandbox->status, 0, &sandbox->usage) < 0 && errno == EINTR)
            ;
        sandbox->pid = 0;
    }
    if (status)
        *status = sandbox->status;
}

void sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    sandbox_end(sandbox, NULL);
    close_end(&sandbox->exit_fd);
    memory_limit_remove(&sandbox->memory);
    run_root_release(&sandbox->run_root);
    free(sandbox);
}
