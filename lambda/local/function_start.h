/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a function's program is started with: its words, its environment, its folder.
 *
 * Source: Lambda Developer Guide, "Defined runtime environment variables"
 */

#include "lambda/local/functions.h"
#include "oci/image.h"

/* The names of a function on this machine, and of one of its instances. */
struct function_names {
    char *arn;        /* "arn:aws:lambda:local:000000000000:function:<name>" */
    char *log_group;  /* "/aws/lambda/<name>" */
    char *log_stream; /* NULL, or "2026/01/31/[$LATEST]<32 digits>" */
};

/** All owned; release with function_names_release(). */
void function_names_make(const char *function, struct function_names *out);
void function_names_release(struct function_names *names);

/* Both lists are ended by NULL. */
struct function_start {
    const char **arguments; /* owned, the words borrowed from function and image */
    char **environment;     /* owned, "NAME=value" */
    const char *working_directory;
};

/** `api` is the address of the Runtime API. ERROR_INVALID when there is nothing to run. */
bool function_start_make(const struct function_record *function, const struct image *image,
                         const struct function_names *names, const char *api,
                         struct function_start *out, struct error *err) MUST_CHECK;
void function_start_release(struct function_start *start);

static inline void function_names_cleanup(struct function_names *names)
{
    function_names_release(names);
}
static inline void function_start_cleanup(struct function_start *start)
{
    function_start_release(start);
}
