/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registries of ECR: told by their names in every partition, and logged in to with AWS's
 * credentials alone.
 */
#include "lambda/aws/ecr_registry.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/scripted_http.h"
#include "tests/support/unit.h"

#define HOST "123456789012.dkr.ecr.eu-south-2.amazonaws.com"
/* "AWS:secret" */
#define ANSWER(url)                                                                            \
    "{\"authorizationData\": [{\"authorizationToken\": \"QVdTOnNlY3JldA==\","                  \
    " \"proxyEndpoint\": \"" url "\"}]}"

static void hosts_of_every_partition_have_a_region(void **state)
{
    (void)state;
    static const struct {
        const char *host;
        const char *region; /* "": not ECR's */
    } cases[] = {
        {HOST, "eu-south-2"},
        {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1"},
        {"123456789012.dkr.ecr.us-gov-west-1.amazonaws.com", "us-gov-west-1"},
        {"123456789012.dkr.ecr-fips.us-east-1.amazonaws.com", "us-east-1"},
        {"123456789012.dkr-ecr.us-east-1.on.aws", "us-east-1"},
        {"123456789012.dkr-ecr-fips.us-east-1.on.aws", "us-east-1"},
        {"123456789012.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1"},
        {"123456789012.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1"},
        {"123456789012.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1"},
        {"123456789012.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1"},
        {"123456789012.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1"},
        {"123456789012.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1"},
        {"public.ecr.aws", ""},
        {"123456789012.dkr.ecr.eu-south-2.amazonaws.com.example.org", ""},
        {"123456789012.dkr.ecr.eu-south-2.evil.com", ""},
        {"123456789012.dkr.ecr.a.b.amazonaws.com", ""},
        {"123456789012.dkr.ecr..amazonaws.com", ""},
        {"12345678901.dkr.ecr.eu-south-2.amazonaws.com", ""},
        {"1234567890123.dkr.ecr.eu-south-2.amazonaws.com", ""},
        {"123456789012.ecr.eu-south-2.amazonaws.com", ""},
        {"123456789012.dkr.ecr.eu-south-2.amazonaws.com:443", ""},
        {"docker.io", ""},
        {"", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *region = ecr_registry_region(cases[i].host);
        assert_string_equal(region ? region : "", cases[i].region);
    }
}

static const char *const environment[] = {
    "AWS_ACCESS_KEY_ID=AKIDEXAMPLE",
    "AWS_SECRET_ACCESS_KEY=secret",
    "AWS_REGION=eu-west-1",
    NULL,
};
static const char *const nobody[] = {"HOME=/nowhere", "AWS_EC2_METADATA_DISABLED=true", NULL};

static bool log_in(const struct scripted_answer *script, const char *const *world,
                   struct registries *registries, char **headers, struct error *err)
{
    owned(scripted_aws) struct scripted_aws *scripted = scripted_aws_new(script);
    const struct aws *aws = scripted_aws_ask(scripted);
    const struct aws_options options = {
        .http = aws->http,
        .registries = registries,
        .environment = world,
        .clock = aws->clock,
        .progress = aws->progress,
    };

    bool done = ecr_registry_log_in(&options, HOST, err);
    *headers = memory_copy_string(scripted_aws_headers(scripted));
    return done;
}

static void the_registry_is_the_one_that_was_named(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        const char *asked; /* of the registry */
    } cases[] = {
        /* that of the account which asks */
        {ANSWER("https://999999999999.dkr.ecr.eu-south-2.amazonaws.com"),
         "https://" HOST "/v2/app/manifests/1"},
        /* a private endpoint */
        {ANSWER("http://127.0.0.1:5000/"), "http://127.0.0.1:5000/v2/app/manifests/1"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const struct scripted_answer script[] = {
            {.asked = "GetAuthorizationToken", .status = 200, .body = cases[i].answer}, {0}};
        const struct scripted_exchange exchange = {"GET", cases[i].asked,
                                                   "Basic QVdTOnNlY3JldA==", .status = 200,
                                                   .answer = "{\"layers\": []}"};
        struct scripted_http scripted;
        owned(memory) char *headers = NULL;
        owned(document) struct document document = {0};

        scripted_http_init(&scripted, &exchange, 1);
        owned(registries) struct registries *registries =
            registries_new(&scripted.http, environment);
        assert_ok(log_in(script, environment, registries, &headers, &err));
        assert_non_null(strstr(headers, "/eu-south-2/ecr/aws4_request"));
        assert_ok(store_resolve(registries_repository(registries, HOST, "app"), "1", &document,
                                &err));
        scripted_http_release(&scripted);
    }
}

static void refusals_name_the_registry(void **state)
{
    (void)state;
    static const struct scripted_answer none[] = {{0}};
    static const struct scripted_answer denied[] = {
        {.asked = "GetAuthorizationToken",
         .status = 400,
         .body = "{\"__type\": \"AccessDeniedException\", \"message\": \"no\"}"},
        {0},
    };
    struct error err;
    owned(registries) struct registries *registries = registries_new(NULL, nobody);
    owned(memory) char *first = NULL;
    owned(memory) char *second = NULL;

    assert_fails(log_in(none, nobody, registries, &first, &err), ERROR_DENIED,
                 "login for " HOST ": no AWS credentials");
    assert_fails(log_in(denied, environment, registries, &second, &err), ERROR_DENIED,
                 "login for " HOST);
    assert_null(strstr(err.text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_every_partition_have_a_region),
        cmocka_unit_test(the_registry_is_the_one_that_was_named),
        cmocka_unit_test(refusals_name_the_registry),
    };
    return cmocka_run_group_tests_name("ecr_registry", tests, NULL, NULL);
}
