/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A command's options, written down once.
 *
 * One table per command drives parsing, "--help" and the usage line. Values go
 * straight into a struct of the command's own, so nothing is global and two
 * commands can never share a flag by accident.
 *
 * The spellings are those of SCAR, whose users we inherit: "-f x", "-fx",
 * "-rt image" (short names may have two letters), "--file x", "--file=x", and any
 * beginning of a long name that only one option has.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "oci/base/error.h"

enum option_kind {
    OPTION_KIND_END,
    OPTION_KIND_FLAG,    /* bool */
    OPTION_KIND_TEXT,    /* const char *, pointing into argv */
    OPTION_KIND_NUMBER,  /* int, from 1 */
    OPTION_KIND_LIST,    /* struct option_list; may be given again and again */
    OPTION_KIND_REFUSED, /* one of SCAR's that skiff has not; `help` says what to use instead */
};

/* Values in the order given, ended by NULL; they point into argv. */
struct option_list {
    const char **values; /* NULL when the option was not given */
    size_t count;
};

struct option {
    enum option_kind kind;
    const char *letter;   /* one or two characters; NULL for none */
    const char *name;     /* without the dashes */
    const char *argument; /* "FILE" in the help; NULL for a flag */
    const char *help;
    size_t offset;
};

/* clang-format off */
#define OPTION_FLAG(type, field, letter, name, help) \
    {OPTION_KIND_FLAG, letter, name, NULL, help, offsetof(type, field)}
#define OPTION_TEXT(type, field, letter, name, argument, help) \
    {OPTION_KIND_TEXT, letter, name, argument, help, offsetof(type, field)}
#define OPTION_NUMBER(type, field, letter, name, argument, help) \
    {OPTION_KIND_NUMBER, letter, name, argument, help, offsetof(type, field)}
#define OPTION_LIST(type, field, letter, name, argument, help) \
    {OPTION_KIND_LIST, letter, name, argument, help, offsetof(type, field)}
#define OPTION_REFUSED(letter, name, instead) \
    {OPTION_KIND_REFUSED, letter, name, NULL, instead, 0}
#define OPTION_END {.kind = OPTION_KIND_END}
/* clang-format on */

/* A table and the struct it fills. */
struct option_set {
    const struct option *options;
    void *values;
};

/** Fills the structs of `sets` (looked through in order, ended by one without options) from
 * argv and moves what is not an option to the front of argv, `*count` of them. With
 * `stop_at_word` the first of those ends the options: it and all after it are kept. ERROR_USAGE
 * otherwise. */
bool option_parse(const struct option_set *sets, bool stop_at_word, int argc, const char **argv,
                  int *count, struct error *err) MUST_CHECK;

/** Frees the lists among the values. */
void option_release(const struct option *options, void *values);

/** The help lines of a table, one per option, aligned. */
void option_print_help(const struct option *options, FILE *out);
