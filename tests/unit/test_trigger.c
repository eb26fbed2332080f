/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Buckets around a function: what is asked and changed in which order, and that a refusal
 * anywhere is told and stops there.
 */
#include "lambda/aws/trigger.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define ARN "arn:aws:lambda:eu-west-1:123456789012:function:f"
#define MISSING 404, "<Error><Code>NoSuchBucket</Code></Error>"
#define PLACE(path) "{\"storage_provider\": \"s3\", \"path\": \"" path "\"}"
#define NOTHING "<NotificationConfiguration/>"
#define ENTRY                                                                                  \
    "<CloudFunctionConfiguration><CloudFunction>" ARN "</CloudFunction><Event>"                \
    "s3:ObjectCreated:*</Event><Filter><S3Key><FilterRule><Name>prefix</Name><Value>in/"       \
    "</Value></FilterRule></S3Key></Filter></CloudFunctionConfiguration>"
#define CALLS "<NotificationConfiguration>" ENTRY "</NotificationConfiguration>"

enum { STEPS_LIMIT = 12 };

static const char INPUT_AND_OUTPUT[] =
    "{\"input\": [" PLACE("photos/in") "], \"output\": [" PLACE("results/out") "]}";

/* Everything is missing. */
static const struct scripted_answer first[] = {
    {"GET /results?list-type=2&max-keys=1&prefix=out%2F", MISSING, {{0}}},
    {"PUT /results  <CreateBucketConfiguration", 200, NULL, {{0}}},
    {"PUT /results/out/", 200, NULL, {{0}}},
    {"GET /photos?notification=", MISSING, {{0}}},
    {"GET /photos?list-type=2&max-keys=1&prefix=in%2F", MISSING, {{0}}},
    {"PUT /photos  <CreateBucketConfiguration", 200, NULL, {{0}}},
    {"PUT /photos/in/", 200, NULL, {{0}}},
    {"POST /2015-03-31/functions/f/policy  {\"Action\":\"lambda:InvokeFunction\","
     "\"Principal\":\"s3.amazonaws.com\",\"SourceAccount\":\"123456789012\",\"SourceArn\":"
     "\"arn:aws:s3:::photos\",\"StatementId\":\"skiff-s3-photos\"}",
     201,
     "{}",
     {{0}}},
    {"PUT /photos?notification=  <NotificationConfiguration "
     "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" ENTRY "</NotificationConfiguration>",
     200,
     NULL,
     {{0}}},
    {0},
};

static bool settle(struct scripted_aws *aws, const char *former, const char *wanted,
                   struct error *err)
{
    json_owned json_t *before = former ? json_loads(former, 0, NULL) : NULL;
    json_owned json_t *after = wanted ? json_loads(wanted, 0, NULL) : NULL;
    const struct trigger_change change = {
        .function = "f", .arn = ARN, .former = before, .wanted = after};

    return trigger_settle(scripted_aws_ask(aws), &change, err);
}

static void what_is_missing_is_made_in_order(void **state)
{
    (void)state;
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(first);
    struct error err = {0};

    assert_ok(settle(aws, NULL, INPUT_AND_OUTPUT, &err));
    assert_string_equal(scripted_aws_told(aws), "Bucket 'results' successfully created.\n"
                                                "Folder 'out/' created in bucket 'results'.\n"
                                                "Bucket 'photos' successfully created.\n"
                                                "Folder 'in/' created in bucket 'photos'.\n"
                                                "Bucket 'photos' calls the function.\n");
}

static void a_refusal_anywhere_is_told_and_stops(void **state)
{
    (void)state;
    for (size_t refused = 0; first[refused].asked; refused++) {
        struct scripted_answer script[STEPS_LIMIT] = {0};
        for (size_t i = 0; i <= refused; i++)
            script[i] = first[i];
        script[refused].status = 403;
        script[refused].body = "<Error><Code>AccessDenied</Code></Error>";
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(settle(aws, NULL, INPUT_AND_OUTPUT, &err), ERROR_DENIED, "AccessDenied");
        assert_non_null(strstr(err.text, refused < 3 ? "output 'results" : "input 'photos'"));
    }
}

static void what_is_there_is_only_asked_for(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /2015-03-31/functions/f/policy",
         200,
         "{\"Policy\": \"{\\\"Statement\\\": [{\\\"Sid\\\": \\\"skiff-s3-photos\\\"}]}\"}",
         {{0}}},
        {"GET /results?list", 200, "<R><KeyCount>1</KeyCount></R>", {{0}}},
        {"GET /photos?notification=", 200, CALLS, {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(settle(aws, INPUT_AND_OUTPUT, INPUT_AND_OUTPUT, &err));
    assert_string_equal(scripted_aws_told(aws), "");
}

static void what_is_named_no_more_calls_no_more(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /2015-03-31/functions/f/policy",
         200,
         "{\"Policy\": \"{\\\"Statement\\\": [{\\\"Sid\\\": \\\"skiff-s3-photos\\\"}]}\"}",
         {{0}}},
        {"GET /photos?notification=", 200, CALLS, {{0}}},
        {"PUT /photos?notification=  <NotificationConfiguration></NotificationConfiguration>",
         200,
         NULL,
         {{0}}},
        {"DELETE /2015-03-31/functions/f/policy/skiff-s3-photos", 204, NULL, {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(settle(aws, INPUT_AND_OUTPUT, "{}", &err));
    assert_string_equal(scripted_aws_told(aws),
                        "Bucket 'photos' no longer calls the function.\n");
}

static void a_function_without_places_asks_nothing(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {{0}};
    static const char *const configs[] = {
        "{}", "{\"input\": [{\"storage_provider\": \"minio.m\", \"path\": \"b/in\"}]}",
        "{\"input\": [{\"path\": 1}, 2]}"};

    for (size_t i = 0; i < COUNT(configs); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_ok(settle(aws, configs[i], configs[i], &err));
    }
}

static void a_bucket_is_followed_to_its_region(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /results?list",
         301,
         "<Error><Code>PermanentRedirect</Code></Error>",
         {{"x-amz-bucket-region", "us-west-2"}}},
        {"GET /results?list", 200, "<R><KeyCount>0</KeyCount></R>", {{0}}},
        {"PUT /results/out/", 200, NULL, {{0}}},
        {"GET /photos?notification=",
         400,
         "<Error><Code>AuthorizationHeaderMalformed</Code><Region>us-west-2</Region></Error>",
         {{0}}},
        {"GET /photos?notification=", 200, NOTHING, {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    static const char says[] = "bucket 'photos' is in region us-west-2, and only those in "
                               "eu-west-1, where the function is, can call it";
    assert_fails(settle(aws, NULL, INPUT_AND_OUTPUT, &err), ERROR_INVALID, says);
    assert_non_null(strstr(scripted_aws_headers(aws), "/us-west-2/s3/aws4_request"));
}

static void a_region_that_is_none_is_not_followed(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /photos?notification=",
         301,
         "<Error><Code>PermanentRedirect</Code></Error>",
         {{"x-amz-bucket-region", "evil.example/"}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_fails(settle(aws, NULL, "{\"input\": [" PLACE("photos") "]}", &err), ERROR_INVALID,
                 "PermanentRedirect");
}

static void removing_goes_on_where_it_may_not(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /a-in?notification=", 403, "<Error><Code>AccessDenied</Code></Error>", {{0}}},
        {"GET /b-in?notification=", MISSING, {{0}}},
        {"GET /photos?notification=", 200, CALLS, {{0}}},
        {"PUT /photos?notification=", 200, NULL, {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    json_owned json_t *former = json_loads(
        "{\"input\": [" PLACE("a-in") "," PLACE("b-in") "," PLACE("photos/in") "]}", 0, NULL);
    struct error err = {0};

    scripted_aws_in_any_order(aws);
    assert_ok(trigger_remove(scripted_aws_ask(aws), ARN, former, &err));
    assert_non_null(strstr(scripted_aws_told(aws), "warning: the bucket goes on calling"));
    assert_non_null(
        strstr(scripted_aws_told(aws), "Bucket notifications successfully deleted.\n"));
    assert_non_null(
        strstr(scripted_aws_headers(aws), "X-Amz-Skip-Destination-Validation: true"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_missing_is_made_in_order),
        cmocka_unit_test(a_refusal_anywhere_is_told_and_stops),
        cmocka_unit_test(what_is_there_is_only_asked_for),
        cmocka_unit_test(what_is_named_no_more_calls_no_more),
        cmocka_unit_test(a_function_without_places_asks_nothing),
        cmocka_unit_test(a_bucket_is_followed_to_its_region),
        cmocka_unit_test(a_region_that_is_none_is_not_followed),
        cmocka_unit_test(removing_goes_on_where_it_may_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
