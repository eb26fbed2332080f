/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What callers of Invoke ask for, and what they are told where that cannot be.
 */
#include "lambda/local/invoke_api.h"

#include "lambda/local/local_platform.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define ARN "arn:aws:lambda:local:000000000000:function:moo"

static bool read_call(const char *path, const char *fields, const char *body,
                      struct invoke_call *call, struct invoke_refusal *refusal)
{
    struct http_request request = {0};
    owned(text) struct text bytes = {0};

    text_addf(&bytes, "POST %s HTTP/1.1\r\n%sContent-Length: %zu\r\n\r\n%s", path, fields,
              strlen(body), body);
    http_request_add(&request, bytes.bytes, bytes.length);
    assert_int_equal(request.state, REQUEST_COMPLETE);
    bool read = invoke_api_read(&request, "moo", ARN, call, refusal);
    http_request_release(&request);
    return read;
}

static void a_function_has_several_names(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        int status; /* 0: it is meant */
    } cases[] = {
        {"/2015-03-31/functions/moo/invocations", 0},
        {"/2015-03-31/functions/moo:$LATEST/invocations", 0},
        {"/2015-03-31/functions/moo%3A%24LATEST/invocations", 0},
        {"/2015-03-31/functions/moo/invocations?Qualifier=$LATEST", 0},
        {"/2015-03-31/functions/moo/invocations?Qualifier=%24LATEST", 0},
        {"/2015-03-31/functions/" ARN "/invocations", 0},
        {"/2015-03-31/functions/000000000000:function:moo/invocations", 0},
        {"/2015-03-31/functions/function:moo/invocations", 0},
        {"/2015-03-31/functions/moo/invocations?Qualifier=3", 404},
        {"/2015-03-31/functions/moo:3/invocations", 404},
        {"/2015-03-31/functions/mo/invocations", 404},
        {"/2015-03-31/functions/moon/invocations", 404},
        {"/2015-03-31/functions/arn:aws:s3:::function:moo/invocations", 404},
        {"/2015-03-31/functions//invocations", 404},
        {"/2015-03-31/functions/invocations", 404},
        {"/2015-03-31/functions/moo", 404},
        {"/2021-11-15/functions/moo/response-streaming-invocations", 404},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(invoke_call) struct invoke_call call = {0};
        struct invoke_refusal refusal = {0};
        bool read = read_call(cases[i].path, "", "{}", &call, &refusal);
        if (read != (cases[i].status == 0) || refusal.status != cases[i].status)
            fail_msg("'%s': %d", cases[i].path, refusal.status);
    }
}

static void headers_say_how(void **state)
{
    (void)state;
    static const struct {
        const char *fields, *body;
        int status;
        enum invoke_type type;
        const char *context;
    } cases[] = {
        {"", "{}", 0, INVOKE_SYNC, NULL},
        {"", "", 0, INVOKE_SYNC, NULL},
        {"X-Amz-Invocation-Type: RequestResponse\r\n", "1", 0, INVOKE_SYNC, NULL},
        {"X-Amz-Invocation-Type: Event\r\n", "null", 0, INVOKE_ASYNC, NULL},
        {"X-Amz-Invocation-Type: DryRun\r\n", "", 0, INVOKE_DRY, NULL},
        {"X-Amz-Invocation-Type: event\r\n", "", 400, INVOKE_SYNC, NULL},
        {"", "{", 400, INVOKE_SYNC, NULL},
        {"X-Amz-Client-Context: eyJhIjogWzFdCn0=\r\n", "", 0, INVOKE_SYNC, "{\"a\":[1]}"},
        {"X-Amz-Client-Context: !\r\n", "", 400, INVOKE_SYNC, NULL},
        {"X-Amz-Client-Context: e30e\r\n", "", 400, INVOKE_SYNC, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(invoke_call) struct invoke_call call = {0};
        struct invoke_refusal refusal = {0};
        bool read = read_call("/2015-03-31/functions/moo/invocations", cases[i].fields,
                              cases[i].body, &call, &refusal);
        assert_int_equal(read, cases[i].status == 0);
        assert_int_equal(refusal.status, cases[i].status);
        if (!read)
            continue;
        assert_int_equal(call.type, cases[i].type);
        assert_int_equal(call.client_context != NULL, cases[i].context != NULL);
        if (call.client_context)
            assert_string_equal(call.client_context, cases[i].context);
    }
}

static void events_have_a_size(void **state)
{
    (void)state;
    static const struct {
        const char *fields;
        size_t size;
        int status;
    } cases[] = {
        {"", LOCAL_PAYLOAD_LIMIT, 0},
        {"", LOCAL_PAYLOAD_LIMIT + 1, 413},
        {"X-Amz-Invocation-Type: Event\r\n", INVOKE_ASYNC_LIMIT, 0},
        {"X-Amz-Invocation-Type: Event\r\n", INVOKE_ASYNC_LIMIT + 1, 413},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(invoke_call) struct invoke_call call = {0};
        struct invoke_refusal refusal = {0};
        owned(memory) char *body = memory_new(cases[i].size + 1, 1);
        memset(body, 'x', cases[i].size);
        body[0] = body[cases[i].size - 1] = '"';
        bool read = read_call("/2015-03-31/functions/moo/invocations", cases[i].fields, body,
                              &call, &refusal);
        assert_int_equal(read, cases[i].status == 0);
        assert_int_equal(refusal.status, cases[i].status);
    }
}

static void answers_are_put_as_lambda_puts_them(void **state)
{
    (void)state;
    char tail[] = "END\n", id[] = "id";
    struct invocation invocation = {.request_id = id, .log_tail = tail};
    const struct invoke_refusal refusal = {
        .status = 404, .type = "ResourceNotFoundException", .message = "no \"moo\""};

    owned(memory) char *well = invoke_answer_fields(&invocation, false);
    assert_string_equal(well, "x-amzn-RequestId: id\r\nX-Amz-Executed-Version: $LATEST\r\n");
    invocation.failed = true;
    owned(memory) char *ill = invoke_answer_fields(&invocation, true);
    assert_string_equal(ill, "x-amzn-RequestId: id\r\nX-Amz-Executed-Version: $LATEST\r\n"
                             "X-Amz-Function-Error: Unhandled\r\n"
                             "X-Amz-Log-Result: RU5ECg==\r\n");
    owned(memory) char *body = invoke_refusal_body(&refusal);
    assert_string_equal(body, "{\"Message\":\"no \\\"moo\\\"\",\"Type\":\"User\"}");
    owned(memory) char *fields = invoke_refusal_fields(&refusal, "id");
    assert_string_equal(fields, "x-amzn-RequestId: id\r\n"
                                "x-amzn-ErrorType: ResourceNotFoundException\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_has_several_names),
        cmocka_unit_test(headers_say_how),
        cmocka_unit_test(events_have_a_size),
        cmocka_unit_test(answers_are_put_as_lambda_puts_them),
    };
    return cmocka_run_group_tests_name("invoke_api", tests, NULL, NULL);
}
