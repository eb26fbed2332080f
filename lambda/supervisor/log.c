/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char *const NAMES[] = {
    [LOG_DEBUG] = "DEBUG", [LOG_INFO] = "INFO",         [LOG_WARNING] = "WARNING",
    [LOG_ERROR] = "ERROR", [LOG_CRITICAL] = "CRITICAL",
};

bool log_level_parse(const char *name, enum log_level *out)
{
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        if (strcasecmp(name, NAMES[i]) != 0)
            continue;
        *out = (enum log_level)i;
        return true;
    }
    return false;
}

void log_line(enum log_level lowest, enum log_level level, const char *format, ...)
{
    if (level < lowest)
        return;

    struct timespec now;
    struct tm utc;
    char date[32];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(date, sizeof date, "%Y-%m-%d %H:%M:%S", &utc);

    char message[2000]; /* no message of ours may grow with the input */
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);

    owned(text) struct text line = {0};
    text_addf(&line, "%s,%03ld - supervisor - %s - %s\n", date, now.tv_nsec / 1000000,
              NAMES[level], message);
    log_bytes(line.bytes, line.length);
}

void log_bytes(const void *bytes, size_t count)
{
    const char *left = bytes;

    while (count > 0) {
        ssize_t written = write(STDERR_FILENO, left, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return;
        left += written;
        count -= (size_t)written;
    }
}
