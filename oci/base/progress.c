/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/progress.h"

#include <stdarg.h>
#include <stdio.h>

enum { LINE_BYTES = 1000 };

static int none_begin(struct progress *self, const char *done, const char *label,
                      uint64_t total)
{
    (void)self, (void)done, (void)label, (void)total;
    return 0;
}

static void none_advance(struct progress *self, int task, uint64_t bytes)
{
    (void)self, (void)task, (void)bytes;
}

static void none_end(struct progress *self, int task, bool succeeded)
{
    (void)self, (void)task, (void)succeeded;
}

static void none_say(struct progress *self, const char *text)
{
    (void)self, (void)text;
}

static const struct progress_ops none_ops = {
    .begin = none_begin,
    .advance = none_advance,
    .end = none_end,
    .step = none_say,
    .warn = none_say,
};

struct progress progress_none = {.ops = &none_ops};

int progress_begin(struct progress *progress, const char *done, const char *label,
                   uint64_t total)
{
    return progress->ops->begin(progress, done, label, total);
}

void progress_advance(struct progress *progress, int task, uint64_t bytes)
{
    progress->ops->advance(progress, task, bytes);
}

void progress_end(struct progress *progress, int task, bool succeeded)
{
    progress->ops->end(progress, task, succeeded);
}

void progress_step(struct progress *progress, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress->ops->step(progress, text);
}

void progress_warn(struct progress *progress, const char *format, ...)
{
    char text[LINE_BYTES];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    progress->ops->warn(progress, text);
}
