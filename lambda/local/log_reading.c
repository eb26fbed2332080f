/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/log_reading.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/base/memory.h"

enum { FOLLOW_PAUSE_MS = 500 };

/* The lines `first` to `last`, both included, of a log. */
struct span {
    long first;
    long last;
};

static bool tell_line(const struct platform_log_wish *wish, const char *line, struct error *err)
{
    const struct platform_log_event event = {.stream = "", .message = line};

    return wish->listen(wish->context, &event, err);
}

static bool tell_span(FILE *file, const struct platform_log_wish *wish, struct span span,
                      struct error *err)
{
    owned(memory) char *line = NULL;
    size_t capacity = 0;

    for (long number = 0; number <= span.last && getline(&line, &capacity, file) > 0; number++)
        if (number >= span.first && !tell_line(wish, line, err))
            return false;
    return true;
}

static bool find_request(FILE *file, const char *request_id, struct span *out,
                         struct error *err)
{
    owned(memory) char *line = NULL;
    size_t capacity = 0;
    struct span span = {-1, -1};

    for (long number = 0; getline(&line, &capacity, file) > 0; number++) {
        if (!strstr(line, request_id))
            continue;
        span.first = span.first < 0 ? number : span.first;
        span.last = number;
    }
    rewind(file);
    *out = span;
    return span.first >= 0 || error_set(err, ERROR_NOT_FOUND,
                                        "no line of the log names request '%.80s'", request_id);
}

/* One that has become shorter is begun anew. */
static bool follow(FILE *file, const struct platform_log_wish *wish, struct clock *clock,
                   struct error *err)
{
    struct stat status;

    for (;;) {
        if (!tell_span(file, wish, (struct span){0, LONG_MAX}, err))
            return false;
        clock_sleep(clock, FOLLOW_PAUSE_MS);
        clearerr(file);
        if (fstat(fileno(file), &status) == 0 && status.st_size < ftell(file))
            rewind(file);
    }
}

bool log_reading_tell(const char *path, const struct platform_log_wish *wish,
                      struct clock *clock, struct error *err)
{
    struct span span = {0, LONG_MAX};

    if (wish->stream || wish->since)
        return error_set(err, ERROR_USAGE,
                         "this machine's logs have neither streams nor times");
    /* What is to be followed has to be there. */
    FILE *file = fopen(path, wish->follow ? "a+e" : "re");
    if (!file && errno == ENOENT && !wish->request_id)
        return true;
    if (!file)
        return error_set_errno(err, "open '%.200s'", path);
    rewind(file);
    bool told =
        (!wish->request_id || find_request(file, wish->request_id, &span, err)) &&
        (wish->follow ? follow(file, wish, clock, err) : tell_span(file, wish, span, err));
    fclose(file);
    return told;
}
