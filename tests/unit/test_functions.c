/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions of Lambda: what is asked for is what the definition says, what AWS does not know
 * yet is waited for, and a function is never invoked twice.
 */
#include "lambda/aws/function_call.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/functions.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define IMAGE                                                                                  \
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com/f@sha256:"                                   \
    "0000000000000000000000000000000000000000000000000000000000000000"

/* A definition of JSON values that go with it. */
struct sample {
    struct definition definition;
    json_t *config;
    json_t *environment;
    json_t *tags;
    json_t *vpc;
    json_t *file_system;
};

static struct sample make_sample(void)
{
    struct sample sample = {
        .config = json_pack("{s:s, s:{s:s, s:b}}", "name", "f", "container", "image",
                            "alpine:3.20", "alpine", 1),
        .environment = json_pack("{s:s}", "COLOUR", "red"),
        .tags = json_pack("{s:s, s:s}", "team", "blue", "createdby", "me"),
        .vpc = json_pack("{s:[s, s], s:[s]}", "SubnetIds", "subnet-2", "subnet-1",
                         "SecurityGroupIds", "sg-1"),
        .file_system =
            json_pack("[{s:s, s:s}]", "Arn", "arn:efs", "LocalMountPath", "/mnt/efs"),
    };

    sample.definition = (struct definition){
        .name = "f",
        .role = "arn:aws:iam::123456789012:role/r",
        .memory_mib = 512,
        .timeout_s = 300,
        .delete_image = true,
        .architectures = {{.os = "linux", .architecture = "arm64"}},
        .architecture_count = 1,
        .concurrency = CONCURRENCY_UNRESERVED,
        .config = sample.config,
    };
    return sample;
}

static void sample_cleanup(struct sample *sample)
{
    json_decref(sample->config);
    json_decref(sample->environment);
    json_decref(sample->tags);
    json_decref(sample->vpc);
    json_decref(sample->file_system);
}

static char *request_text(const struct definition *definition, const char *owner)
{
    json_owned json_t *request = function_request(definition, IMAGE, owner);

    return json_text(request);
}

static char *fdl_of(const char *text)
{
    return base64_encode(text, strlen(text));
}

static void a_small_definition_asks_for_little(void **state)
{
    (void)state;
    owned(sample) struct sample sample = make_sample();
    owned(memory) char *request = request_text(&sample.definition, NULL);
    owned(memory) char *fdl =
        fdl_of("{\"container\":{\"alpine\":true,\"image\":\"" IMAGE "\"},\"name\":\"f\"}");
    owned(memory) char *expected = text_format(
        "{\"Architectures\":[\"arm64\"],\"Code\":{\"ImageUri\":\"" IMAGE "\"},"
        "\"Environment\":{\"Variables\":{\"FDL\":\"%s\",\"IMAGE_ID\":\"" IMAGE "\"}},"
        "\"FunctionName\":\"f\",\"MemorySize\":512,\"PackageType\":\"Image\","
        "\"Role\":\"arn:aws:iam::123456789012:role/r\","
        "\"Tags\":{\"createdby\":\"scar\"},\"Timeout\":300}",
        fdl);

    assert_string_equal(request, expected);
}

static void a_full_definition_asks_for_everything(void **state)
{
    (void)state;
    owned(sample) struct sample sample = make_sample();
    sample.definition.description = "says moo";
    sample.definition.environment = sample.environment;
    sample.definition.tags = sample.tags;
    sample.definition.vpc = sample.vpc;
    sample.definition.file_system = sample.file_system;
    sample.definition.delete_image = false;
    strcpy(sample.definition.architectures[0].architecture, "amd64");
    owned(memory) char *request = request_text(&sample.definition, "AIDAEXAMPLE");
    owned(memory) char *fdl = fdl_of("{\"container\":{\"alpine\":true,\"image\":\"" IMAGE "\"},"
                                     "\"ecr\":{\"delete_image\":false},\"name\":\"f\"}");
    owned(memory) char *expected = text_format(
        "{\"Architectures\":[\"x86_64\"],\"Code\":{\"ImageUri\":\"" IMAGE "\"},"
        "\"Description\":\"says moo\","
        "\"Environment\":{\"Variables\":{\"COLOUR\":\"red\",\"FDL\":\"%s\","
        "\"IMAGE_ID\":\"" IMAGE "\"}},"
        "\"FileSystemConfigs\":[{\"Arn\":\"arn:efs\",\"LocalMountPath\":\"/mnt/efs\"}],"
        "\"FunctionName\":\"f\",\"MemorySize\":512,\"PackageType\":\"Image\","
        "\"Role\":\"arn:aws:iam::123456789012:role/r\","
        "\"Tags\":{\"createdby\":\"scar\",\"owner\":\"AIDAEXAMPLE\",\"team\":\"blue\"},"
        "\"Timeout\":300,\"VpcConfig\":{\"SecurityGroupIds\":[\"sg-1\"],"
        "\"SubnetIds\":[\"subnet-1\",\"subnet-2\"]}}",
        fdl);

    assert_string_equal(request, expected);
    assert_string_equal(
        json_optional_string(json_object_get(sample.config, "container"), "image"),
        "alpine:3.20");
}

static void what_lambda_would_refuse_is_refused_early(void **state)
{
    (void)state;
    owned(sample) struct sample sample = make_sample();
    struct error err = {0};

    assert_ok(function_request_check_role(&sample.definition, &err));
    sample.definition.role = NULL;
    assert_fails(function_request_check_role(&sample.definition, &err), ERROR_USAGE,
                 "function 'f' has no role to run as: set iam.role");
    sample.definition.role = "";
    assert_fails(function_request_check_role(&sample.definition, &err), ERROR_USAGE,
                 "--create-role");
    sample.definition.creates_role = true;
    assert_ok(function_request_check_role(&sample.definition, &err));
}

/* The last length that is taken is found by trying; one more byte must then be refused. */
static void the_environment_may_have_4096_bytes_and_no_more(void **state)
{
    (void)state;
    owned(sample) struct sample sample = make_sample();
    char value[FUNCTION_ENVIRONMENT_LIMIT] = "";
    struct error err = {0};

    json_owned json_t *request = function_request(&sample.definition, IMAGE, NULL);
    owned(memory) char *bare =
        json_text(json_object_get(json_object_get(request, "Environment"), "Variables"));
    size_t room = FUNCTION_ENVIRONMENT_LIMIT - strlen(bare) - strlen("\"COLOUR\":\"\",");
    memset(value, 'x', room);
    sample.definition.environment = sample.environment;
    json_object_set_new(sample.environment, "COLOUR", json_string(value));
    assert_ok(function_request_check(&sample.definition, IMAGE, &err));
    value[room] = 'x';
    json_object_set_new(sample.environment, "COLOUR", json_string(value));
    assert_fails(function_request_check(&sample.definition, IMAGE, &err), ERROR_LIMIT,
                 "has 4097 bytes, Lambda takes 4096");
}

static void an_fdl_is_read_back_whoever_wrote_it(void **state)
{
    (void)state;
    static const struct {
        const char *variables;
        const char *name; /* NULL: no FDL */
    } cases[] = {
        {"{\"FDL\":\"eyJuYW1lIjoiZiJ9\"}", "f"},
        {"{\"FDL\":\"!\"}", NULL},
        {"{\"FDL\":\"bm8ganNvbg==\"}", NULL},
        {"{}", NULL},
        {"[]", NULL},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *variables = NULL;
        assert_ok(json_parse(cases[i].variables, strlen(cases[i].variables), &variables, &err));
        json_owned json_t *fdl = function_request_read_fdl(variables);
        assert_int_equal(fdl != NULL, cases[i].name != NULL);
        if (cases[i].name)
            assert_string_equal(json_optional_string(fdl, "name"), cases[i].name);
    }
}

#define INVALID(message)                                                                       \
    400, "{\"Type\":\"User\",\"message\":\"" message "\"}",                                    \
    {                                                                                          \
        {                                                                                      \
            "x-amzn-ErrorType", "InvalidParameterValueException"                               \
        }                                                                                      \
    }
#define CONFLICT(message)                                                                      \
    409, "{\"Type\":\"User\",\"Message\":\"" message "\"}",                                    \
    {                                                                                          \
        {                                                                                      \
            "x-amzn-ErrorType", "ResourceConflictException"                                    \
        }                                                                                      \
    }
#define MISSING                                                                                \
    404, "{\"Message\":\"Function not found: arn\"}",                                          \
    {                                                                                          \
        {                                                                                      \
            "x-amzn-ErrorType", "ResourceNotFoundException"                                    \
        }                                                                                      \
    }

static bool create(struct scripted_aws *aws, struct error *err)
{
    json_owned json_t *request = json_pack("{s:s}", "FunctionName", "f");

    return functions_create(scripted_aws_ask(aws), "f", request, err);
}

static void a_function_is_created(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"POST /2015-03-31/functions  {\"FunctionName\":\"f\"}", 201, "{}", {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(create(aws, &err));
    assert_string_equal(scripted_aws_told(aws), "Function 'f' successfully created.\n");
}

static void a_new_role_is_waited_for(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"POST", INVALID("The role defined for the function cannot be assumed by Lambda.")},
        {"POST", INVALID("The provided execution role does not have permissions to call x")},
        {"POST",
         CONFLICT("The operation cannot be performed at this time. An update is in progress")},
        {"POST", 201, "{}", {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(create(aws, &err));
    assert_string_equal(scripted_aws_told(aws), "Waiting for the role to be known to Lambda\n"
                                                "Function 'f' successfully created.\n");
}

static void a_role_that_stays_unknown_is_an_error_in_the_end(void **state)
{
    (void)state;
    static const struct scripted_answer refused = {
        "POST", INVALID("The role defined for the function cannot be assumed by Lambda.")};
    struct scripted_answer script[64] = {{0}};
    struct error err = {0};

    for (size_t i = 0; i < FUNCTION_ROLE_WAIT_S / 3 + 1; i++)
        script[i] = refused;
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    assert_fails(create(aws, &err), ERROR_INVALID,
                 "lambda CreateFunction: InvalidParameterValueException: The role defined");
    assert_int_equal(scripted_aws_waited_ms(aws), FUNCTION_ROLE_WAIT_S * 1000);
}

static void other_refusals_are_final(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{"", INVALID("Source image x does not exist. Provide a valid source image.")},
         ERROR_INVALID,
         "Source image x does not exist"},
        {{"", 403, "{\"Message\":\"no iam:PassRole\"}", {{0}}},
         ERROR_DENIED,
         "no iam:PassRole"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {cases[i].answer, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(create(aws, &err), cases[i].kind, cases[i].words);
        assert_int_equal(scripted_aws_waited_ms(aws), 0);
    }
}

/* The answer to a creation may be lost, and the second asking is refused then. */
static void a_creation_whose_answer_was_lost_has_happened(void **state)
{
    (void)state;
    static const struct {
        const char *role;
        bool is_ours;
    } cases[] = {{"arn:r", true}, {"arn:other", false}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *function = text_format(
            "{\"Configuration\":{\"Role\":\"%s\",\"Environment\":{\"Variables\":{\"A\":\"b\"}}"
            "},\"Code\":{\"ImageUri\":\"" IMAGE "\"}}",
            cases[i].role);
        const struct scripted_answer script[] = {
            {"POST", 0, NULL, {{0}}},
            {"POST", CONFLICT("Function already exist: f")},
            {"GET /2015-03-31/functions/f", 200, function, {{0}}},
            {0},
        };
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        json_owned json_t *request =
            json_pack("{s:s, s:{s:s}, s:{s:{s:s}}}", "Role", "arn:r", "Code", "ImageUri", IMAGE,
                      "Environment", "Variables", "A", "b");
        struct error err = {0};

        bool created = functions_create(scripted_aws_ask(aws), "f", request, &err);
        assert_int_equal(created, cases[i].is_ours);
        if (!created)
            assert_string_equal(err.text, "function 'f' already exists in region eu-west-1");
    }
}

static const struct event empty_event = {.payload = "{}", .count = 2};

static bool invoke(struct scripted_aws *aws, struct invocation *out, struct error *err)
{
    return functions_invoke(scripted_aws_ask(aws), "f", &empty_event, out, err);
}

static void an_invocation_tells_all_it_knows(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        bool failed;
        const char *request_id, *log_group, *log_stream, *log_tail;
    } cases[] = {
        {{"POST /2015-03-31/functions/f/invocations  {}",
          200,
          "{\"statusCode\":200,\"headers\":{\"amz-lambda-request-id\":\"r\","
          "\"amz-log-group-name\":\"/aws/lambda/"
          "f\",\"amz-log-stream-name\":\"s\"},\"body\":\"\"}",
          {{"x-amzn-RequestId", "id-1"}, {"X-Amz-Log-Result", "U1RBUlQ="}}},
         false,
         "id-1",
         "/aws/lambda/f",
         "s",
         "START"},
        {{"POST",
          200,
          "{\"errorMessage\":\"boom\"}",
          {{"X-Amz-Function-Error", "Unhandled"}, {"X-Amz-Log-Result", "!"}}},
         true,
         "",
         "",
         "",
         NULL},
        {{"POST", 200, "no json", {{0}}}, false, "", "", "", NULL},
        {{"POST", 200, "", {{0}}}, false, "", "", "", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {cases[i].answer, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        owned(invocation) struct invocation invocation = {0};
        struct error err = {0};
        assert_ok(invoke(aws, &invocation, &err));
        assert_int_equal(invocation.failed, cases[i].failed);
        assert_string_equal(invocation.payload, cases[i].answer.body);
        assert_string_equal(invocation.request_id, cases[i].request_id);
        assert_string_equal(invocation.log_group, cases[i].log_group);
        assert_string_equal(invocation.log_stream, cases[i].log_stream);
        if (cases[i].log_tail)
            assert_string_equal(invocation.log_tail, cases[i].log_tail);
        else
            assert_null(invocation.log_tail);
        assert_non_null(strstr(scripted_aws_headers(aws), "X-Amz-Log-Type: Tail\n"));
    }
}

static void a_function_is_never_invoked_twice(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        {"POST", 0, NULL, {{0}}},
        {"POST", 500, "{}", {{"x-amzn-ErrorType", "ServiceException"}}},
        {"POST", 504, "", {{0}}},
    };

    for (size_t i = 0; i < COUNT(answers); i++) {
        const struct scripted_answer script[] = {answers[i], {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        owned(invocation) struct invocation invocation = {0};
        struct error err = {0};
        assert_fails(invoke(aws, &invocation, &err), ERROR_NETWORK, "lambda Invoke");
    }
}

static void what_cannot_be_invoked_is_said(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {{"POST", MISSING}, {0}};
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct invocation invocation = {0};
    struct error err = {0};

    assert_fails(invoke(aws, &invocation, &err), ERROR_NOT_FOUND,
                 "no function 'f' in region eu-west-1");
    const struct event too_large = {.payload = "", .count = FUNCTIONS_PAYLOAD_LIMIT + 1};
    assert_fails(functions_invoke(scripted_aws_ask(aws), "f", &too_large, &invocation, &err),
                 ERROR_LIMIT, "Lambda takes 6291456");
}

static void deleting_what_is_gone_is_fine(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"DELETE /2015-03-31/functions/f ", 204, NULL, {{0}}},
        {"DELETE", MISSING},
        {"DELETE", CONFLICT("An update is in progress for resource: f")},
        {"DELETE", CONFLICT("no")},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *scripted = scripted_aws_new(script);
    const struct aws *aws = scripted_aws_ask(scripted);
    struct error err = {0};

    assert_ok(functions_delete(aws, "f", &err));
    assert_ok(functions_delete(aws, "f", &err));
    assert_fails(functions_delete(aws, "f", &err), ERROR_CONFLICT,
                 "lambda DeleteFunction: ResourceConflictException: no");
    assert_string_equal(scripted_aws_told(scripted),
                        "Function 'f' successfully deleted.\n"
                        "Waiting for an earlier change of the function\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_small_definition_asks_for_little),
        cmocka_unit_test(a_full_definition_asks_for_everything),
        cmocka_unit_test(what_lambda_would_refuse_is_refused_early),
        cmocka_unit_test(the_environment_may_have_4096_bytes_and_no_more),
        cmocka_unit_test(an_fdl_is_read_back_whoever_wrote_it),
        cmocka_unit_test(a_function_is_created),
        cmocka_unit_test(a_new_role_is_waited_for),
        cmocka_unit_test(a_role_that_stays_unknown_is_an_error_in_the_end),
        cmocka_unit_test(other_refusals_are_final),
        cmocka_unit_test(a_creation_whose_answer_was_lost_has_happened),
        cmocka_unit_test(an_invocation_tells_all_it_knows),
        cmocka_unit_test(a_function_is_never_invoked_twice),
        cmocka_unit_test(what_cannot_be_invoked_is_said),
        cmocka_unit_test(deleting_what_is_gone_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
