/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/function_log.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "oci/base/memory.h"

enum { GATHER_ROUNDS = 32 };

struct function_log {
    struct log_listener *listener; /* NULL: none */
    int read_fd, write_fd;         /* -1 when closed */
    struct text text;
    size_t heard;   /* so much of it was told */
    size_t dropped; /* so much before it was not kept */
};

struct function_log *function_log_new(struct log_listener *listener)
{
    struct function_log *log = memory_new(1, sizeof *log);

    *log = (struct function_log){.listener = listener, .read_fd = -1, .write_fd = -1};
    return log;
}

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void function_log_free(struct function_log *log)
{
    if (!log)
        return;
    close_end(&log->read_fd);
    close_end(&log->write_fd);
    text_release(&log->text);
    free(log);
}

bool function_log_open(struct function_log *log, struct error *err)
{
    int fds[2];

    close_end(&log->read_fd);
    close_end(&log->write_fd);
    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set_errno(err, "make a pipe for the log");
    log->read_fd = fds[0];
    log->write_fd = fds[1];
    /* The writer's end stays as it is: programs are not used to a stdout that refuses. */
    if (fcntl(log->read_fd, F_SETFL, O_NONBLOCK) != 0)
        return error_set_errno(err, "arrange the pipe of the log");
    return true;
}

int function_log_fd(const struct function_log *log)
{
    return log->write_fd;
}

void function_log_begun(struct function_log *log)
{
    close_end(&log->write_fd);
}

int function_log_source(const struct function_log *log)
{
    return log->read_fd;
}

static void tell(struct function_log *log)
{
    const char *from = text_string(&log->text) + log->heard;
    const char *end = memrchr(from, '\n', log->text.length - log->heard);

    if (!end || !log->listener)
        return;
    log->listener->hear(log->listener, from, (size_t)(end + 1 - from));
    log->heard = (size_t)(end + 1 - log->text.bytes);
}

static void drop_first(struct function_log *log, size_t count)
{
    struct text *text = &log->text;

    memmove(text->bytes, text->bytes + count, text->length - count);
    text->length -= count;
    text->bytes[text->length] = '\0';
    log->dropped += count;
    log->heard = log->heard > count ? log->heard - count : 0;
}

void function_log_gather(struct function_log *log)
{
    struct text *text = &log->text;
    char bytes[64 * 1024];

    /* Not for ever, where a program writes without pause. */
    for (int rounds = 0; log->read_fd >= 0 && rounds < GATHER_ROUNDS; rounds++) {
        ssize_t got = read(log->read_fd, bytes, sizeof bytes);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0 && errno == EAGAIN)
            return;
        if (got <= 0) {
            close_end(&log->read_fd);
            return;
        }
        text_add_bytes(text, bytes, (size_t)got);
        tell(log);
        /* Half is dropped at a time, so that bytes are moved once and not at every line. */
        if (text->length >= 2 * FUNCTION_LOG_LIMIT)
            drop_first(log, text->length - FUNCTION_LOG_LIMIT);
    }
}

void function_log_finish(struct function_log *log)
{
    function_log_begun(log);
    for (;;) {
        function_log_gather(log);
        if (log->read_fd < 0)
            return;
        struct pollfd source = {.fd = log->read_fd, .events = POLLIN};
        if (poll(&source, 1, -1) < 0 && errno != EINTR)
            return;
    }
}

static void end_line(struct function_log *log)
{
    struct text *text = &log->text;

    if (text->length > 0 && text->bytes[text->length - 1] != '\n')
        text_add(text, "\n");
}

void function_log_addf(struct function_log *log, const char *format, ...)
{
    char *lines = NULL;
    va_list args;

    va_start(args, format);
    int count = vasprintf(&lines, format, args);
    va_end(args);
    owned(memory) char *checked = memory_checked(count < 0 ? NULL : lines);
    end_line(log);
    text_add(&log->text, checked);
    tell(log);
}

char *function_log_cut(struct function_log *log)
{
    end_line(log);
    tell(log);
    if (log->text.length > FUNCTION_LOG_LIMIT)
        drop_first(log, log->text.length - FUNCTION_LOG_LIMIT);
    log->heard = 0;
    if (log->dropped == 0)
        return text_take(&log->text);

    owned(text) struct text whole = {0};
    const char *kept = text_string(&log->text);
    const char *line_end = strchr(kept, '\n');
    if (line_end && line_end[1]) /* half a line says nothing */
        kept = line_end + 1;
    text_addf(&whole, "skiff: %zu bytes of the log came before this and were not kept\n",
              log->dropped + (size_t)(kept - text_string(&log->text)));
    text_add(&whole, kept);
    text_release(&log->text);
    log->dropped = 0;
    return text_take(&whole);
}
