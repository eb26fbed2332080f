/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/function_log.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

struct function_log {
    int read_fd, write_fd; /* -1 when closed */
    pthread_t reader;
    bool is_reading;
    struct text text; /* the reader's until it has ended */
};

static void *gather(void *argument)
{
    struct function_log *log = argument;
    struct text *text = &log->text;
    char bytes[64 * 1024];

    for (;;) {
        ssize_t got = read(log->read_fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return NULL;
        text_add_bytes(text, bytes, (size_t)got);
        if (text->length < 2 * FUNCTION_LOG_LIMIT)
            continue;
        /* Half is dropped at a time, so that bytes are moved once and not at every line. */
        memmove(text->bytes, text->bytes + text->length - FUNCTION_LOG_LIMIT,
                FUNCTION_LOG_LIMIT);
        text->length = FUNCTION_LOG_LIMIT;
        text->bytes[text->length] = '\0';
    }
}

bool function_log_open(struct function_log **out, struct error *err)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set_errno(err, "make a pipe for the log");

    owned(function_log) struct function_log *log = memory_new(1, sizeof *log);
    log->read_fd = fds[0];
    log->write_fd = fds[1];
    errno = pthread_create(&log->reader, NULL, gather, log);
    if (errno != 0)
        return error_set_errno(err, "start a thread for the log");
    log->is_reading = true;
    *out = take(&log);
    return true;
}

int function_log_fd(const struct function_log *log)
{
    return log->write_fd;
}

void function_log_begun(struct function_log *log)
{
    if (log->write_fd >= 0)
        close(log->write_fd);
    log->write_fd = -1;
}

const char *function_log_finish(struct function_log *log, size_t *count)
{
    function_log_begun(log);
    if (log->is_reading)
        pthread_join(log->reader, NULL);
    log->is_reading = false;

    size_t extra =
        log->text.length > FUNCTION_LOG_LIMIT ? log->text.length - FUNCTION_LOG_LIMIT : 0;
    *count = log->text.length - extra;
    return text_string(&log->text) + extra;
}

void function_log_free(struct function_log *log)
{
    size_t count;

    if (!log)
        return;
    function_log_finish(log, &count);
    close(log->read_fd);
    text_release(&log->text);
    free(log);
}
