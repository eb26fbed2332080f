/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What time it is, and waiting for later.
 *
 * Time is an input like any other: cli/ hands the machine's clock down, tests
 * hand down one that never really waits.
 */

#include <stdint.h>
#include <time.h>

struct clock;

struct clock_ops {
    time_t (*now)(struct clock *self); /* seconds since 1970 */
    void (*sleep)(struct clock *self, unsigned int wait_ms);
};

struct clock {
    const struct clock_ops *ops;
};

static inline time_t clock_now(struct clock *clock)
{
    return clock->ops->now(clock);
}

static inline void clock_sleep(struct clock *clock, unsigned int wait_ms)
{
    clock->ops->sleep(clock, wait_ms);
}
