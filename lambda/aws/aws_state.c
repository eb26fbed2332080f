/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_state.h"

#include <stddef.h>
#include <stdlib.h>

#include "registry/http.h"

enum { BEARABLE_SKEW_S = 4 * 60 };

bool aws_state_pay(struct aws_state *state, int cost)
{
    int spent = atomic_load(&state->spent);

    do {
        if (spent + cost > AWS_STATE_TOKENS)
            return false;
    } while (!atomic_compare_exchange_weak(&state->spent, &spent, spent + cost));
    return true;
}

void aws_state_gain(struct aws_state *state, int gain)
{
    int spent = atomic_load(&state->spent);

    while (
        !atomic_compare_exchange_weak(&state->spent, &spent, spent > gain ? spent - gain : 0))
        ;
}

bool aws_state_learn_time(struct aws_state *state, time_t now, const char *date)
{
    time_t theirs;

    if (!date || !http_date_parse(date, &theirs))
        return false;
    long skew_s = (long)(theirs - now);
    long known_s = atomic_exchange(&state->skew_s, skew_s);
    if (labs(skew_s - known_s) > BEARABLE_SKEW_S)
        return true;
    atomic_store(&state->skew_s, known_s);
    return false;
}
