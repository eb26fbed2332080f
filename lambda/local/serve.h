/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function of this machine behind a port: Lambda's Invoke API for the AWS CLI and SDKs,
 * and HTTP, as a function URL has it, for everybody else.
 *
 * One thread talks to the world, the function's instances run in threads of a pool.
 */

#include "lambda/local/function_log.h"
#include "lambda/platform.h"
#include "oci/base/clock.h"
#include "oci/base/progress.h"

enum { SERVE_INSTANCES = 10, SERVE_INSTANCES_LIMIT = 64 };

struct serve;

struct serve_options {
    struct platform *platform; /* this machine's */
    const char *name;
    const char *address; /* to listen at; NULL: 127.0.0.1 */
    int port;            /* 0: any */
    int instances; /* at the same time, at most; 0: the usual, which for a server is one */
    struct clock *clock;
    struct progress *progress;
    struct log_listener *listener; /* hears the log, one call at a time; NULL: nobody */
};

/** Listens. ERROR_NOT_FOUND without such a function, ERROR_USAGE for more instances than it can
 *  have. Borrows what the options name. */
bool serve_open(const struct serve_options *options, struct serve **out,
                struct error *err) MUST_CHECK;

/** "127.0.0.1:<port>". Borrowed. */
const char *serve_address(const struct serve *serve);

/** Serves until `stop_fd` is readable, and ends what runs then. */
bool serve_run(struct serve *serve, int stop_fd, struct error *err) MUST_CHECK;

void serve_free(struct serve *serve);

static inline void serve_cleanup(struct serve **variable)
{
    serve_free(*variable);
}
