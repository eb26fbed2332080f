/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_retry.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "oci/base/memory.h"

const struct http_retry_policy http_retry_usual = {
    .tries = 4,
    .first_wait_ms = 500,
    .longest_wait_ms = 30 * 1000,
};

struct http_retry {
    struct http http;
    struct http *inner;
    struct clock *clock;
    struct http_retry_policy policy;
};

/* 0 up to `bound`. */
static unsigned int random_wait(unsigned int bound)
{
    unsigned int value;

    if (getrandom(&value, sizeof value, 0) != sizeof value)
        value = bound / 2;
    return value % (bound + 1);
}

/* Until the date by the server's own clock, which need not be ours. */
static time_t seconds_until(const char *date, const struct http_response *response,
                            struct clock *clock)
{
    const char *theirs = http_header(response, "Date");
    time_t then;
    time_t now;

    if (!http_date_parse(date, &then))
        return 0;
    if (!theirs || !http_date_parse(theirs, &now))
        now = clock_now(clock);
    return then > now ? then - now : 0;
}

/* Retry-After is a number of seconds or a date (RFC 9110, section 10.2.3). */
static unsigned int asked_wait_ms(const struct http_response *response, struct clock *clock)
{
    static const time_t longest_s = 24 * 3600;
    const char *text = http_header(response, "Retry-After");
    if (!text || !*text)
        return 0;

    bool is_number = strspn(text, "0123456789") == strlen(text);
    time_t wait_s = is_number ? strtol(text, NULL, 10) : seconds_until(text, response, clock);
    return (unsigned int)(wait_s < longest_s ? wait_s : longest_s) * 1000;
}

static unsigned int wait_before(const struct http_retry *retry, unsigned int tries_done)
{
    unsigned int bound = retry->policy.first_wait_ms;

    for (unsigned int i = 1; i < tries_done && bound < retry->policy.longest_wait_ms; i++)
        bound *= 2;
    if (bound > retry->policy.longest_wait_ms)
        bound = retry->policy.longest_wait_ms;
    return random_wait(bound);
}

static bool retry_try_again(struct http *self, unsigned int tries,
                            const struct http_response *refusal)
{
    struct http_retry *retry = (struct http_retry *)self;
    unsigned int asked_ms = refusal ? asked_wait_ms(refusal, retry->clock) : 0;

    if (tries >= retry->policy.tries || asked_ms > retry->policy.longest_wait_ms)
        return false;
    clock_sleep(retry->clock, asked_ms + wait_before(retry, tries));
    return true;
}

static bool retry_exchange(struct http *self, const struct http_request *request,
                           struct http_response *out, struct error *err)
{
    struct http_retry *retry = (struct http_retry *)self;

    for (unsigned int tries = 1;; tries++) {
        struct error failure = {0};
        bool answered = http_exchange(retry->inner, request, out, &failure);
        bool may_pass =
            answered ? http_status_may_pass(out->status) : failure.kind == ERROR_NETWORK;

        bool again = may_pass && !request->once &&
                     (!request->body || source_rewind(request->body)) &&
                     retry_try_again(self, tries, answered ? out : NULL);
        if (!again) {
            if (!answered)
                *err = failure;
            return answered;
        }
        if (answered)
            http_response_release(out);
    }
}

static void retry_free(struct http *self)
{
    struct http_retry *retry = (struct http_retry *)self;

    http_free(retry->inner);
    free(retry);
}

static const struct http_ops retry_ops = {
    .exchange = retry_exchange,
    .try_again = retry_try_again,
    .free = retry_free,
};

struct http *http_retrying(struct http *inner, struct clock *clock,
                           const struct http_retry_policy *policy)
{
    struct http_retry *retry = memory_new(1, sizeof *retry);

    retry->http.ops = &retry_ops;
    retry->inner = inner;
    retry->clock = clock;
    retry->policy = *policy;
    return &retry->http;
}
