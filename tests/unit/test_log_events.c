/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs out of CloudWatch: page by page, of one function, of one invocation, and what is late
 * when following.
 */
#include "lambda/aws/log_events.h"

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define NOTHING                                                                                \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }
#define FUNCTION                                                                               \
    {                                                                                          \
        "GET /2015-03-31/functions/f ", 200,                                                   \
            "{\"Configuration\":{\"LoggingConfig\":{\"LogGroup\":\"/aws/lambda/f\"}}}",        \
            NOTHING                                                                            \
    }
#define EVENT(id, time, stream, message)                                                       \
    "{\"eventId\":\"" id "\",\"timestamp\":" time ",\"logStreamName\":\"" stream               \
    "\",\"message\":\"" message "\"}"
#define PAGE(asked, events)                                                                    \
    {                                                                                          \
        asked, 200, "{\"events\":[" events "]}", NOTHING                                       \
    }
#define PAGE_BEFORE(asked, events, token)                                                      \
    {                                                                                          \
        asked, 200, "{\"events\":[" events "],\"nextToken\":\"" token "\"}", NOTHING           \
    }
#define END                                                                                    \
    {                                                                                          \
        "FilterLogEvents", 403, "{\"__type\":\"AccessDeniedException\"}", NOTHING              \
    }

static bool listen(void *context, const struct platform_log_event *event, struct error *err)
{
    (void)err;
    text_addf(context, "%lld %s %s;", (long long)event->time_ms, event->stream, event->message);
    return true;
}

struct log_case {
    struct scripted_answer script[6];
    struct platform_log_wish wish;
    const char *heard;
    enum error_kind kind; /* ERROR_NONE: none */
    const char *words;
};

static void assert_heard(const struct log_case *log_case)
{
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(log_case->script);
    owned(text) struct text heard = {0};
    struct platform_log_wish wish = log_case->wish;
    struct error err = {0};

    wish.listen = listen;
    wish.context = &heard;
    if (log_case->kind == ERROR_NONE)
        assert_ok(log_events_read(scripted_aws_ask(aws), "f", &wish, &err));
    else
        assert_fails(log_events_read(scripted_aws_ask(aws), "f", &wish, &err), log_case->kind,
                     log_case->words);
    assert_string_equal(text_string(&heard), log_case->heard);
}

static void pages_are_read_to_the_last(void **state)
{
    (void)state;
    static const struct log_case cases[] = {
        {{FUNCTION, PAGE("{\"logGroupName\":\"/aws/lambda/f\",\"startTime\":0}", "")},
         {0},
         "",
         ERROR_NONE,
         NULL},
        {{FUNCTION, PAGE_BEFORE("\"startTime\":7000}", EVENT("1", "7001", "s", "a"), "T1"),
          PAGE_BEFORE("\"nextToken\":\"T1\"", "", "T2"),
          PAGE("\"nextToken\":\"T2\"", EVENT("2", "7002", "s", "b"))},
         {.since = 7},
         "7001 s a;7002 s b;",
         ERROR_NONE,
         NULL},
        {{FUNCTION, PAGE("\"logStreamNames\":[\"x\"]", "")},
         {.stream = "x"},
         "",
         ERROR_NONE,
         NULL},
        {{FUNCTION, END}, {0}, "", ERROR_DENIED, "logs FilterLogEvents"},
        {{FUNCTION,
          {"FilterLogEvents", 400, "{\"__type\":\"ResourceNotFoundException\"}", NOTHING}},
         {0},
         "",
         ERROR_NOT_FOUND,
         "function 'f' has no log group '/aws/lambda/f' in region eu-west-1"},
        {{{"functions/f", 404, "{}", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}}},
         {0},
         "",
         ERROR_NOT_FOUND,
         "no function 'f'"},
        {{FUNCTION, {"FilterLogEvents", 200, "{}", NOTHING}}, {0}, "", ERROR_INVALID, "events"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_heard(&cases[i]);
}

static void a_group_of_many_functions_has_lines_of_others(void **state)
{
    (void)state;
    static const struct log_case own = {
        {{"functions/f ", 200, "{\"Configuration\":{\"LoggingConfig\":{\"LogGroup\":\"/g\"}}}",
          NOTHING},
         PAGE("\"logGroupName\":\"/g\"",
              EVENT("1", "1", "2026/01/31/f[$LATEST]ab",
                    "mine") "," EVENT("2", "2", "2026/01/31/ff[$LATEST]ab", "not mine"))},
        {0},
        "1 2026/01/31/f[$LATEST]ab mine;",
        ERROR_NONE,
        NULL};

    assert_heard(&own);
}

static void an_invocation_is_what_stands_between_its_names(void **state)
{
    (void)state;
    static const struct log_case cases[] = {
        {{FUNCTION,
          PAGE("\"filterPattern\":\"\\\"id\\\"\"",
               EVENT("2", "20", "s", "START id") "," EVENT("4", "40", "s", "REPORT id")),
          PAGE("{\"endTime\":41,\"logGroupName\":\"/aws/lambda/f\",\"logStreamNames\":[\"s\"],"
               "\"startTime\":20}",
               EVENT("1", "20", "s", "REPORT other") "," EVENT(
                   "2", "20", "s",
                   "START id") "," EVENT("3", "30", "s",
                                         "line") "," EVENT("4", "40", "s",
                                                           "REPORT id") "," EVENT("5", "40",
                                                                                  "s",
                                                                                  "START "
                                                                                  "next"))},
         {.request_id = "id"},
         "20 s START id;30 s line;40 s REPORT id;",
         ERROR_NONE,
         NULL},
        {{FUNCTION, PAGE("filterPattern", "")},
         {.request_id = "id"},
         "",
         ERROR_NOT_FOUND,
         "no line in '/aws/lambda/f' names request 'id'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_heard(&cases[i]);
}

static void who_follows_hears_late_lines_and_none_twice(void **state)
{
    (void)state;
    static const struct log_case late = {
        {FUNCTION,
         PAGE("\"startTime\":0}",
              EVENT("1", "1000", "s", "a") "," EVENT("2", "50000", "s", "b")),
         PAGE("\"startTime\":20000}",
              EVENT("3", "49999", "s", "late") "," EVENT("2", "50000", "s", "b") "," EVENT(
                  "4", "50000", "s", "c")),
         END},
        {.follow = true},
        "1000 s a;50000 s b;49999 s late;50000 s c;",
        ERROR_DENIED,
        "AccessDenied"};

    assert_heard(&late);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_are_read_to_the_last),
        cmocka_unit_test(a_group_of_many_functions_has_lines_of_others),
        cmocka_unit_test(an_invocation_is_what_stands_between_its_names),
        cmocka_unit_test(who_follows_hears_late_lines_and_none_twice),
    };
    return cmocka_run_group_tests_name("log_events", tests, NULL, NULL);
}
