/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/outside.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "lambda/supervisor/job.h"
#include "lambda/supervisor/server.h"
#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { CHUNK = 64 * 1024 };

/* Nobody types events: at a terminal, or without any stdin, it is an empty one. */
static bool read_event(struct text *event, struct error *err)
{
    char chunk[CHUNK];
    ssize_t count;

    if (isatty(STDIN_FILENO))
        return true;
    while ((count = read(STDIN_FILENO, chunk, sizeof chunk)) != 0) {
        if (count < 0 && errno == EBADF)
            return true;
        if (count < 0)
            return error_set_errno(err, "read the event from stdin");
        if ((size_t)count > EVENT_LIMIT - event->length)
            return error_set(err, ERROR_LIMIT, "the event in stdin has more than %d bytes",
                             EVENT_LIMIT);
        text_add_bytes(event, chunk, (size_t)count);
    }
    return true;
}

/* Batch's name for the job, else one of our own. */
static char *request_id(const char *const *environment)
{
    const char *job = environment_get(environment, "AWS_BATCH_JOB_ID");
    unsigned char bytes[16] = {0};
    char name[2 * sizeof bytes + 1];

    if (job && !strchr(job, '/') && strlen(job) < 128)
        return memory_copy_string(job);
    if (getrandom(bytes, sizeof bytes, 0) < 0)
        return text_format("%ld", (long)getpid());
    hex_encode(bytes, sizeof bytes, name);
    return memory_copy_string(name);
}

bool outside_run(const struct job_context *context, int *exit_code, struct error *err)
{
    owned(text) struct text event = {0};
    owned(invocation) struct invocation invocation = {0};
    owned(job_result) struct job_result result = {0};

    if (context->settings->mode == MODE_HTTP)
        return server_become(context, err);
    if (!read_event(&event, err))
        return false;
    invocation.request_id = request_id(context->environment);
    invocation.event_count = event.length;
    invocation.event = text_take(&event);
    job_run(context, &invocation, &result);
    *exit_code = result.exit_code;
    return !result.failure_type ||
           error_set(err, ERROR_SYSTEM, "%s: %s", result.failure_type, result.failure);
}
