/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the calls of one client learn from each other: how many more repetitions AWS
 * is to bear, and how wrong our clock is.
 *
 * A bucket of tokens pays for repeating. When much goes wrong it runs empty, and a
 * client that would only add to the trouble gives up at once; successes fill it.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Retry behavior": standard mode
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <time.h>

enum {
    AWS_STATE_TOKENS = 500,
    AWS_STATE_RETRY_COST = 5,
    AWS_STATE_TIMEOUT_COST = 10, /* nobody answered */
    AWS_STATE_SUCCESS_GAIN = 1,  /* of what succeeded at once; else what it had cost */
};

/* All zero: a full bucket, a clock that is right. Any number of threads may use it. */
struct aws_state {
    atomic_int spent;
    atomic_long skew_s; /* seconds our clock is behind AWS's */
};

/** Pays for repeating; false when there is not enough. */
bool aws_state_pay(struct aws_state *state, int cost);
void aws_state_gain(struct aws_state *state, int gain);

/** Learns AWS's time from the header Date (may be NULL); whether it is another than was
 * thought, by more than signatures bear. */
bool aws_state_learn_time(struct aws_state *state, time_t now, const char *date);
