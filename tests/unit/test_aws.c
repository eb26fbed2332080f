/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asking AWS: every request is signed, and every wording of a refusal is understood.
 */
#include "lambda/aws/aws.h"
#include "lambda/aws/identity.h"
#include "lambda/aws/logs.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

static const struct aws_call ECR = {
    .service = "ecr",
    .operation = "DescribeRepositories",
    .target = "AmazonEC2ContainerRegistry_V20150921",
};

/* JSON as AWS's services word it, XML as its query services, its gateways and moto do. */
static const struct {
    struct scripted_answer answer;
    enum error_kind kind;
    const char *text; /* the whole error */
} refusals[] = {
    {{"", 400, "{\"__type\":\"RepositoryNotFoundException\",\"message\":\"no 'x'\"}", {{0}}},
     ERROR_NOT_FOUND,
     "RepositoryNotFoundException: no 'x'"},
    {{"",
      400,
      "{\"__type\":\"com.amazonaws.ecr#RepositoryAlreadyExistsException\",\"Message\":\"m\"}",
      {{"x-amzn-requestid", "id-1"}}},
     ERROR_CONFLICT,
     "RepositoryAlreadyExistsException: m (request id-1)"},
    {{"",
      409,
      "{\"Type\":\"User\",\"Message\":\"Function already exist: f\"}",
      {{"x-amzn-ErrorType", "ResourceConflictException:http://internal.amazon.com/coral/"}}},
     ERROR_CONFLICT,
     "ResourceConflictException: Function already exist: f"},
    {{"", 400, "{\"__type\":\"RepositoryNotEmptyException\"}", {{0}}},
     ERROR_CONFLICT,
     "RepositoryNotEmptyException"},
    {{"",
      403,
      "{\"message\":\"User: u is not authorized to perform: iam:PassRole\"}",
      {{"X-Amzn-ErrorType", "AccessDeniedException"}}},
     ERROR_DENIED,
     "AccessDeniedException: User: u is not authorized to perform: iam:PassRole"},
    {{"",
      403,
      "<ErrorResponse xmlns=\"https://iam.amazonaws.com/\">\n<Error><Code>SignatureDoesNotMatch"
      "</Code><Message>we &quot;calculated&quot; &amp; &bogus;</Message></Error>\n"
      "<RequestId>id-2</RequestId></ErrorResponse>",
      {{0}}},
     ERROR_DENIED,
     "SignatureDoesNotMatch: we \"calculated\" & &bogus;; the secret key does not belong to "
     "the "
     "access key (request id-2)"},
    {{"",
      403,
      "{\"__type\":\"InvalidSignatureException\",\"message\":\"Signature expired: x\"}",
      {{0}}},
     ERROR_DENIED,
     "InvalidSignatureException: Signature expired: x; is this machine's clock right?"},
    {{"",
      400,
      "{\"__type\":\"UnrecognizedClientException\",\"message\":\"invalid token\"}",
      {{0}}},
     ERROR_DENIED,
     "UnrecognizedClientException: invalid token; AWS does not know the access key, or it "
     "needs "
     "its session token"},
    {{"",
      403,
      "{\"__type\":\"ExpiredTokenException\",\"message\":\"The token is expired\"}",
      {{0}}},
     ERROR_DENIED,
     "ExpiredTokenException: The token is expired; the credentials have ended: get new ones"},
    {{"",
      400,
      "{\"message\":\"The image manifest, config or layer media type for the source image x is "
      "not supported.\"}",
      {{"X-Amzn-ErrorType", "InvalidParameterValueException"}}},
     ERROR_INVALID,
     "InvalidParameterValueException: The image manifest, config or layer media type for the "
     "source image x is not supported.; Lambda takes the manifest of one platform, not an "
     "index, with gzip'd layers and a mediaType: name it by digest"},
    {{"", 413, "{\"message\":\"Request must be smaller\"}", {{0}}},
     ERROR_LIMIT,
     "HTTP status 413: Request must be smaller"},
    {{"", 404, "<html>not here</html>", {{0}}}, ERROR_NOT_FOUND, "HTTP status 404"},
    {{"", 418, NULL, {{"X-Amz-Request-Id", "id-3"}}},
     ERROR_INVALID,
     "HTTP status 418 (request id-3)"},
    {{"", 400, "[\"no\", \"object\"]", {{0}}}, ERROR_INVALID, "HTTP status 400"},
    {{"", 400, "{\"__type\":7,\"message\":{}}", {{0}}}, ERROR_INVALID, "HTTP status 400"},
    {{"", 400, "<Code>half", {{0}}}, ERROR_INVALID, "HTTP status 400"},
    {{"", 302, NULL, {{0}}}, ERROR_INVALID, "HTTP status 302"},
};

static void refusals_become_errors_in_awss_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(refusals); i++) {
        const struct scripted_answer script[] = {refusals[i].answer, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(aws_ask(scripted_aws_ask(aws), &ECR, NULL, NULL, NULL, &err),
                     refusals[i].kind, "ecr DescribeRepositories: ");
        assert_string_equal(err.text + strlen("ecr DescribeRepositories: "), refusals[i].text);
        assert_int_equal(scripted_aws_waited_ms(aws), 0);
    }
}

/* None of them passes by itself, and none is something else's. */
static void refusals_that_lambda_really_gave_are_understood(void **state)
{
    (void)state;
    enum { RECORDED_LIMIT = 1024 * 1024 };
    static const struct {
        const char *code;
        enum error_kind kind;
    } kinds[] = {
        {"ResourceNotFoundException", ERROR_NOT_FOUND},
        {"ResourceConflictException", ERROR_CONFLICT},
        {"InvalidParameterValueException", ERROR_INVALID},
        {"ValidationException", ERROR_INVALID},
    };
    struct error err = {0};
    owned(memory) char *text = NULL;
    json_owned json_t *recorded = NULL;
    const json_t *each = NULL;
    size_t met[COUNT(kinds)] = {0};
    size_t count;
    size_t i;

    assert_ok(file_read("testdata/recorded/lambda-refusals.json", RECORDED_LIMIT, &text, &count,
                        &err));
    assert_ok(json_parse(text, count, &recorded, &err));
    json_array_foreach(json_object_get(recorded, "refusals"), i, each)
    {
        owned(memory) char *body = json_text(json_object_get(each, "body"));
        const char *code = json_optional_string(each, "code");
        const char *message = json_optional_string(each, "message");
        const struct scripted_answer script[] = {
            {"",
             (int)json_integer_value(json_object_get(each, "status")),
             body,
             {{"X-Amzn-ErrorType", code}}},
            {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        size_t kind = 0;
        while (strcmp(kinds[kind].code, code) != 0)
            assert_true(++kind < COUNT(kinds));
        met[kind]++;
        assert_fails(aws_ask(scripted_aws_ask(aws), &ECR, NULL, NULL, NULL, &err),
                     kinds[kind].kind, message);
        assert_non_null(strstr(err.text, code));
    }
    for (i = 0; i < COUNT(kinds); i++)
        assert_true(met[i] > 1);
}

static void endless_refusals_are_clipped(void **state)
{
    (void)state;
    enum { LENGTH = 5000 };
    char body[LENGTH + 64] = "{\"__type\":\"";
    memset(body + strlen(body), 'x', LENGTH);
    strcat(body, "\",\"message\":\"m\"}");
    const struct scripted_answer script[] = {{"", 400, body, {{0}}}, {0}};
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_fails(aws_ask(scripted_aws_ask(aws), &ECR, NULL, NULL, NULL, &err), ERROR_INVALID,
                 "xxx: m");
}

static void requests_are_signed_and_carry_the_session(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"POST / AmazonEC2ContainerRegistry_V20150921.DescribeRepositories {\"a\":1}",
         200,
         "{\"b\":2}",
         {{0}}},
        {0},
    };
    static const char *const expected[] = {
        "Content-Type: application/x-amz-json-1.1\n",
        "X-Amz-Date: 20150830T123600Z\n",
        "X-Amz-Content-Sha256: "
        "015abd7f5cc57a2dd94b7590f04ad8084273905ee33ec5cebeae62276a97f862\n",
        "X-Amz-Security-Token: session-token\n",
        "Credential=AKIDEXAMPLE/20150830/eu-west-1/ecr/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token;"
        "x-amz-target, Signature=",
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    json_owned json_t *body = json_pack("{s:i}", "a", 1);
    json_owned json_t *answer = NULL;
    struct error err = {0};

    assert_ok(aws_ask(scripted_aws_ask(aws), &ECR, body, &answer, NULL, &err));
    assert_int_equal(json_integer_value(json_object_get(answer, "b")), 2);
    for (size_t i = 0; i < COUNT(expected); i++)
        if (!strstr(scripted_aws_headers(aws), expected[i]))
            fail_msg("no '%s' in: %s", expected[i], scripted_aws_headers(aws));
}

static void an_answer_that_is_no_json_is_refused(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {{"", 200, "<html>", {{0}}}, {0}};
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    json_owned json_t *answer = NULL;
    struct error err = {0};

    assert_fails(aws_ask(scripted_aws_ask(aws), &ECR, NULL, &answer, NULL, &err), ERROR_INVALID,
                 "ecr DescribeRepositories: answer of AWS: not JSON");
    assert_null(answer);
}

static void the_caller_is_found_in_xml(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"POST /  Action=GetCallerIdentity&Version=2011-06-15",
         200,
         "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"
         "<GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn><UserId>AIDAEXAMPLE</UserId>"
         "<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>",
         {{0}}},
        {"GetCallerIdentity", 200, "<UserId>", {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    owned(memory) char *user_id = NULL;
    owned(memory) char *nobody = NULL;
    struct error err = {0};

    assert_ok(identity_user_id(scripted_aws_ask(aws), &user_id, &err));
    assert_string_equal(user_id, "AIDAEXAMPLE");
    assert_fails(identity_user_id(scripted_aws_ask(aws), &nobody, &err), ERROR_INVALID,
                 "answer without a UserId");
}

static void a_log_group_is_made_once_and_told(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"Logs_20140328.CreateLogGroup "
         "{\"logGroupName\":\"/aws/lambda/f\",\"tags\":{\"a\":\"b\"}}",
         200,
         NULL,
         {{0}}},
        {"PutRetentionPolicy {\"logGroupName\":\"/aws/lambda/f\",\"retentionInDays\":30}",
         200,
         NULL,
         {{0}}},
        {"CreateLogGroup", 400, "{\"__type\":\"ResourceAlreadyExistsException\"}", {{0}}},
        {"DeleteLogGroup {\"logGroupName\":\"/aws/lambda/f\"}", 200, NULL, {{0}}},
        {"DeleteLogGroup", 400, "{\"__type\":\"ResourceNotFoundException\"}", {{0}}},
        {"DeleteLogGroup", 400, "{\"__type\":\"AccessDeniedException\"}", {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *scripted = scripted_aws_new(script);
    const struct aws *aws = scripted_aws_ask(scripted);
    json_owned json_t *tags = json_pack("{s:s}", "a", "b");
    struct error err = {0};
    bool is_news;

    assert_ok(logs_make_group(aws, "f", 30, tags, &is_news, &err));
    assert_true(is_news);
    assert_ok(logs_make_group(aws, "f", 0, tags, &is_news, &err));
    assert_false(is_news);
    assert_ok(logs_remove_group(aws, "f", &is_news, &err));
    assert_true(is_news);
    assert_ok(logs_remove_group(aws, "f", &is_news, &err));
    assert_false(is_news);
    assert_fails(logs_remove_group(aws, "f", &is_news, &err), ERROR_DENIED,
                 "logs DeleteLogGroup");
    assert_string_equal(scripted_aws_told(scripted),
                        "Log group '/aws/lambda/f' successfully created.\n"
                        "Using existent log group '/aws/lambda/f'.\n"
                        "Log group '/aws/lambda/f' successfully deleted.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_become_errors_in_awss_own_words),
        cmocka_unit_test(refusals_that_lambda_really_gave_are_understood),
        cmocka_unit_test(endless_refusals_are_clipped),
        cmocka_unit_test(requests_are_signed_and_carry_the_session),
        cmocka_unit_test(an_answer_that_is_no_json_is_refused),
        cmocka_unit_test(the_caller_is_found_in_xml),
        cmocka_unit_test(a_log_group_is_made_once_and_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
