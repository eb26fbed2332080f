/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/event.h"

#include <stdlib.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define SILENCE ((enum log_level)(LOG_CRITICAL + 1))
#define RECORD(source, bucket, key)                                                            \
    "{\"eventSource\":\"" source "\",\"s3\":{\"bucket\":{\"name\":\"" bucket                   \
    "\"},\"object\":{\"key\":\"" key "\"}}}"
#define STORED(source, key) "{\"Records\":[" RECORD(source, "b", key) "]}"

static bool read_event(const char *text, struct event *out, struct error *err)
{
    return event_read(text, strlen(text), SILENCE, out, err);
}

static void what_a_request_brings_is_its_body(void **state)
{
    (void)state;
    static const struct {
        const char *given, *input;
    } table[] = {
        {"{\"httpMethod\":\"GET\",\"body\":null}", ""},
        {"{\"httpMethod\":\"GET\"}", ""},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5HREFUQQ==\"}", "PNGDATA"},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5H\\r\\nREFUQQ==\\n\"}", "PNGDATA"},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5HREFUQQ==\","
         "\"headers\":{\"Content-Type\":\"text/plain\"}}",
         "UE5HREFUQQ=="},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5HREFUQQ==\","
         "\"headers\":{\"content-type\":\"application/octet-stream\"}}",
         "PNGDATA"},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5HREFUQQ\"}", "UE5HREFUQQ"},
        {"{\"httpMethod\":\"POST\",\"body\":\"a=1&b=2\"}", "a=1&b=2"},
        {"{\"httpMethod\":\"POST\",\"body\":\"some words\"}", "some words"},
        {"{\"httpMethod\":\"POST\",\"body\":\" {\\\"a\\\": 1}\"}", " {\"a\": 1}"},
        {"{\"httpMethod\":\"POST\",\"body\":\"17\"}", "17"},
        {"{\"httpMethod\":\"POST\",\"body\":{\"a\":1}}", "{\"a\":1}"},
        {"{\"httpMethod\":\"POST\",\"body\":\"UE5HREFUQQ==\",\"isBase64Encoded\":true,"
         "\"headers\":{\"Content-Type\":\"text/plain\"}}",
         "PNGDATA"},
        {"{\"version\":\"2.0\",\"requestContext\":{\"http\":{\"method\":\"POST\"}},"
         "\"body\":\"eHg=\",\"isBase64Encoded\":true}",
         "xx"},
        {"{\"version\":\"2.0\",\"requestContext\":{\"http\":{\"method\":\"GET\"}}}", ""},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(event) struct event event = {0};
        assert_ok(read_event(table[i].given, &event, &err));
        assert_int_equal(event.origin, EVENT_PLAIN);
        assert_int_equal(event.record_count, 1);
        assert_int_equal(event.input_count, strlen(table[i].input));
        assert_string_equal(event.input, table[i].input);
    }
}

static void a_body_may_have_a_nul(void **state)
{
    (void)state;
    static const char given[] = "{\"httpMethod\":\"POST\",\"body\":\"a\\u0000b\","
                                "\"queryStringParameters\":{\"q\":\"\\u0000\"}}";
    owned(event) struct event event = {0};
    struct error err;

    assert_ok(read_event(given, &event, &err));
    assert_int_equal(event.input_count, 3);
    assert_memory_equal(event.input, "a\0b", 3);
    assert_int_equal(json_object_size(event.parameters), 1);
}

static void anything_else_is_its_own_input(void **state)
{
    (void)state;
    static const char *const table[] = {
        "{}",
        "",
        "null",
        "no JSON",
        "[{\"httpMethod\":\"GET\"}]",
        "{\"httpMethod\":7}",
        "{\"event\":{\"a\":1}}",
        "{\"event_type\":\"x\"}",
        "{\"storage_provider\":\"m\",\"event\":7}",
        "{\"event\":\"signup\",\"subscription\":\"gold\"}",
        "{\"Records\":[]}",
        "{\"Records\":{}}",
        "{\"Records\":[{\"eventSource\":\"aws:sqs\",\"body\":\"x\"},{\"eventSource\":\"aws:"
        "sqs\"}]}",
        "{\"Records\":[{\"EventSource\":\"aws:sns\",\"Sns\":{\"Message\":\"x\"}}]}",
        "{\"source\":\"aws.events\",\"detail-type\":\"Scheduled Event\",\"detail\":{}}",
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(event) struct event event = {0};
        assert_ok(read_event(table[i], &event, &err));
        assert_int_equal(event.origin, EVENT_PLAIN);
        assert_int_equal(event.record_count, 1);
        assert_null(event.parameters);
        assert_string_equal(event.input, table[i]);
    }
}

static void objects_are_found_wherever_their_event_stands(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        enum event_origin origin;
        const char *key, *provider_id;
    } table[] = {
        {STORED("aws:s3", "in/my+file%28 1%29.png"), EVENT_S3, "in/my file( 1).png", NULL},
        {STORED("aws:s3", "100%25+%zz%4"), EVENT_S3, "100% %zz%4", NULL},
        {STORED("minio:s3", "%C3%a9"), EVENT_MINIO, "\xc3\xa9", NULL},
        {"{\"storage_provider\":\"m\",\"event\":" STORED("minio:s3", "k") "}", EVENT_MINIO, "k",
         "m"},
        {"{\"storage_provider\":\"minio.m\",\"event\":" STORED("minio:s3", "k") "}",
         EVENT_MINIO, "k", "m"},
        {"{\"storage_provider\":\"m\",\"event\":\"{\\\"Records\\\":[{\\\"eventSource\\\":"
         "\\\"aws:s3\\\",\\\"s3\\\":{\\\"bucket\\\":{\\\"name\\\":\\\"b\\\"},\\\"object\\\":"
         "{\\\"key\\\":\\\"k\\\"}}}]}\"}",
         EVENT_S3, "k", "m"},
        {"{\"httpMethod\":\"POST\",\"body\":" STORED("aws:s3", "k") "}", EVENT_S3, "k", NULL},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(event) struct event event = {0};
        assert_ok(read_event(table[i].given, &event, &err));
        assert_int_equal(event.origin, table[i].origin);
        assert_int_equal(event.record_count, 1);
        assert_string_equal(event.records[0].bucket, "b");
        assert_string_equal(event.records[0].key, table[i].key);
        assert_null(event.records[0].time);
        if (table[i].provider_id)
            assert_string_equal(event.provider_id, table[i].provider_id);
        else
            assert_null(event.provider_id);
    }
}

static void each_record_has_an_event_of_its_own(void **state)
{
    (void)state;
    const char *given = "{\"Records\":[" RECORD("aws:s3", "b", "one") "," RECORD(
        "aws:s3", "c", "two") "],\"more\":true}";
    owned(event) struct event event = {0};
    struct error err;

    assert_ok(read_event(given, &event, &err));
    assert_int_equal(event.record_count, 2);
    for (size_t i = 0; i < 2; i++) {
        owned(memory) char *text = event_record_text(&event, i);
        owned(event) struct event alone = {0};
        assert_ok(read_event(text, &alone, &err));
        assert_int_equal(alone.record_count, 1);
        assert_string_equal(alone.records[0].key, event.records[i].key);
        assert_non_null(strstr(text, "\"more\":true"));
    }
}

static void only_the_caller_himself_says_what_is_run(void **state)
{
    (void)state;
    static const struct {
        const char *given;
        bool has_script;
    } table[] = {
        {"{\"script\":\"eA==\"}", true},
        {"{\"script\":null}", false},
        {"{\"httpMethod\":\"POST\",\"body\":\"{\\\"script\\\":\\\"eA==\\\"}\"}", false},
        {"{\"storage_provider\":\"m\",\"event\":{\"script\":\"eA==\"}}", false},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(event) struct event event = {0};
        assert_ok(read_event(table[i].given, &event, &err));
        assert_int_equal(event.script != NULL, table[i].has_script);
    }
}

static void shapes_kept_by_half_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *given, *reason;
    } table[] = {
        {"{\"Records\":[{\"eventSource\":\"aws:s3\"}]}", "event.Records[0]: 's3' is missing"},
        {"{\"Records\":[{\"eventSource\":\"aws:s3\",\"s3\":{}}]}", "'bucket' is missing"},
        {STORED("aws:s3", ""), "event.Records[0]: the name of the bucket or the key is empty"},
        {STORED("aws:s3", "a%00b"), "has a NUL"},
        {"{\"Records\":[" RECORD("aws:s3", "b", "k") "," RECORD("minio:s3", "b", "k") "]}",
         "event.Records[1]: it is from 'minio:s3', the first one from 'aws:s3'"},
        {"{\"Records\":[{\"eventSource\":\"OneTrigger\",\"Key\":\"/s/f\"}]}",
         "an event of Onedata: S3 and MinIO"},
        {"{\"event\":{\"name\":\"f\",\"mask\":[\"IN_CLOSE\"]},\"subscription\":\"https://d\"}",
         "an event of dCache"},
        {"{\"event_type\":\"transfer\",\"payload\":{\"scope\":\"s\"}}", "an event of Rucio"},
        {"{\"httpMethod\":\"POST\",\"body\":\"*\",\"isBase64Encoded\":true}",
         "event.body: not base64"},
        {"{\"httpMethod\":\"POST\",\"body\":7,\"isBase64Encoded\":true}",
         "event.body: not base64"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        struct event event = {0};
        assert_fails(read_event(table[i].given, &event, &err), ERROR_INVALID, table[i].reason);
        assert_null(event.json);
    }
}

static void a_file_is_called_like_the_end_of_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *key, *name;
    } table[] = {
        {"in/a b.png", "a b.png"}, {"a", "a"},  {"in/", NULL},
        {"in/..", NULL},           {".", NULL}, {"..a", "..a"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        owned(memory) char *key = memory_copy_string(table[i].key);
        const struct event_record record = {.key = key};
        const char *name = event_record_file_name(&record);
        if (table[i].name)
            assert_string_equal(name, table[i].name);
        else
            assert_null(name);
    }
}

static void requests_inside_requests_have_an_end(void **state)
{
    (void)state;
    json_owned json_t *json = json_pack("{s:s,s:s}", "httpMethod", "GET", "body", "core");
    owned(event) struct event event = {0};
    struct error err;

    for (int depth = 0; depth < 7; depth++) {
        owned(memory) char *inside = json_text(json);
        json_decref(json);
        json = json_pack("{s:s,s:s}", "httpMethod", "POST", "body", inside);
    }
    owned(memory) char *text = json_text(json);
    assert_ok(read_event(text, &event, &err));
    assert_non_null(strstr(event.input, "httpMethod"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_request_brings_is_its_body),
        cmocka_unit_test(a_body_may_have_a_nul),
        cmocka_unit_test(anything_else_is_its_own_input),
        cmocka_unit_test(objects_are_found_wherever_their_event_stands),
        cmocka_unit_test(each_record_has_an_event_of_its_own),
        cmocka_unit_test(only_the_caller_himself_says_what_is_run),
        cmocka_unit_test(shapes_kept_by_half_are_refused),
        cmocka_unit_test(a_file_is_called_like_the_end_of_its_key),
        cmocka_unit_test(requests_inside_requests_have_an_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
