/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress_terminal.h"

#include <pthread.h>
#include <string.h>
#include <time.h>

#include "cli/size.h"
#include "oci/base/memory.h"
#include "oci/base/printable.h"
#include "oci/base/text.h"

enum {
    REDRAW_MS = 100,
    BARS_LIMIT = 8, /* more at once would push everything else off the screen */
    LABEL_COLUMNS_LIMIT = 24,
    BAR_COLUMNS_MIN = 8,
    BAR_COLUMNS_MAX = 40,
    AMOUNT_COLUMNS = 20, /* "999.9 MB of 999.9 MB" */
    RATE_COLUMNS = 10,   /* "999.9 MB/s" */
    GAP_COLUMNS = 2,
};

struct task {
    const char *verb; /* "copied" */
    char *label;      /* NULL once ended */
    uint64_t total;
    uint64_t done;
    uint64_t begun_ms;
};

struct progress_terminal {
    struct progress progress;
    struct progress_terminal_options options;
    FILE *out;
    pthread_mutex_t lock;
    struct task *tasks; /* a task's number is its place */
    size_t task_count;
    size_t running;
    struct task all; /* everything begun so far whose size is known */
    uint64_t drawn_ms;
    size_t drawn_lines; /* what is on the screen and not to stay */
};

static uint64_t machine_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* --- one line ------------------------------------------------------------------------------
 */

/* How many bytes the first `columns` characters of UTF-8 take, and how many there were. */
static size_t fit(const char *text, size_t columns, size_t *used)
{
    size_t at = 0;

    *used = 0;
    for (; text[at]; at++) {
        bool begins = ((unsigned char)text[at] & 0xc0) != 0x80;
        if (begins && *used == columns)
            break;
        *used += begins;
    }
    return at;
}

static void add_padded(struct text *line, const char *text, size_t columns)
{
    size_t used;
    size_t bytes = fit(text, columns, &used);

    text_add_bytes(line, text, bytes);
    text_addf(line, "%*s", (int)(columns - used), "");
}

static void add_repeated(struct text *line, const char *sign, size_t count)
{
    while (count-- > 0)
        text_add(line, sign);
}

static void add_bar(const struct progress_terminal *self, struct text *line,
                    const struct task *task, size_t columns)
{
    uint64_t done = task->done < task->total ? task->done : task->total;
    size_t filled = (size_t)((double)done / (double)task->total * (double)columns);

    text_add(line, self->options.color ? "\033[32m" : "");
    add_repeated(line, "━", filled);
    text_add(line, self->options.color ? "\033[0;2m" : "");
    add_repeated(line, "─", columns - filled);
    text_add(line, self->options.color ? "\033[0m" : "");
}

static uint64_t rate(const struct task *task, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - task->begun_ms;

    return elapsed_ms ? (uint64_t)((double)task->done * 1000 / (double)elapsed_ms) : 0;
}

/* Bar and rate are left out where the terminal is too narrow for them. */
static void add_task(const struct progress_terminal *self, struct text *out,
                     const struct task *task, size_t label_columns, uint64_t bytes_per_s)
{
    size_t left = (size_t)self->options.columns - 1; /* the last column makes some wrap */
    size_t label = label_columns < left ? label_columns : left;

    add_padded(out, task->label, label);
    left -= label;
    if (left < GAP_COLUMNS + AMOUNT_COLUMNS)
        return;
    left -= GAP_COLUMNS + AMOUNT_COLUMNS;
    bool rated = left >= GAP_COLUMNS + RATE_COLUMNS;
    left -= rated ? GAP_COLUMNS + RATE_COLUMNS : 0;

    if (left >= GAP_COLUMNS + BAR_COLUMNS_MIN) {
        size_t columns = left - GAP_COLUMNS;
        columns = columns < BAR_COLUMNS_MAX ? columns : BAR_COLUMNS_MAX;
        text_addf(out, "%*s", GAP_COLUMNS, "");
        if (task->total)
            add_bar(self, out, task, columns);
        else
            text_addf(out, "%*s", (int)columns, "");
    }
    text_addf(out, "%*s%8s%s%8s", GAP_COLUMNS, "", size_format(task->done).text,
              task->total ? " of " : "    ", task->total ? size_format(task->total).text : "");
    if (rated)
        text_addf(out, "%*s%8s/s", GAP_COLUMNS, "", size_format(bytes_per_s).text);
}

/* --- the screen ----------------------------------------------------------------------------
 */

static void erase(struct progress_terminal *self)
{
    if (self->drawn_lines)
        fprintf(self->out, "\r\033[%zuA\033[J", self->drawn_lines);
    self->drawn_lines = 0;
}

static size_t widest_label(const struct progress_terminal *self)
{
    size_t widest = strlen("total");

    for (size_t i = 0; i < self->task_count; i++) {
        size_t used = 0;
        if (self->tasks[i].label)
            fit(self->tasks[i].label, LABEL_COLUMNS_LIMIT, &used);
        widest = used > widest ? used : widest;
    }
    return widest;
}

static void draw(struct progress_terminal *self, uint64_t now_ms)
{
    owned(text) struct text screen = {0};
    size_t label_columns = widest_label(self);
    uint64_t all_rates = 0;
    size_t lines = 0;

    /* Lines are overwritten, since erasing them first would flicker; and not wrapped, should
     * the terminal have become narrower. */
    if (self->drawn_lines)
        text_addf(&screen, "\r\033[%zuA", self->drawn_lines);
    text_add(&screen, "\033[?7l");
    for (size_t i = 0; i < self->task_count; i++) {
        const struct task *task = &self->tasks[i];
        if (!task->label)
            continue;
        all_rates += rate(task, now_ms);
        if (lines == BARS_LIMIT)
            continue;
        add_task(self, &screen, task, label_columns, rate(task, now_ms));
        text_add(&screen, "\033[K\n");
        lines++;
    }
    if (self->task_count > 1) {
        add_task(self, &screen, &self->all, label_columns, all_rates);
        text_add(&screen, "\033[K\n");
        lines++;
    }
    text_add(&screen, "\033[J\033[?7h");
    fputs(text_string(&screen), self->out);
    fflush(self->out);
    self->drawn_lines = lines;
    self->drawn_ms = now_ms;
}

/* A line that stays, above the bars. */
static void say(struct progress_terminal *self, FILE *where, const char *before,
                const char *text, const char *after)
{
    owned(memory) char *line = text_format("%s%s%s", before, text, after);
    bool bars = self->drawn_lines > 0;

    printable_make(line);
    erase(self);
    fflush(self->out);
    fprintf(where, "%s\n", line);
    fflush(where);
    if (bars && self->running)
        draw(self, self->options.now_ms());
}

/* --- the interface -------------------------------------------------------------------------
 */

static int terminal_begin(struct progress *progress, const char *done, const char *label,
                          uint64_t total)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    pthread_mutex_lock(&self->lock);
    size_t number = self->task_count++;
    self->tasks = memory_resize(self->tasks, self->task_count, sizeof *self->tasks);
    struct task *task = &self->tasks[number];
    *task = (struct task){
        .verb = done,
        .label = memory_copy_string(label),
        .total = total,
        .begun_ms = self->options.now_ms(),
    };
    printable_make(task->label);
    self->all.total += total;
    /* What is over in the blink of an eye needs no bar. */
    if (self->running++ == 0)
        self->drawn_ms = task->begun_ms;
    pthread_mutex_unlock(&self->lock);
    return (int)number;
}

static void terminal_advance(struct progress *progress, int number, uint64_t bytes)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    pthread_mutex_lock(&self->lock);
    struct task *task = &self->tasks[number];
    task->done += bytes;
    self->all.done += task->total ? bytes : 0;
    if (self->options.bars && !self->options.quiet) {
        uint64_t now_ms = self->options.now_ms();
        if (now_ms - self->drawn_ms >= REDRAW_MS)
            draw(self, now_ms);
    }
    pthread_mutex_unlock(&self->lock);
}

static void terminal_end(struct progress *progress, int number, bool succeeded)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    pthread_mutex_lock(&self->lock);
    struct task *task = &self->tasks[number];
    owned(memory) char *label = take(&task->label);
    owned(memory) char *verb = text_format("%s ", task->verb);
    owned(memory) char *size = text_format(" (%s)", size_format(task->done).text);
    self->running--;
    if (succeeded && !self->options.quiet)
        say(self, self->out, verb, label, size);
    if (self->running == 0) {
        erase(self);
        fflush(self->out);
    }
    pthread_mutex_unlock(&self->lock);
}

static void terminal_step(struct progress *progress, const char *text)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    pthread_mutex_lock(&self->lock);
    if (!self->options.quiet)
        say(self, self->out, "", text, "");
    pthread_mutex_unlock(&self->lock);
}

static void terminal_warn(struct progress *progress, const char *text)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    pthread_mutex_lock(&self->lock);
    say(self, self->options.warnings, "skiff: warning: ", text, "");
    pthread_mutex_unlock(&self->lock);
}

static const struct progress_ops terminal_ops = {
    .begin = terminal_begin,
    .advance = terminal_advance,
    .end = terminal_end,
    .step = terminal_step,
    .warn = terminal_warn,
};

struct progress *progress_terminal_new(FILE *out,
                                       const struct progress_terminal_options *options)
{
    struct progress_terminal *self = memory_new(1, sizeof *self);

    self->progress.ops = &terminal_ops;
    self->options = *options;
    if (self->options.columns <= 0)
        self->options.columns = 80;
    if (!self->options.warnings)
        self->options.warnings = stderr;
    if (!self->options.now_ms)
        self->options.now_ms = machine_now_ms;
    self->out = out;
    self->all.label = memory_copy_string("total");
    pthread_mutex_init(&self->lock, NULL);
    return &self->progress;
}

void progress_terminal_free(struct progress *progress)
{
    struct progress_terminal *self = (struct progress_terminal *)progress;

    if (!self)
        return;
    erase(self);
    fflush(self->out);
    for (size_t i = 0; i < self->task_count; i++)
        free(self->tasks[i].label);
    free(self->tasks);
    free(self->all.label);
    pthread_mutex_destroy(&self->lock);
    free(self);
}
