/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Roles made for functions: they may do what the definition needs, and are known by their path.
 */
#include "lambda/aws/role.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define ROLE "arn:aws-cn:iam::123456789012:role/skiff/f-eu-west-1"
#define LOGGING                                                                                \
    "{\"Action\":[\"logs:CreateLogStream\",\"logs:PutLogEvents\"],\"Effect\":\"Allow\","       \
    "\"Resource\":\"arn:aws-cn:logs:eu-west-1:123456789012:log-group:/aws/lambda/f:*\"}"

static void a_role_may_do_what_is_needed_and_no_more(void **state)
{
    (void)state;
    json_owned json_t *vpc = json_object();
    json_owned json_t *files = json_pack("[{s:s}]", "Arn", "arn:fsap");
    json_owned json_t *logging = json_pack("{s:s}", "LogGroup", "/mine");
    json_owned json_t *storage =
        json_loads("{\"input\": [{\"storage_provider\": \"s3\", \"path\": \"b/in/\"},"
                   "             {\"storage_provider\": \"s3.mine\", \"path\": \"c/in\"}],"
                   " \"output\": [{\"storage_provider\": \"s3\", \"path\": \"d\"}]}",
                   0, NULL);
    const struct {
        struct definition definition;
        const char *more;
    } cases[] = {
        {{.name = "f"}, ""},
        {{.name = "f", .tracing = "PassThrough"}, ""},
        {{.name = "f", .tracing = "Active"},
         ",{\"Action\":[\"xray:PutTelemetryRecords\",\"xray:PutTraceSegments\"],"
         "\"Effect\":\"Allow\",\"Resource\":\"*\"}"},
        {{.name = "f", .dead_letter = "arn:aws:sns:r:1:t", .kms_key = "arn:k"},
         ",{\"Action\":[\"sns:Publish\"],\"Effect\":\"Allow\",\"Resource\":\"arn:aws:sns:r:1:"
         "t\"}"
         ",{\"Action\":[\"kms:Decrypt\"],\"Effect\":\"Allow\",\"Resource\":\"arn:k\"}"},
        {{.name = "f", .file_system = files},
         ",{\"Action\":[\"elasticfilesystem:ClientMount\",\"elasticfilesystem:ClientWrite\"],"
         "\"Condition\":{\"StringEquals\":{\"elasticfilesystem:AccessPointArn\":\"arn:fsap\"}},"
         "\"Effect\":\"Allow\",\"Resource\":\"*\"}"},
        {{.name = "f", .config = storage},
         ",{\"Action\":[\"s3:GetObject\"],\"Effect\":\"Allow\",\"Resource\":"
         "\"arn:aws-cn:s3:::b/in/*\"}"
         ",{\"Action\":[\"s3:AbortMultipartUpload\",\"s3:PutObject\"],\"Effect\":\"Allow\","
         "\"Resource\":\"arn:aws-cn:s3:::d/*\"}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *policy = role_policy(ROLE, "eu-west-1", &cases[i].definition);
        owned(memory) char *found = json_text(json_object_get(policy, "Statement"));
        owned(memory) char *expected = text_format("[" LOGGING "%s]", cases[i].more);
        assert_string_equal(found, expected);
    }
    const struct definition other = {.name = "f", .vpc = vpc, .logging = logging};
    json_owned json_t *policy = role_policy(ROLE, "eu-west-1", &other);
    owned(memory) char *text = json_text(policy);
    assert_non_null(strstr(text, "log-group:/mine:*"));
    assert_non_null(strstr(text, "ec2:CreateNetworkInterface"));
}

#define CREATED(arn)                                                                           \
    200, "<Role><Arn>" arn "</Arn></Role>",                                                    \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }

static void a_role_of_the_name_is_taken_if_it_is_ours(void **state)
{
    (void)state;
    static const struct scripted_answer there = {
        "Action=CreateRole", 409, "<Error><Code>EntityAlreadyExists</Code></Error>", {{0}}};
    const struct {
        struct scripted_answer script[4];
        const char *words; /* NULL: fine */
    } cases[] = {
        {{{"Action=CreateRole&Version=2010-05-08&RoleName=f-eu-west-1&Path=%2Fskiff%2F",
           CREATED(ROLE)},
          {"Action=PutRolePolicy", 200, "", {{0}}}},
         NULL},
        {{there, {"Action=GetRole", CREATED(ROLE)}, {"Action=PutRolePolicy", 200, "", {{0}}}},
         NULL},
        {{there, {"Action=GetRole", CREATED("arn:aws:iam::1:role/f-eu-west-1")}},
         "a role 'f-eu-west-1' that skiff did not make"},
        {{{"Action=CreateRole", 403, "<Error><Code>AccessDenied</Code></Error>", {{0}}}},
         "iam CreateRole: AccessDenied"},
    };
    const struct definition definition = {.name = "f"};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        owned(memory) char *arn = NULL;
        struct error err = {0};
        bool made = role_make(scripted_aws_ask(aws), &definition, &arn, &err);
        assert_int_equal(made, cases[i].words == NULL);
        if (made)
            assert_string_equal(arn, ROLE);
        else
            assert_non_null(strstr(err.text, cases[i].words));
    }
}

static void removing_what_is_gone_is_fine(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"Action=DeleteRolePolicy", 404, "<Error><Code>NoSuchEntity</Code></Error>", {{0}}},
        {"Action=DeleteRole&", 200, "", {{0}}},
        {0},
    };
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
    struct error err = {0};

    assert_ok(role_remove(scripted_aws_ask(aws), "f", &err));
    assert_string_equal(scripted_aws_told(aws),
                        "Role 'skiff/f-eu-west-1' successfully deleted.\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_role_may_do_what_is_needed_and_no_more),
        cmocka_unit_test(a_role_of_the_name_is_taken_if_it_is_ours),
        cmocka_unit_test(removing_what_is_gone_is_fine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
