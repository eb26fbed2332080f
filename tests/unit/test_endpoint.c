/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where AWS's services answer: in every partition, and where the user says otherwise. The hosts
 * are those botocore 1.44 resolves.
 */
#include "lambda/aws/aws_endpoint.h"

#include "oci/base/memory.h"
#include "tests/support/unit.h"

enum { VARIABLES_LIMIT = 4 };

#define FIPS "AWS_USE_FIPS_ENDPOINT=true"
#define DUAL "AWS_USE_DUALSTACK_ENDPOINT=true"

static void endpoints_follow_the_partition(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *service;
        const char *region;
        const char *url;
    } cases[] = {
        {{NULL}, "lambda", "eu-west-1", "https://lambda.eu-west-1.amazonaws.com"},
        {{FIPS}, "lambda", "us-east-1", "https://lambda-fips.us-east-1.amazonaws.com"},
        {{DUAL}, "lambda", "us-east-1", "https://lambda.us-east-1.api.aws"},
        {{FIPS, DUAL}, "lambda", "us-east-1", "https://lambda-fips.us-east-1.api.aws"},
        {{NULL}, "ecr", "us-gov-west-1", "https://api.ecr.us-gov-west-1.amazonaws.com"},
        {{FIPS}, "ecr", "us-gov-west-1", "https://api.ecr-fips.us-gov-west-1.amazonaws.com"},
        {{DUAL}, "ecr", "us-east-1", "https://ecr.us-east-1.api.aws"},
        {{FIPS, DUAL}, "ecr", "us-east-1", "https://ecr-fips.us-east-1.api.aws"},
        {{NULL}, "logs", "cn-north-1", "https://logs.cn-north-1.amazonaws.com.cn"},
        {{DUAL}, "logs", "cn-north-1", "https://logs.cn-north-1.api.amazonwebservices.com.cn"},
        {{FIPS}, "logs", "us-gov-east-1", "https://logs.us-gov-east-1.amazonaws.com"},
        {{FIPS, DUAL}, "logs", "us-gov-east-1", "https://logs-fips.us-gov-east-1.api.aws"},
        {{FIPS}, "sts", "us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"},
        {{FIPS}, "sts", "us-east-2", "https://sts-fips.us-east-2.amazonaws.com"},
        {{NULL}, "sts", "us-isob-east-1", "https://sts.us-isob-east-1.sc2s.sgov.gov"},
        {{DUAL}, "sts", "us-isob-east-1", "https://sts.us-isob-east-1.api.aws.scloud"},
        {{NULL}, "sso", "us-east-1", "https://portal.sso.us-east-1.amazonaws.com"},
        {{DUAL}, "sso", "us-iso-east-1", "https://portal.sso.us-iso-east-1.api.aws.ic.gov"},
        {{NULL}, "sso-oidc", "eusc-de-east-1", "https://oidc.eusc-de-east-1.amazonaws.eu"},
        {{DUAL},
         "sso-oidc",
         "eusc-de-east-1",
         "https://oidc.eusc-de-east-1.api.amazonwebservices.eu"},
        {{NULL}, "lambda", "eu-isoe-west-1", "https://lambda.eu-isoe-west-1.cloud.adc-e.uk"},
        {{NULL}, "lambda", "us-isof-south-1", "https://lambda.us-isof-south-1.csp.hci.ic.gov"},
        {{NULL}, "iam", "eu-west-1", "https://iam.amazonaws.com"},
        {{FIPS}, "iam", "eu-west-1", "https://iam-fips.amazonaws.com"},
        {{NULL}, "iam", "cn-northwest-1", "https://iam.cn-north-1.amazonaws.com.cn"},
        {{FIPS}, "iam", "us-gov-east-1", "https://iam.us-gov.amazonaws.com"},
        {{NULL}, "iam", "us-isof-south-1", "https://iam.us-isof-south-1.csp.hci.ic.gov"},
        {{NULL}, "iam", "us-iso-west-1", "https://iam.us-iso-east-1.c2s.ic.gov"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct aws_settings settings = {.environment = cases[i].variables};
        owned(endpoint) struct endpoint found = {0};
        assert_ok(
            aws_endpoint_find(&settings, cases[i].service, cases[i].region, &found, &err));
        assert_string_equal(found.url, cases[i].url);
    }
}

static void what_is_for_all_regions_is_signed_for_its_own(void **state)
{
    (void)state;
    static const struct {
        const char *service;
        const char *region;
        const char *signed_for;
    } cases[] = {
        {"iam", "eu-west-1", "us-east-1"},         {"iam", "cn-northwest-1", "cn-north-1"},
        {"iam", "us-gov-east-1", "us-gov-west-1"}, {"iam", "eusc-de-east-1", "eusc-de-east-1"},
        {"sts", "eu-west-1", "eu-west-1"},
    };
    const struct aws_settings settings = {0};
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(endpoint) struct endpoint found = {0};
        assert_ok(
            aws_endpoint_find(&settings, cases[i].service, cases[i].region, &found, &err));
        assert_string_equal(found.region, cases[i].signed_for);
    }
}

#define SERVICES                                                                               \
    "[default]\nservices = here\nendpoint_url = http://profile\n"                              \
    "[services here]\necr =\n  endpoint_url = http://section/\n"                               \
    "cloudwatch_logs =\n  endpoint_url = http://logs\n"

static void the_user_may_name_endpoints(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *config;
        const char *service;
        const char *url;
    } cases[] = {
        {{"AWS_ENDPOINT_URL=http://127.0.0.1:5000/"}, "", "ecr", "http://127.0.0.1:5000"},
        {{"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_ECR=https://b/base//"},
         "",
         "ecr",
         "https://b/base"},
        {{"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_ECR=https://b"},
         "",
         "logs",
         "http://a"},
        {{"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=http://c"}, "", "logs", "http://c"},
        {{"AWS_ENDPOINT_URL_SSO_OIDC=http://c"}, "", "sso-oidc", "http://c"},
        {{NULL}, SERVICES, "ecr", "http://section"},
        {{NULL}, SERVICES, "logs", "http://logs"},
        {{NULL}, SERVICES, "lambda", "http://profile"},
        {{"AWS_ENDPOINT_URL=http://a"}, SERVICES, "ecr", "http://a"},
        {{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true", "AWS_ENDPOINT_URL=http://a"},
         SERVICES,
         "ecr",
         "https://api.ecr.x.amazonaws.com"},
        {{NULL},
         SERVICES "[profile default]\nignore_configured_endpoint_urls = true\n",
         "ecr",
         "https://api.ecr.x.amazonaws.com"},
        {{NULL},
         "[default]\nuse_fips_endpoint=true\nuse_dualstack_endpoint=true\n",
         "sts",
         "https://sts-fips.x.api.aws"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *config = memory_copy_string(cases[i].config);
        const struct aws_settings settings = {.environment = cases[i].variables,
                                              .files = {.config = config}};
        owned(endpoint) struct endpoint found = {0};
        assert_ok(aws_endpoint_find(&settings, cases[i].service, "x", &found, &err));
        assert_string_equal(found.url, cases[i].url);
    }
}

static void an_endpoint_that_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "AWS_ENDPOINT_URL=localhost:5000",
        "AWS_ENDPOINT_URL=ftp://a",
        "AWS_ENDPOINT_URL=http://",
        "AWS_ENDPOINT_URL=http:///",
        "AWS_ENDPOINT_URL=http://user:pass@a/",
        "AWS_ENDPOINT_URL=http://a/?b",
        "AWS_ENDPOINT_URL=http://a b",
    };
    char config[] = "[default]\nendpoint_url = localhost\n";
    const struct aws_settings settings = {.files = {.config = config}};
    struct error err = {0};

    for (size_t i = 0; i < COUNT(bad); i++) {
        owned(endpoint) struct endpoint found = {0};
        const char *const environment[] = {bad[i], NULL};
        const struct aws_settings said = {.environment = environment};
        assert_fails(aws_endpoint_find(&said, "lambda", "eu-west-1", &found, &err), ERROR_USAGE,
                     "AWS_ENDPOINT_URL is no URL");
    }
    owned(endpoint) struct endpoint found = {0};
    assert_fails(aws_endpoint_find(&settings, "lambda", "eu-west-1", &found, &err), ERROR_USAGE,
                 "endpoint_url of the profile is no URL");
}

/* Or the requests would go to AWS itself. */
static void services_that_are_nowhere_are_refused(void **state)
{
    (void)state;
    char config[] = "[default]\nservices = here\n[services there]\n";
    char path[] = "config";
    char name[] = "default";
    const struct aws_settings settings = {.profile_name = name,
                                          .files = {.config = config, .config_path = path}};
    owned(endpoint) struct endpoint found = {0};
    struct error err = {0};

    assert_fails(aws_endpoint_find(&settings, "lambda", "eu-west-1", &found, &err), ERROR_USAGE,
                 "profile 'default' names services 'here', which are not in 'config'");
}

static void inside_a_function_variables_say_it_all(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *service;
        const char *url;
    } cases[] = {
        {{NULL}, "s3", "https://s3.eu-west-1.amazonaws.com"},
        {{FIPS}, "s3", "https://s3-fips.eu-west-1.amazonaws.com"},
        {{DUAL}, "s3", "https://s3.dualstack.eu-west-1.amazonaws.com"},
        {{FIPS, DUAL}, "s3", "https://s3-fips.dualstack.eu-west-1.amazonaws.com"},
        {{"AWS_ENDPOINT_URL_S3=http://a/", "AWS_ENDPOINT_URL=http://b"}, "s3", "http://a"},
        {{"AWS_ENDPOINT_URL_S3=http://a/", "AWS_ENDPOINT_URL=http://b"}, "sts", "http://b"},
    };
    const char *const bad[] = {"AWS_ENDPOINT_URL_S3=a", NULL};
    owned(memory) char *none = NULL;
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *url = NULL;
        assert_ok(endpoint_find(cases[i].variables, cases[i].service, "eu-west-1", &url, &err));
        assert_string_equal(url, cases[i].url);
    }
    assert_fails(endpoint_find(bad, "s3", "eu-west-1", &none, &err), ERROR_USAGE,
                 "AWS_ENDPOINT_URL_S3 is no URL");
}

static void a_partition_without_dual_stack_says_so(void **state)
{
    (void)state;
    const char *const environment[] = {DUAL, NULL};
    const struct aws_settings settings = {.environment = environment};
    owned(endpoint) struct endpoint found = {0};
    struct error err = {0};

    assert_fails(aws_endpoint_find(&settings, "ecr", "eu-isoe-west-1", &found, &err),
                 ERROR_USAGE, "no dual-stack endpoints: unset AWS_USE_DUALSTACK_ENDPOINT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(endpoints_follow_the_partition),
        cmocka_unit_test(what_is_for_all_regions_is_signed_for_its_own),
        cmocka_unit_test(the_user_may_name_endpoints),
        cmocka_unit_test(an_endpoint_that_is_no_url_is_refused),
        cmocka_unit_test(services_that_are_nowhere_are_refused),
        cmocka_unit_test(inside_a_function_variables_say_it_all),
        cmocka_unit_test(a_partition_without_dual_stack_says_so),
    };
    return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}
