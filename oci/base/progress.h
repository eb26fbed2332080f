/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Telling someone how far along we are.
 *
 * The rooms below cli/ report; they never print. A task is begun once, advanced
 * any number of times and ended once, failed or not. progress_none hears
 * everything and says nothing, so no caller ever tests for NULL. Every call may
 * come from any thread.
 */

#include <stdbool.h>
#include <stdint.h>

#include "oci/base/error.h"

struct progress;

struct progress_ops {
    /* `done` is the verb for the end, "copied", a constant; `label` is what is copied. `total`
     * is in bytes; 0 when it is not known. Returns a task number. */
    int (*begin)(struct progress *self, const char *done, const char *label, uint64_t total);
    void (*advance)(struct progress *self, int task, uint64_t bytes);
    void (*end)(struct progress *self, int task, bool succeeded);
    /* One finished step, in words: "repository cowsay created". */
    void (*step)(struct progress *self, const char *text);
    /* Something the user should look at, though the work goes on. */
    void (*warn)(struct progress *self, const char *text);
};

struct progress {
    const struct progress_ops *ops;
};

extern struct progress progress_none;

int progress_begin(struct progress *progress, const char *done, const char *label,
                   uint64_t total);
void progress_advance(struct progress *progress, int task, uint64_t bytes);
void progress_end(struct progress *progress, int task, bool succeeded);
void progress_step(struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);
void progress_warn(struct progress *progress, const char *format, ...) PRINTF_LIKE(2, 3);
