/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * This machine as a platform: functions without a cloud.
 *
 * Under one folder it keeps `images`, a layout with every function's image,
 * `functions`, a record per function, and `roots`, the unpacked images. An
 * invocation starts the image's program in a sandbox of its own
 * (lambda/local/sandbox.h) and talks to it through the Lambda Runtime API
 * (lambda/local/runtime_api.h), as an ordinary user.
 */

#include "lambda/local/functions.h"
#include "lambda/local/image_root.h"
#include "lambda/local/sandbox.h"
#include "lambda/platform.h"
#include "oci/base/clock.h"
#include "oci/base/progress.h"
#include "oci/image.h"

enum { LOCAL_PAYLOAD_LIMIT = 6 * 1024 * 1024 }; /* bytes of an event, as in Lambda */

struct local_options {
    const char *folder; /* "$XDG_DATA_HOME/skiff"; made when missing */
    struct clock *clock;
    struct progress *progress;
    struct platform_spec machine; /* what this machine runs */
    const char *search_path; /* PATH, for what runs the others' programs; NULL: the usual */
};

/** Copies `folder`, borrows the rest. Release with platform_free(). */
bool local_platform_open(const struct local_options *options, struct platform **out,
                         struct error *err) MUST_CHECK;

/* A function as its instances are made of it; all owned. */
struct local_function {
    struct function_record record;
    struct image *image;
    struct image_root root; /* the image, unpacked */
    char *foreign;          /* what it is made for, where that is not this machine; else NULL */
    char *emulation;        /* emulation_line(); NULL where there is none to be found */
    struct sandbox_place place; /* borrows from the rest */
};

/** Finds a function of this platform, which is local, and unpacks its image where that has not
 *  been done. */
bool local_platform_function(struct platform *platform, const char *name,
                             struct local_function *out, struct error *err) MUST_CHECK;
void local_function_release(struct local_function *function);

/** Keeps what an invocation logged; trouble with that is a warning. */
void local_platform_keep_log(struct platform *platform, const char *name, const char *log);

static inline void local_function_cleanup(struct local_function *function)
{
    local_function_release(function);
}
