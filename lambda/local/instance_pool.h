/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Several instances of one function, for events that come at the same time.
 *
 * An event takes the instance that was used last, which is warm, a new one where all are
 * busy, and waits where there may be no more. Whoever adds a job gets it back by
 * instance_pool_take() when instance_pool_fd() is readable.
 */

#include "lambda/local/instance.h"

struct instance_pool;

/* The owner's, who keeps it alive until it is taken back. */
struct instance_job {
    struct instance_event event;

    /* Set when it is taken back. */
    bool succeeded;
    struct instance_result result; /* owned */
    struct error err;              /* ERROR_CONFLICT when it was stopped */

    struct instance_job *next; /* the pool's own */
};

/** `options` without stop_fd, and with a listener that may be called by several threads. */
bool instance_pool_open(const struct instance_options *options, size_t instances,
                        struct instance_pool **out, struct error *err) MUST_CHECK;

void instance_pool_add(struct instance_pool *pool, struct instance_job *job);

/** A job that is over; NULL: none now. */
struct instance_job *instance_pool_take(struct instance_pool *pool);

/** Readable when there may be one. Borrowed from the pool. */
int instance_pool_fd(const struct instance_pool *pool);

/** Ends whatever runs, and waits. All jobs can be taken then. */
void instance_pool_stop(struct instance_pool *pool);

/** Stops it where that has not been done; jobs must have been taken. */
void instance_pool_free(struct instance_pool *pool);

static inline void instance_pool_cleanup(struct instance_pool **variable)
{
    instance_pool_free(*variable);
}
