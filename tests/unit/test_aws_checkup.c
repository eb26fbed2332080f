/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What skiff doctor looks at on AWS: each thing that is wrong is found, what stands on it is
 * skipped, and what cannot be looked at is no fault.
 */
#include "lambda/aws/aws_checkup.h"

#include "lambda/aws/role_trust.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/registry.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/scripted_http.h"
#include "tests/support/unit.h"

enum { SCRIPT_LIMIT = 6 };

#define ROLE "arn:aws:iam::123456789012:role/path/r"
#define TRUST(service)                                                                         \
    "<AssumeRolePolicyDocument>%7B%22Statement%22%3a%5B%7B%22Effect%22:%22Allow%22,"           \
    "%22Principal%22:%7B%22Service%22:%22" service "%22%7D,%22Action%22:%22sts:AssumeRole%22"  \
    "%7D%5D%7D</AssumeRolePolicyDocument>"
#define IDENTITY                                                                               \
    {                                                                                          \
        "GetCallerIdentity", 200,                                                              \
            "<Arn>arn:u</Arn><UserId>U</UserId><Account>123456789012</Account>",               \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define LOGIN                                                                                  \
    {                                                                                          \
        "GetAuthorizationToken", 200,                                                          \
            "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnNlY3JldA==\","            \
            "\"proxyEndpoint\":\"https://r.example\"}]}",                                      \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }
#define DENIED(operation)                                                                      \
    {                                                                                          \
        operation, 403, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}",           \
        {                                                                                      \
            {                                                                                  \
                0                                                                              \
            }                                                                                  \
        }                                                                                      \
    }

static void findings_come_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *region;
        const char *role;
        struct scripted_answer script[SCRIPT_LIMIT];
        int registry_status; /* 0: not asked */
        const char *found;   /* the states, each with a blank */
    } cases[] = {
        {NULL, ROLE, {{0}}, 0, "wrong skipped skipped skipped skipped "},
        {"eu-west-1",
         ROLE,
         {DENIED("GetCallerIdentity")},
         0,
         "ok wrong skipped skipped skipped "},
        {"eu-west-1",
         ROLE,
         {IDENTITY,
          LOGIN,
          {"GetRole&Version=2010-05-08&RoleName=r", 200, TRUST("lambda.amazonaws.com"), {{0}}}},
         200,
         "ok ok ok ok ok "},
        {"eu-west-1", NULL, {IDENTITY, LOGIN}, 401, "ok ok ok skipped wrong "},
        {"eu-west-1",
         ROLE,
         {IDENTITY,
          DENIED("GetAuthorizationToken"),
          {"GetRole", 200, TRUST("ec2.amazonaws.com"), {{0}}}},
         0,
         "ok ok wrong wrong skipped "},
        {"eu-west-1", ROLE, {IDENTITY, LOGIN, DENIED("GetRole")}, 200, "ok ok ok unsure ok "},
        {"eu-west-1",
         ROLE,
         {IDENTITY, LOGIN, {"GetRole", 200, "<A/>", {{0}}}},
         200,
         "ok ok ok wrong ok "},
        {"eu-west-1", "no-arn", {IDENTITY, LOGIN}, 200, "ok ok ok wrong ok "},
    };
    static const char *const environment[] = {"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=S",
                                              "AWS_EC2_METADATA_DISABLED=true", NULL};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        const struct scripted_exchange exchange = {
            "GET", "https://r.example/v2/",
            "Basic QVdTOnNlY3JldA==", .status = cases[i].registry_status};
        const char *const roles[] = {cases[i].role, NULL};
        struct scripted_http network;
        owned(checkup) struct checkup checkup = {0};
        owned(text) struct text found = {0};

        scripted_http_init(&network, &exchange, cases[i].registry_status != 0);
        owned(registries) struct registries *registries =
            registries_new(&network.http, environment);
        const struct aws_options options = {
            .http = scripted_aws_ask(aws)->http,
            .registries = registries,
            .environment = environment,
            .region = cases[i].region,
            .clock = scripted_aws_ask(aws)->clock,
        };
        aws_checkup(&options, roles, &checkup);
        for (size_t j = 0; j < checkup.count; j++)
            text_addf(&found, "%s ", finding_state_name(checkup.findings[j].state));
        if (strcmp(text_string(&found), cases[i].found) != 0)
            fail_msg("case %zu: %s", i, text_string(&found));
        scripted_http_release(&network);
    }
}

static void trust_is_read_in_every_form(void **state)
{
    (void)state;
    static const struct {
        const char *policy;
        bool trusted;
    } cases[] = {
        {"{'Statement':[{'Effect':'Allow','Principal':{'Service':'lambda.amazonaws.com'},"
         "'Action':'sts:AssumeRole'}]}",
         true},
        {"{'Statement':{'Effect':'Allow','Principal':{'Service':['ec2.amazonaws.com',"
         "'lambda.amazonaws.com']},'Action':['sts:TagSession','sts:AssumeRole']}}",
         true},
        {"{'Statement':[{'Effect':'Allow','Principal':'*','Action':'sts:*'}]}", true},
        {"{'Statement':[{'Effect':'Deny','Principal':'*','Action':'sts:*'}]}", false},
        {"{'Statement':[{'Effect':'Allow','Principal':{'AWS':'lambda.amazonaws.com'},"
         "'Action':'sts:AssumeRole'}]}",
         false},
        {"{'Statement':[{'Effect':'Allow','Principal':{'Service':'lambda.amazonaws.com'},"
         "'Action':'sts:TagSession'}]}",
         false},
        {"{'Statement':[[[]],3,null]}", false},
        {"{'Statement':'x'}", false},
        {"[]", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *text = memory_copy_string(cases[i].policy);
        json_owned json_t *policy = NULL;
        struct error err = {0};
        for (char *c = text; *c; c++)
            *c = *c == '\'' ? '"' : *c;
        assert_ok(json_parse(text, strlen(text), &policy, &err));
        if (role_trust_has_lambda(policy) != cases[i].trusted)
            fail_msg("case %zu", i);
    }
}

static void too_many_findings_are_left_out(void **state)
{
    (void)state;
    owned(checkup) struct checkup checkup = {0};

    for (int i = 0; i < FINDINGS_LIMIT + 1; i++)
        checkup_add(&checkup, "x", i == 0 ? FINDING_WRONG : FINDING_OK, NULL, "%d", i);
    assert_int_equal(checkup.count, FINDINGS_LIMIT);
    assert_int_equal(checkup_count_wrong(&checkup), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(findings_come_in_order),
        cmocka_unit_test(trust_is_read_in_every_form),
        cmocka_unit_test(too_many_findings_are_left_out),
    };
    return cmocka_run_group_tests_name("aws_checkup", tests, NULL, NULL);
}
