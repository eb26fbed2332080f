/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS as a platform: what will be refused is refused before anybody is asked, what is only nice
 * to have does not stand in the way, and a removal that stops says what is left.
 */
#include "lambda/aws/aws_platform.h"
#include "oci/base/memory.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define HOST "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
#define DIGEST "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define IMAGE HOST "/moo@" DIGEST
#define DENIED                                                                                 \
    400, "{\"__type\":\"AccessDeniedException\",\"message\":\"no\"}",                          \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }
#define FUNCTION(fdl)                                                                          \
    200,                                                                                       \
        "{\"Configuration\":{\"FunctionArn\":\"arn:f\",\"Environment\":{\"Variables\":"        \
        "{\"FDL\":\"" fdl "\"}}},\"Code\":{\"ImageUri\":\"" IMAGE "\"}}",                      \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }

static const char *const environment[] = {
    "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY=secret",
    "AWS_REGION=eu-west-1",
    "AWS_ENDPOINT_URL=http://127.0.0.1:1",
    NULL,
};

/* A platform on a script; its parts go with it. */
struct sample {
    struct scripted_aws *aws;
    struct registries *registries;
    struct platform *platform;
    json_t *config;
    struct definition definition;
};

static struct sample make_sample(const struct scripted_answer *script)
{
    struct sample sample = {.aws = scripted_aws_new(script)};
    const struct aws *aws = scripted_aws_ask(sample.aws);
    struct error err = {0};

    sample.registries = registries_new(aws->http, environment);
    sample.config = json_pack("{s:s}", "name", "moo");
    sample.definition = (struct definition){
        .name = "moo",
        .role = "arn:aws:iam::123456789012:role/r",
        .memory_mib = 512,
        .timeout_s = 300,
        .log_retention_days = 30,
        .delete_image = true,
        .architectures = {{.os = "linux", .architecture = "amd64"}},
        .architecture_count = 1,
        .concurrency = CONCURRENCY_UNRESERVED,
        .config = sample.config,
    };
    const struct aws_options options = {
        .http = aws->http,
        .registries = sample.registries,
        .environment = environment,
        .clock = aws->clock,
        .progress = aws->progress,
    };
    assert_ok(aws_platform_open(&options, &sample.platform, &err));
    return sample;
}

static void sample_cleanup(struct sample *sample)
{
    platform_free(sample->platform);
    registries_free(sample->registries);
    json_decref(sample->config);
    scripted_aws_free(sample->aws);
}

static void a_function_is_looked_for(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GET /2015-03-31/functions/moo ", FUNCTION("")},
        {"GetRole", DENIED},
        {"GET", 404, "{}", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}},
        {"GetRole", DENIED},
        {"GET", DENIED},
        {0},
    };
    owned(sample) struct sample sample = make_sample(script);
    const struct platform_ops *ops = sample.platform->ops;
    const struct definition *definition = &sample.definition;
    owned(platform_function) struct platform_function found = {0};
    struct platform_function missing = {0};
    struct error err = {0};

    sample.definition.image_is_prepared = true; /* then there is nothing else to ask */
    assert_ok(ops->find(sample.platform, definition, &found, &err));
    assert_true(found.exists);
    assert_false(found.is_broken);
    assert_string_equal(found.image_uri, IMAGE);
    assert_ok(ops->find(sample.platform, definition, &missing, &err));
    assert_false(missing.exists);
    assert_fails(ops->find(sample.platform, definition, &missing, &err), ERROR_DENIED,
                 "AccessDenied");
}

#define TRUST(service)                                                                         \
    "<Role><AssumeRolePolicyDocument>{\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":"     \
    "{\"Service\":\"" service "\"},\"Action\":\"sts:AssumeRole\"}]}"                           \
    "</AssumeRolePolicyDocument></Role>"

static void the_role_of_a_new_function_is_looked_at_first(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer role;
        enum error_kind kind; /* ERROR_NONE: fine */
        const char *words;
    } cases[] = {
        {{"RoleName=r", 200, TRUST("lambda.amazonaws.com"), {{0}}}, ERROR_NONE, NULL},
        {{"RoleName=r", 200, TRUST("ec2.amazonaws.com"), {{0}}},
         ERROR_INVALID,
         "role 'arn:aws:iam::123456789012:role/r': its trust policy does not let Lambda assume "
         "it; let lambda.amazonaws.com do sts:AssumeRole"},
        {{"RoleName=r", 404, "<Error><Code>NoSuchEntity</Code></Error>", {{0}}},
         ERROR_NOT_FOUND,
         "there is no role 'arn:aws:iam::123456789012:role/r'"},
        {{"RoleName=r", 403, "<Error><Code>AccessDenied</Code></Error>", {{0}}},
         ERROR_NONE,
         NULL},
        {{"RoleName=r", 200, "<A/>", {{0}}}, ERROR_NONE, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct scripted_answer script[] = {
            {"GET", 404, "{}", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}},
            cases[i].role,
            {0},
        };
        owned(sample) struct sample sample = make_sample(script);
        struct platform_function found = {0};
        struct error err = {0};
        sample.definition.image_is_prepared = true;
        if (cases[i].kind)
            assert_fails(
                sample.platform->ops->find(sample.platform, &sample.definition, &found, &err),
                cases[i].kind, cases[i].words);
        else
            assert_ok(
                sample.platform->ops->find(sample.platform, &sample.definition, &found, &err));
    }
}

static void a_repository_is_opened_with_its_login(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GetAuthorizationToken",
         200,
         "{\"authorizationData\":[{\"authorizationToken\":\"QVdTOnB3\","
         "\"proxyEndpoint\":\"http://127.0.0.1:1\"}]}",
         {{0}}},
        {"DescribeRepositories {\"repositoryNames\":[\"moo\"]}",
         200,
         "{\"repositories\":[{\"repositoryName\":\"moo\",\"repositoryArn\":\"arn:moo\","
         "\"repositoryUri\":\"" HOST "/moo\"}]}",
         {{0}}},
        {"GET", 404, "{}", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}},
        {"GetRole", DENIED},
        {0},
    };
    owned(sample) struct sample sample = make_sample(script);
    struct platform_function found = {0};
    owned(platform_repository) struct platform_repository repository = {0};
    struct error err = {0};

    scripted_aws_in_any_order(sample.aws);
    sample.definition.name = "Moo";
    assert_ok(sample.platform->ops->find(sample.platform, &sample.definition, &found, &err));
    assert_ok(sample.platform->ops->open_repository(sample.platform, &sample.definition, true,
                                                    &repository, &err));
    assert_string_equal(repository.uri, HOST "/moo");
    assert_non_null(repository.store);
}

static void what_would_be_refused_is_refused_before_anybody_is_asked(void **state)
{
    (void)state;
    static const struct scripted_answer silence[] = {{0}};
    owned(sample) struct sample sample = make_sample(silence);
    struct platform *platform = sample.platform;
    struct definition *definition = &sample.definition;
    const struct platform_change change = {.definition = definition, .image_uri = IMAGE};
    struct platform_function found = {0};
    char *arn = NULL;
    struct error err = {0};

    definition->name = "moo_";
    assert_fails(platform->ops->find(platform, definition, &found, &err), ERROR_USAGE,
                 "function name 'moo_'");
    definition->name = "moo";
    definition->role = NULL;
    assert_fails(platform->ops->create(platform, &change, &arn, &err), ERROR_USAGE,
                 "has no role");
    definition->role = "arn:aws:iam::123456789012:role/r";
    char filling[4000];
    memset(filling, 'x', sizeof filling - 1);
    filling[sizeof filling - 1] = '\0';
    json_object_set_new(sample.config, "filling", json_string(filling));
    assert_fails(platform->ops->find(platform, definition, &found, &err), ERROR_LIMIT,
                 "Lambda takes 4096");
}

static void owner_and_log_group_are_nice_to_have(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        {"GetCallerIdentity", DENIED},
        {"\"Tags\":{\"createdby\":\"scar\"}", 201, "{}", {{0}}},
        {"CreateLogGroup", DENIED},
        {"GET", FUNCTION("")},
        {0},
    };
    owned(sample) struct sample sample = make_sample(script);
    const struct platform_change change = {.definition = &sample.definition,
                                           .image_uri = IMAGE};
    owned(memory) char *arn = NULL;
    struct error err = {0};

    assert_ok(sample.platform->ops->create(sample.platform, &change, &arn, &err));
    assert_string_equal(arn, "arn:f");
    assert_string_equal(scripted_aws_told(sample.aws),
                        "warning: the function gets no tag 'owner': sts GetCallerIdentity: "
                        "AccessDeniedException: no\n"
                        "Function 'moo' successfully created.\n"
                        "warning: the function's log group is not set up: logs CreateLogGroup: "
                        "AccessDeniedException: no\n");
}

static void a_removal_that_stops_says_what_is_left(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer script[6];
        const char *words;
    } cases[] = {
        {{{"GET", FUNCTION("")}, {"DELETE", DENIED}}, "lambda DeleteFunction"},
        {{{"GET", FUNCTION("")}, {"DELETE", 204, NULL, {{0}}}, {"DeleteLogGroup", DENIED}},
         "function 'moo' is removed, but not its log group; 'skiff rm -n moo' goes on, and "
         "'skiff prune -n moo --all' with its image: logs "
         "DeleteLogGroup"},
        {{{"GET", FUNCTION("")},
          {"DELETE", 204, NULL, {{0}}},
          {"DeleteLogGroup", 200, NULL, {{0}}},
          {"FunctionVersion=ALL", 200, "{\"Functions\":[]}", {{0}}},
          {"DescribeRepositories", DENIED}},
         "function 'moo' is removed, but not its image '" IMAGE "'; 'skiff prune -n moo --all' "
         "goes on: ecr DescribeRepositories"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(sample) struct sample sample = make_sample(cases[i].script);
        struct error err = {0};
        assert_fails(sample.platform->ops->remove(sample.platform, "moo", &err), ERROR_DENIED,
                     cases[i].words);
    }
}

static void a_definition_may_keep_the_image(void **state)
{
    (void)state;
    static const struct scripted_answer script[] = {
        /* {"ecr":{"delete_image":false}} */
        {"GET", FUNCTION("eyJlY3IiOnsiZGVsZXRlX2ltYWdlIjpmYWxzZX19")},
        {"DELETE", 204, NULL, {{0}}},
        {"DeleteLogGroup", 200, NULL, {{0}}},
        {0},
    };
    owned(sample) struct sample sample = make_sample(script);
    struct error err = {0};

    assert_ok(sample.platform->ops->remove(sample.platform, "moo", &err));
    assert_string_equal(scripted_aws_told(sample.aws),
                        "Function 'moo' successfully deleted.\n"
                        "Log group '/aws/lambda/moo' successfully deleted.\n");
}

static void without_credentials_there_is_no_platform(void **state)
{
    (void)state;
    const char *const nothing[] = {"AWS_EC2_METADATA_DISABLED=true", NULL};
    owned(scripted_aws) struct scripted_aws *scripted =
        scripted_aws_new(&(struct scripted_answer){0});
    const struct aws_options options = {
        .environment = nothing,
        .clock = scripted_aws_ask(scripted)->clock,
        .region = "eu-west-1",
    };
    struct platform *platform = NULL;
    struct error err = {0};

    assert_fails(aws_platform_open(&options, &platform, &err), ERROR_DENIED,
                 "no AWS credentials");
    assert_null(platform);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_function_is_looked_for),
        cmocka_unit_test(the_role_of_a_new_function_is_looked_at_first),
        cmocka_unit_test(a_repository_is_opened_with_its_login),
        cmocka_unit_test(what_would_be_refused_is_refused_before_anybody_is_asked),
        cmocka_unit_test(owner_and_log_group_are_nice_to_have),
        cmocka_unit_test(a_removal_that_stops_says_what_is_left),
        cmocka_unit_test(a_definition_may_keep_the_image),
        cmocka_unit_test(without_credentials_there_is_no_platform),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
