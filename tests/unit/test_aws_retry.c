/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking AWS again: what will pass is tried again, but not for ever, not when everything fails,
 * and never at the cost of doing a thing twice. A wrong clock is put right once.
 */
#include "lambda/aws/aws.h"
#include "lambda/aws/timestamp.h"
#include "oci/base/memory.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

static const struct aws_call ECR = {
    .service = "ecr",
    .operation = "DescribeRepositories",
    .target = "AmazonEC2ContainerRegistry_V20150921",
};

#define BROKEN                                                                                 \
    {                                                                                          \
        "Describe", 0, NULL,                                                                   \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define BUSY                                                                                   \
    {                                                                                          \
        "Describe", 503, "<html>",                                                             \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define THROTTLED                                                                              \
    {                                                                                          \
        "Describe", 400, "{\"__type\":\"ThrottlingException\"}",                               \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define FINE                                                                                   \
    {                                                                                          \
        "Describe", 200, "{}",                                                                 \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }

static bool ask(struct scripted_aws *aws, struct error *err)
{
    return aws_ask(scripted_aws_ask(aws), &ECR, NULL, NULL, NULL, err);
}

static void what_passes_is_tried_again(void **state)
{
    (void)state;
    static const struct scripted_answer scripts[][4] = {
        {BROKEN, BUSY, FINE, {0}},
        {THROTTLED, {"Describe", 500, "{}", {{0}}}, FINE, {0}},
        {{"Describe", 408, "", {{0}}}, {"Describe", 429, "", {{0}}}, FINE, {0}},
    };

    for (size_t i = 0; i < COUNT(scripts); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(scripts[i]);
        struct error err = {0};
        assert_ok(ask(aws, &err));
        assert_in_range(scripted_aws_waited_ms(aws), 2, 3000);
        assert_non_null(strstr(scripted_aws_headers(aws), "X-Amz-Date: 20150830T1236"));
        assert_int_equal(atomic_load(&scripted_aws_ask(aws)->state->spent), 5 + (i == 0) * 5);
    }
}

static void after_the_last_try_it_is_over(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        struct scripted_answer script[6];
    } cases[] = {
        {"UNSET=1", {BROKEN, BROKEN, BUSY, {0}}},
        {"AWS_MAX_ATTEMPTS=1", {BUSY, {0}}},
        {"AWS_MAX_ATTEMPTS=5", {BROKEN, BROKEN, BROKEN, BROKEN, BUSY, {0}}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        const char *const environment[] = {cases[i].variable,
                                           "AWS_ENDPOINT_URL=http://127.0.0.1:1", NULL};
        const struct aws_settings settings = {.environment = environment};
        struct error err = {0};
        scripted_aws_ask(aws)->settings = &settings;
        assert_fails(ask(aws, &err), ERROR_NETWORK,
                     "ecr DescribeRepositories: HTTP status 503");
    }
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        const char *words;
    } cases[] = {
        {"AWS_MAX_ATTEMPTS=0", "AWS_MAX_ATTEMPTS '0' is no number from 1 to 100"},
        {"AWS_RETRY_MODE=wild", "AWS_RETRY_MODE 'wild' is not one of"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        static const struct scripted_answer script[] = {{0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        const char *const environment[] = {cases[i].variable, NULL};
        const struct aws_settings settings = {.environment = environment};
        struct error err = {0};
        scripted_aws_ask(aws)->settings = &settings;
        assert_fails(ask(aws, &err), ERROR_USAGE, cases[i].words);
    }
}

static void an_empty_bucket_ends_repeating(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {BUSY, BUSY, BROKEN, FINE, BUSY, FINE, {0}};
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    atomic_int *spent = &scripted_aws_ask(aws)->state->spent;
    struct error err = {0};

    atomic_store(spent, AWS_STATE_TOKENS - 9); /* enough for one refusal */
    assert_fails(ask(aws, &err), ERROR_NETWORK, "503");
    assert_int_equal(atomic_load(spent), AWS_STATE_TOKENS - 4);
    atomic_store(spent, AWS_STATE_TOKENS - 9); /* not enough for silence */
    assert_fails(ask(aws, &err), ERROR_NETWORK, "connection refused");
    assert_ok(ask(aws, &err)); /* what succeeds gives back one, */
    assert_int_equal(atomic_load(spent), AWS_STATE_TOKENS - 10);
    assert_ok(ask(aws, &err)); /* or all it cost */
    assert_int_equal(atomic_load(spent), AWS_STATE_TOKENS - 10);
}

static void what_may_happen_once_only_is_repeated_after_throttling_alone(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer first;
        bool repeated;
    } cases[] = {
        {{"", 429, "{}", {{"X-Amzn-ErrorType", "TooManyRequestsException"}}}, true},
        {{"", 0, NULL, {{0}}}, false},
        {{"", 500, "{}", {{0}}}, false},
        {{"", 504, "", {{0}}}, false},
    };
    struct aws_call once = ECR;

    once.once = true;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {
            cases[i].first,
            {cases[i].repeated ? "" : NULL, 200, "{}", {{0}}},
            {0},
        };
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_int_equal(aws_ask(scripted_aws_ask(aws), &once, NULL, NULL, NULL, &err),
                         cases[i].repeated);
    }
}

#define SKEWED(code, date)                                                                     \
    {                                                                                          \
        "Describe", 403, "{\"__type\":\"" code "\",\"message\":\"m\"}",                        \
        {                                                                                      \
            {                                                                                  \
                "Date", date                                                                   \
            }                                                                                  \
        }                                                                                      \
    }

static void a_wrong_clock_is_put_right(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        SKEWED("InvalidSignatureException", "Mon, 31 Aug 2015 12:36:00 GMT"), FINE, FINE,
        SKEWED("SignatureDoesNotMatch", "Mon, 31 Aug 2015 12:37:00 GMT"),     {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(ask(aws, &err));
    assert_non_null(strstr(scripted_aws_headers(aws), "X-Amz-Date: 20150831T123600Z"));
    assert_non_null(strstr(scripted_aws_headers(aws), "Credential=AKIDEXAMPLE/20150831/"));
    assert_int_equal(scripted_aws_waited_ms(aws), 0);
    assert_ok(ask(aws, &err)); /* known from now on */
    assert_non_null(strstr(scripted_aws_headers(aws), "X-Amz-Date: 20150831T123600Z"));
    /* A signature that is wrong at the right time is no matter of time. */
    assert_fails(ask(aws, &err), ERROR_DENIED, "SignatureDoesNotMatch");
}

static void a_wrong_secret_is_no_wrong_clock(void **state)
{
    (void)state;
    static const struct scripted_answer scripts[][2] = {
        {SKEWED("SignatureDoesNotMatch", "Sun, 30 Aug 2015 12:35:00 GMT"), {0}},
        {SKEWED("SignatureDoesNotMatch", "yesterday"), {0}},
        {SKEWED("AccessDeniedException", "Mon, 31 Aug 2015 12:36:00 GMT"), {0}},
    };

    for (size_t i = 0; i < COUNT(scripts); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(scripts[i]);
        struct error err = {0};
        assert_fails(ask(aws, &err), ERROR_DENIED, "ecr DescribeRepositories");
        assert_int_equal(atomic_load(&scripted_aws_ask(aws)->state->skew_s), 0);
    }
}

static void times_are_read_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        time_t time; /* -1: none */
    } cases[] = {
        {"2015-08-30T12:36:00Z", 1440938160},
        {"2015-08-30T12:36:00.123456Z", 1440938160},
        {"2015-08-30T12:36:00UTC", 1440938160},
        {"2015-08-30T12:36:00+00:00", 1440938160},
        {"2015-08-30T14:36:00+02:00", 1440938160},
        {"2015-08-30T07:06:00-05:30", 1440938160},
        {"2015-08-30T12:36:00", -1},
        {"2015-08-30T12:36:00ZZ", -1},
        {"2015-08-30T12:36:00+x", -1},
        {"2015-08-30", -1},
        {"", -1},
    };
    time_t time;

    for (size_t i = 0; i < COUNT(cases); i++) {
        assert_int_equal(timestamp_parse(cases[i].text, &time), cases[i].time >= 0);
        if (cases[i].time >= 0)
            assert_int_equal(time, cases[i].time);
    }
    assert_string_equal(timestamp_format(1440938160).text, "2015-08-30T12:36:00Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_passes_is_tried_again),
        cmocka_unit_test(after_the_last_try_it_is_over),
        cmocka_unit_test(impossible_settings_are_refused),
        cmocka_unit_test(an_empty_bucket_ends_repeating),
        cmocka_unit_test(what_may_happen_once_only_is_repeated_after_throttling_alone),
        cmocka_unit_test(a_wrong_clock_is_put_right),
        cmocka_unit_test(a_wrong_secret_is_no_wrong_clock),
        cmocka_unit_test(times_are_read_in_every_form),
    };
    return cmocka_run_group_tests_name("aws_retry", tests, NULL, NULL);
}
