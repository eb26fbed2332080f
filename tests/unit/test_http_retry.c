/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trying again: only what may pass, only what can be sent again, never without a
 * pause and never for ever; and so for whoever asks to begin further back.
 */
#include "registry/http_retry.h"

#include "oci/base/memory.h"
#include "tests/support/scripted_http.h"
#include "tests/support/unit.h"

static const struct http_retry_policy policy = {
    .tries = 4,
    .first_wait_ms = 100,
    .longest_wait_ms = 5000,
};

/* Never waits, and remembers how long it was told to. */
struct patient_clock {
    struct clock clock;
    unsigned int waits_ms[8];
    size_t count;
};

static time_t patient_now(struct clock *self)
{
    (void)self;
    return 0;
}

static void patient_sleep(struct clock *self, unsigned int wait_ms)
{
    struct patient_clock *patient = (struct patient_clock *)self;

    assert_in_range(patient->count, 0, 7);
    patient->waits_ms[patient->count++] = wait_ms;
}

static const struct clock_ops patient_ops = {patient_now, patient_sleep};

/* Plays the script behind a retrying transport; the answer's status, 0 for none. */
static int ask_with(const struct scripted_exchange *script, size_t count,
                    struct http_request request, struct patient_clock *patient,
                    struct error *err)
{
    struct scripted_http scripted;
    struct http_response response = {0};

    request.method = script->method;
    request.url = "http://host/thing";

    scripted_http_init(&scripted, script, count);
    *patient = (struct patient_clock){.clock.ops = &patient_ops};
    struct http *http = http_retrying(&scripted.http, &patient->clock, &policy);
    bool answered = http_exchange(http, &request, &response, err);
    int status = answered ? response.status : 0;

    http_response_release(&response);
    http_free(http);
    scripted_http_release(&scripted);
    return status;
}

static int ask(const struct scripted_exchange *script, size_t count,
               struct patient_clock *patient, struct error *err)
{
    return ask_with(script, count, (struct http_request){0}, patient, err);
}

static void what_may_pass_is_asked_again(void **state)
{
    (void)state;
    static const int passing[] = {0, 408, 429, 500, 502, 503, 504};

    for (size_t i = 0; i < COUNT(passing); i++) {
        struct error err;
        struct patient_clock patient;
        const struct scripted_exchange script[] = {
            {"GET", "/thing", .status = passing[i]},
            {"GET", "/thing", .status = passing[i]},
            {"GET", "/thing", .status = 200},
        };

        assert_int_equal(ask(script, COUNT(script), &patient, &err), 200);
        assert_int_equal(patient.count, 2);
        assert_in_range(patient.waits_ms[0], 0, 100);
        assert_in_range(patient.waits_ms[1], 0, 200);
    }
}

/* One wait in two is in the lower half, so that many clients do not come back together. */
static void waits_are_anywhere_below_their_bound(void **state)
{
    (void)state;
    enum { TIMES = 64 };
    static const struct scripted_exchange script[] = {
        {"GET", "/thing", .status = 503},
        {"GET", "/thing", .status = 200},
    };
    int low = 0;

    for (int i = 0; i < TIMES; i++) {
        struct error err;
        struct patient_clock patient;
        assert_int_equal(ask(script, COUNT(script), &patient, &err), 200);
        low += patient.waits_ms[0] < 50;
    }
    assert_in_range(low, 1, TIMES - 1); /* all on one side: once in 2^63 runs */
}

static void other_answers_are_final(void **state)
{
    (void)state;
    static const int final[] = {200, 206, 301, 400, 401, 403, 404, 409, 416, 501};

    for (size_t i = 0; i < COUNT(final); i++) {
        struct error err;
        struct patient_clock patient;
        const struct scripted_exchange script[] = {{"GET", "/thing", .status = final[i]}};

        assert_int_equal(ask(script, 1, &patient, &err), final[i]);
        assert_int_equal(patient.count, 0);
    }
}

static void tries_are_counted(void **state)
{
    (void)state;
    struct error err;
    struct patient_clock patient;
    static const struct scripted_exchange busy[] = {
        {"HEAD", "/thing", .status = 503},
        {"HEAD", "/thing", .status = 503},
        {"HEAD", "/thing", .status = 503},
        {"HEAD", "/thing", .status = 503},
    };
    static const struct scripted_exchange down[] = {
        {"HEAD", "/thing", .status = 0},
        {"HEAD", "/thing", .status = 0},
        {"HEAD", "/thing", .status = 0},
        {"HEAD", "/thing", .status = 0},
    };

    assert_int_equal(ask(busy, COUNT(busy), &patient, &err), 503);
    assert_int_equal(patient.count, 3);
    assert_int_equal(ask(down, COUNT(down), &patient, &err), 0);
    assert_int_equal(err.kind, ERROR_NETWORK);
}

static void the_server_says_how_long(void **state)
{
    (void)state;
    struct error err;
    struct patient_clock patient;
    static const struct scripted_exchange soon[] = {
        {"POST", "/thing", .status = 429, .headers = {{"Retry-After", "3"}}},
        {"POST", "/thing", .status = 202},
    };
    static const struct scripted_exchange tomorrow[] = {
        {"POST", "/thing", .status = 429, .headers = {{"Retry-After", "99999999999999999999"}}},
    };

    assert_int_equal(ask(soon, COUNT(soon), &patient, &err), 202);
    assert_in_range(patient.waits_ms[0], 3000, 3100);
    assert_int_equal(ask(tomorrow, COUNT(tomorrow), &patient, &err), 429);
    assert_int_equal(patient.count, 0);
}

/* Our clock says 1970 here. */
static void the_server_says_until_when_by_its_own_clock(void **state)
{
    (void)state;
    static const struct {
        const char *until;
        const char *now; /* NULL: it does not say */
        int wait_ms;     /* -1: too long */
    } cases[] = {
        {"Fri, 31 Dec 1999 23:59:59 GMT", "Fri, 31 Dec 1999 23:59:56 GMT", 3000},
        {"Fri, 31 Dec 1999 23:59:59 GMT", "Sat, 01 Jan 2000 00:00:00 GMT", 0},
        {"Fri, 31 Dec 1999 23:59:59 GMT", NULL, -1},
        {"Thu, 01 Jan 1970 00:00:02 GMT", NULL, 2000},
        {"Thu, 01 Jan 1970 00:00:02 GMT", "today", 2000},
        {"soon", "Fri, 31 Dec 1999 23:59:56 GMT", 0},
        {"", NULL, 0},
        {"-5", NULL, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct patient_clock patient;
        const struct scripted_exchange script[] = {
            {"POST", "/thing", .status = 503,
             .headers = {{"Retry-After", cases[i].until},
                         {cases[i].now ? "Date" : NULL, cases[i].now}}},
            {"POST", "/thing", .status = 202},
        };
        bool waits = cases[i].wait_ms >= 0;

        assert_int_equal(ask(script, waits ? 2 : 1, &patient, &err), waits ? 202 : 503);
        assert_int_equal(patient.count, waits);
        if (waits)
            assert_in_range(patient.waits_ms[0], cases[i].wait_ms, cases[i].wait_ms + 100);
    }
}

/* A body that gives its bytes once. */
static bool river_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                       struct error *err)
{
    (void)self, (void)err;
    memset(bytes, 'x', capacity);
    *count = capacity < 4 ? capacity : 4;
    return true;
}

static void a_body_goes_out_again_if_it_rewinds(void **state)
{
    (void)state;
    struct error err;
    struct patient_clock patient;
    static const struct source_ops river_ops = {.read = river_read};
    struct source river = {&river_ops};
    owned(source) struct source *body = memory_source("body", 4);
    static const struct scripted_exchange again[] = {
        {"PUT", "/thing", .body = "body", .status = 503},
        {"PUT", "/thing", .status = 0},
        {"PUT", "/thing", .body = "body", .status = 201},
    };
    static const struct scripted_exchange busy[] = {{"PUT", "/thing", .status = 503}};
    static const struct scripted_exchange down[] = {{"PUT", "/thing", .status = 0}};
    const struct http_request rewinds = {.body = body, .body_size = 4};
    const struct http_request once = {.body = body, .body_size = 4, .once = true};
    const struct http_request does_not = {.body = &river, .body_size = 4};

    assert_int_equal(ask_with(again, COUNT(again), rewinds, &patient, &err), 201);
    assert_int_equal(patient.count, 2);
    assert_true(source_rewind(body));
    assert_int_equal(ask_with(busy, 1, once, &patient, &err), 503);
    assert_int_equal(patient.count, 0);
    assert_int_equal(ask_with(down, 1, does_not, &patient, &err), 0);
    assert_int_equal(err.kind, ERROR_NETWORK);
    assert_int_equal(patient.count, 0);
}

static void what_cannot_get_better_is_not_asked_again(void **state)
{
    (void)state;
    struct error err;
    struct patient_clock patient;
    static const struct scripted_exchange untrusted[] = {
        {"GET", "/thing", .status = 0, .failure = ERROR_INVALID}};

    assert_int_equal(ask(untrusted, 1, &patient, &err), 0);
    assert_int_equal(err.kind, ERROR_INVALID);
    assert_int_equal(patient.count, 0);
}

static void larger_things_wait_the_same_way(void **state)
{
    (void)state;
    struct scripted_http scripted;
    struct patient_clock patient = {.clock.ops = &patient_ops};
    struct http_response_header asks = {(char *)"Retry-After", (char *)"2"};
    const struct http_response refusal = {.headers = &asks, .header_count = 1};

    scripted_http_init(&scripted, NULL, 0);
    assert_false(http_try_again(&scripted.http, 1, NULL)); /* it knows no patience */
    struct http *http = http_retrying(&scripted.http, &patient.clock, &policy);
    assert_true(http_try_again(http, 1, NULL));
    assert_true(http_try_again(http, 3, &refusal));
    assert_false(http_try_again(http, 4, NULL));
    assert_int_equal(patient.count, 2);
    assert_in_range(patient.waits_ms[0], 0, 100);
    assert_in_range(patient.waits_ms[1], 2000, 2400);
    http_free(http);
    scripted_http_release(&scripted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_may_pass_is_asked_again),
        cmocka_unit_test(waits_are_anywhere_below_their_bound),
        cmocka_unit_test(other_answers_are_final),
        cmocka_unit_test(tries_are_counted),
        cmocka_unit_test(the_server_says_how_long),
        cmocka_unit_test(the_server_says_until_when_by_its_own_clock),
        cmocka_unit_test(a_body_goes_out_again_if_it_rewinds),
        cmocka_unit_test(what_cannot_get_better_is_not_asked_again),
        cmocka_unit_test(larger_things_wait_the_same_way),
    };
    return cmocka_run_group_tests_name("http_retry", tests, NULL, NULL);
}
