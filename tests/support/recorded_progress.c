/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/recorded_progress.h"

static int begin(struct progress *self, const char *done, const char *label, uint64_t total)
{
    (void)self, (void)done, (void)label, (void)total;
    return 0;
}

static void advance(struct progress *self, int task, uint64_t bytes)
{
    struct recorded_progress *recorded = (struct recorded_progress *)self;
    (void)task;

    __atomic_fetch_add(&recorded->bytes, bytes, __ATOMIC_SEQ_CST);
}

static void end(struct progress *self, int task, bool succeeded)
{
    (void)self, (void)task, (void)succeeded;
}

static void step(struct progress *self, const char *text)
{
    struct recorded_progress *recorded = (struct recorded_progress *)self;

    text_addf(&recorded->steps, "%s\n", text);
}

static void warn(struct progress *self, const char *text)
{
    struct recorded_progress *recorded = (struct recorded_progress *)self;

    text_addf(&recorded->warnings, "%s\n", text);
}

static const struct progress_ops recorded_ops = {
    .begin = begin,
    .advance = advance,
    .end = end,
    .step = step,
    .warn = warn,
};

void recorded_progress_init(struct recorded_progress *recorded)
{
    *recorded = (struct recorded_progress){.progress.ops = &recorded_ops};
}

void recorded_progress_release(struct recorded_progress *recorded)
{
    text_release(&recorded->steps);
    text_release(&recorded->warnings);
}
