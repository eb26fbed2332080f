/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The function as a server of the image's own: started once, before the first event, and sent
 * each event as a request, so that web frameworks run as they are.
 *
 *     init_script, or the image's own command, listens on 127.0.0.1:PORT
 *
 * What it prints is the log. One that has ended, or had to be ended since an event took too
 * long, is started again for the next event.
 */

#include "lambda/supervisor/job.h"

struct server;

/** `context` is borrowed. */
struct server *server_new(const struct job_context *context);

/** Starts the server and waits until it listens, but not for longer than Lambda gives a
 *  function to begin: one that needs more goes on with it in the first event's time. An error
 *  says why it cannot be started, or how it ended. */
bool server_start(struct server *server, struct error *err) MUST_CHECK;

/** Has the event answered. */
void server_run(struct server *server, const struct invocation *invocation,
                struct job_result *out);

/** Becomes the server instead of starting it, for where there are no events. Returns only with
 * an error. */
bool server_become(const struct job_context *context, struct error *err) MUST_CHECK;

void server_free(struct server *server);

static inline void server_cleanup(struct server **variable)
{
    server_free(*variable);
}
