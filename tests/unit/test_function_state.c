/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a function stands: waiting says what for, has an end, and a failure says what to do.
 */
#include "lambda/aws/function_state.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define MISSING                                                                                \
    404, "{\"Message\":\"Function not found: arn\"}",                                          \
    {                                                                                          \
        {                                                                                      \
            "x-amzn-ErrorType", "ResourceNotFoundException"                                    \
        }                                                                                      \
    }
#define STATE(fields)                                                                          \
    200, "{\"Configuration\":{\"FunctionArn\":\"arn:f\"," fields "}}",                         \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }

enum { LIMIT_S = 60 };

static bool wait_for(struct scripted_aws *aws, struct error *err)
{
    json_owned json_t *answer = NULL;

    if (!function_state_wait(scripted_aws_ask(aws), "f", LIMIT_S, &answer, err))
        return false;
    assert_string_equal(
        json_optional_string(json_object_get(answer, "Configuration"), "FunctionArn"), "arn:f");
    return true;
}

static void an_active_function_is_not_waited_for(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /2015-03-31/functions/f ", STATE("\"State\":\"Active\"")},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(wait_for(aws, &err));
    assert_string_equal(scripted_aws_told(aws), "");
}

static void waiting_tells_each_state_once(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET", MISSING},
        {"GET", STATE("\"State\":\"Pending\",\"StateReason\":\"It is being created.\"")},
        {"GET", STATE("\"State\":\"Pending\",\"StateReason\":\"It is being created.\"")},
        {"GET", STATE("\"State\":\"Active\",\"LastUpdateStatus\":\"InProgress\"")},
        {"GET", STATE("\"State\":\"Active\",\"LastUpdateStatus\":\"Successful\"")},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(wait_for(aws, &err));
    assert_int_equal(scripted_aws_waited_ms(aws), 4000);
    assert_string_equal(scripted_aws_told(aws), "Wait function to be 'Active'\n"
                                                "Function is not known everywhere yet\n"
                                                "Function is Pending: It is being created.\n"
                                                "Function is InProgress\n"
                                                "Function 'Active'\n");
}

static void a_failure_says_why_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        const char *words;
    } cases[] = {
        {{"", STATE("\"State\":\"Failed\",\"StateReason\":\"bad layer\","
                    "\"StateReasonCode\":\"InvalidImage\"")},
         "function 'f' failed to start: bad layer (InvalidImage); the layer it names has to be "
         "gzip"},
        {{"", STATE("\"State\":\"Failed\",\"StateReason\":\"full\","
                    "\"StateReasonCode\":\"EniLimitExceeded\"")},
         "(EniLimitExceeded); use fewer subnets"},
        {{"", STATE("\"State\":\"Failed\",\"StateReason\":\"no answer\","
                    "\"StateReasonCode\":\"EFSMountTimeout\"")},
         "TCP 2049"},
        {{"", STATE("\"State\":\"Active\",\"LastUpdateStatus\":\"Failed\","
                    "\"LastUpdateStatusReason\":\"no image\"")},
         "function 'f' could not be changed and is as it was: no image (no code)"},
        {{"", STATE("\"State\":\"Failed\"")}, "no reason given"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {cases[i].answer, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(wait_for(aws, &err), ERROR_INVALID, cases[i].words);
    }
}

/* All that Lambda's model has for functions of images, but for states that pass. */
static void every_reason_has_its_advice(void **state)
{
    (void)state;
    static const char *const codes[] = {
        "EniLimitExceeded",
        "InsufficientRolePermissions",
        "InvalidConfiguration",
        "InternalError",
        "SubnetOutOfIPAddresses",
        "InvalidSubnet",
        "InvalidSecurityGroup",
        "ImageDeleted",
        "ImageAccessDenied",
        "InvalidImage",
        "KMSKeyAccessDenied",
        "KMSKeyNotFound",
        "InvalidStateKMSKey",
        "DisabledKMSKey",
        "EFSIOError",
        "EFSMountConnectivityError",
        "EFSMountFailure",
        "EFSMountTimeout",
        "InvalidRuntime",
        "FunctionError",
        "FunctionError.InitTimeout",
        "FunctionError.RuntimeInitError",
        "FunctionError.ExtensionInitError",
        "FunctionError.InvalidEntryPoint",
        "FunctionError.InvalidWorkingDirectory",
        "FunctionError.PermissionDenied",
        "FunctionError.TooManyExtensions",
        "FunctionError.InitResourceExhausted",
        "ServiceQuotaExceededException",
        "DisallowedByVpcEncryptionControl",
        "EC2RequestLimitExceeded",
        "InsufficientCapacity",
    };
    static const char *const answers[] = {
        "{\"Configuration\":{\"State\":\"Failed\",\"StateReasonCode\":\"%s\"}}",
        "{\"Configuration\":{\"LastUpdateStatus\":\"Failed\",\"LastUpdateStatusReasonCode\":"
        "\"%s\"}}",
    };

    for (size_t i = 0; i < 2 * COUNT(codes); i++) {
        const char *code = codes[i / 2];
        const char *format = answers[i % 2];
        owned(memory) char *body = text_format("%.*s%s%s", (int)(strstr(format, "%s") - format),
                                               format, code, strstr(format, "%s") + 2);
        owned(memory) char *words = text_format("(%s); ", code);
        const struct scripted_answer script[] = {{"", 200, body, {{0}}}, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(wait_for(aws, &err), ERROR_INVALID, words);
    }
}

static void waiting_has_an_end(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer answer;
        unsigned int waited_s;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{"", STATE("\"State\":\"Pending\"")},
         LIMIT_S,
         ERROR_NETWORK,
         "is not active after 60 s (Pending); it may still become so, --wait"},
        {{"", MISSING},
         FUNCTION_MISSING_WAIT_S,
         ERROR_NOT_FOUND,
         "no function 'f' in region eu-west-1"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scripted_answer script[LIMIT_S + 2] = {{0}};
        for (size_t j = 0; j <= cases[i].waited_s; j++)
            script[j] = cases[i].answer;
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        struct error err = {0};
        assert_fails(wait_for(aws, &err), cases[i].kind, cases[i].words);
        assert_int_equal(scripted_aws_waited_ms(aws), cases[i].waited_s * 1000);
    }
}

static void only_a_creation_that_failed_is_beyond_repair(void **state)
{
    (void)state;
    static const struct {
        const char *state, *code;
        bool is_broken;
    } cases[] = {
        {"Failed", "InvalidImage", true},       {"Failed", "ImageDeleted", false},
        {"Failed", "ImageAccessDenied", false}, {"Active", NULL, false},
        {"Pending", "Creating", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *configuration =
            json_pack("{s:s, s:s?}", "State", cases[i].state, "StateReasonCode", cases[i].code);
        assert_int_equal(function_state_is_broken(configuration), cases[i].is_broken);
    }
    assert_false(function_state_is_broken(NULL));
}

static void a_change_that_failed_or_goes_on_is_known(void **state)
{
    (void)state;
    static const struct {
        const char *state, *update;
        bool is_changing, has_failed;
    } cases[] = {
        {"Active", "Successful", false, false}, {"Active", NULL, false, false},
        {"Active", "InProgress", true, false},  {"Pending", NULL, true, false},
        {"Active", "Failed", false, true},      {"Failed", NULL, false, true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *configuration = json_pack("{s:s, s:s*}", "State", cases[i].state,
                                                     "LastUpdateStatus", cases[i].update);
        assert_int_equal(function_state_is_changing(configuration), cases[i].is_changing);
        assert_int_equal(function_state_has_failed(configuration), cases[i].has_failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_active_function_is_not_waited_for),
        cmocka_unit_test(waiting_tells_each_state_once),
        cmocka_unit_test(a_failure_says_why_and_what_to_do),
        cmocka_unit_test(every_reason_has_its_advice),
        cmocka_unit_test(waiting_has_an_end),
        cmocka_unit_test(only_a_creation_that_failed_is_beyond_repair),
        cmocka_unit_test(a_change_that_failed_or_goes_on_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
