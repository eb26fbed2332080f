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

#define SECOND_ANSWER                                                                          \
    "{\"authorizationData\": [{\"authorizationToken\": \"QVdTOm90aGVy\","                      \
    " \"proxyEndpoint\": \"https://" HOST "\"}]}"
#define FIRST "Basic QVdTOnNlY3JldA=="
#define SECOND "Basic QVdTOm90aGVy"
#define DENIED "{\"__type\": \"AccessDeniedException\", \"message\": \"no\"}"
#define EXPIRED                                                                                \
    "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"Your authorization token has "        \
    "expired. Reauthenticate and try again.\"}]}"

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

static bool log_in(struct scripted_aws *scripted, const char *host, const char *const *world,
                   struct registries *registries, struct error *err)
{
    const struct aws *aws = scripted_aws_ask(scripted);
    const struct aws_options options = {
        .http = aws->http,
        .registries = registries,
        .environment = world,
        .clock = aws->clock,
        .progress = aws->progress,
    };

    return ecr_registry_log_in(&options, host, err);
}

static bool resolve(struct registries *registries, const char *host, struct error *err)
{
    owned(document) struct document document = {0};

    return store_resolve(registries_repository(registries, host, "app"), "1", &document, err);
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
        const struct scripted_exchange exchange = {"GET", cases[i].asked, FIRST, .status = 200,
                                                   .answer = "{\"layers\": []}"};
        struct scripted_http http;
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);

        scripted_http_init(&http, &exchange, 1);
        owned(registries) struct registries *registries =
            registries_new(&http.http, environment);
        assert_ok(log_in(aws, HOST, environment, registries, &err));
        assert_non_null(strstr(scripted_aws_headers(aws), "/eu-south-2/ecr/aws4_request"));
        assert_ok(resolve(registries, HOST, &err));
        scripted_http_release(&http);
    }
}

static void each_registry_has_its_endpoint(void **state)
{
    (void)state;
    static const char answer[] = ANSWER("https://" HOST);
    static const char public_answer[] =
        "{\"authorizationData\": {\"authorizationToken\": \"QVdTOnNlY3JldA==\"}}";
    static const struct {
        const char *host;
        const char *asked;
        const char *body;
        const char *scope;
    } cases[] = {
        {HOST, "/api.ecr.eu-south-2.amazonaws.com/ AmazonEC2", answer, "/eu-south-2/ecr/"},
        {"123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn",
         "/api.ecr.cn-north-1.amazonaws.com.cn/ AmazonEC2", answer, "/cn-north-1/ecr/"},
        {"123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com",
         "/api.ecr-fips.us-gov-west-1.amazonaws.com/ AmazonEC2", answer, "/us-gov-west-1/ecr/"},
        {"123456789012.dkr-ecr-fips.us-east-1.on.aws",
         "/api.ecr-fips.us-east-1.amazonaws.com/ AmazonEC2", answer, "/us-east-1/ecr/"},
        {"public.ecr.aws", "/api.ecr-public.us-east-1.amazonaws.com/ SpencerFrontendService",
         public_answer, "/us-east-1/ecr-public/"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const struct scripted_answer script[] = {
            {.asked = cases[i].asked, .status = 200, .body = cases[i].body}, {0}};
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
        owned(registries) struct registries *registries = registries_new(NULL, environment);

        assert_true(ecr_registry_takes_credentials(cases[i].host));
        assert_ok(log_in(aws, cases[i].host, environment, registries, &err));
        assert_non_null(strstr(scripted_aws_headers(aws), cases[i].scope));
    }
    assert_false(ecr_registry_takes_credentials("docker.io"));
}

static void the_public_registry_gives_tokens_for_the_login(void **state)
{
    (void)state;
    static const struct scripted_answer answers[] = {
        {.asked = "SpencerFrontendService.GetAuthorizationToken",
         .status = 200,
         .body = "{\"authorizationData\": {\"authorizationToken\": \"QVdTOnNlY3JldA==\"}}"},
        {0},
    };
    static const struct scripted_exchange script[] = {
        {"GET", "https://public.ecr.aws/v2/app/manifests/1", .status = 401,
         .headers = {{"WWW-Authenticate", "Bearer realm=\"https://public.ecr.aws/token/\","
                                          "service=\"public.ecr.aws\",scope=\"aws\""}}},
        {"GET", "/token/?service=public.ecr.aws&scope=repository:app:pull", FIRST,
         .status = 200, .answer = "{\"token\": \"t\"}"},
        {"GET", "https://public.ecr.aws/v2/app/manifests/1", "Bearer t", .status = 200,
         .answer = "{\"layers\": []}"},
    };
    struct error err;
    struct scripted_http http;
    owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(answers);

    scripted_http_init(&http, script, COUNT(script));
    owned(registries) struct registries *registries = registries_new(&http.http, environment);
    assert_ok(log_in(aws, "public.ecr.aws", environment, registries, &err));
    assert_ok(resolve(registries, "public.ecr.aws", &err));
    scripted_http_release(&http);
}

static void the_public_registry_lets_everybody_in(void **state)
{
    (void)state;
    static const struct scripted_answer none[] = {{0}};
    static const struct scripted_answer denied[] = {
        {.asked = "GetAuthorizationToken", .status = 400, .body = DENIED}, {0}};
    struct error err;
    owned(scripted_aws) struct scripted_aws *nothing = scripted_aws_new(none);
    owned(scripted_aws) struct scripted_aws *refusal = scripted_aws_new(denied);
    owned(registries) struct registries *registries = registries_new(NULL, nobody);

    assert_ok(log_in(nothing, "public.ecr.aws", nobody, registries, &err));
    assert_string_equal(scripted_aws_told(nothing), "");
    assert_ok(log_in(refusal, "public.ecr.aws", environment, registries, &err));
    assert_non_null(strstr(scripted_aws_told(refusal),
                           "warning: public.ecr.aws is asked without a login: "));
}

static void a_login_is_renewed_in_time_and_when_it_is_refused(void **state)
{
    (void)state;
    static const struct {
        unsigned int slept_ms; /* between the two requests */
        int status;            /* of the second one; 200: it was renewed before */
        const char *answer;
        int renewal; /* its status; 0: there is none */
        bool fails;
    } cases[] = {
        {5 * 3600 * 1000, 200, "{\"layers\": []}", 0, false},
        {7 * 3600 * 1000, 200, "{\"layers\": []}", 200, false},
        {0, 401, "Not Authorized", 200, false},
        {0, 403, EXPIRED, 200, false},
        /* a refusal of another kind is none of the login's */
        {0, 403, "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"no\"}]}", 0, true},
        /* one that cannot be renewed in time may do yet */
        {7 * 3600 * 1000, 200, "{\"layers\": []}", 400, false},
        {0, 403, EXPIRED, 400, true},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        const char *body = cases[i].renewal == 200 ? SECOND_ANSWER : DENIED;
        const struct scripted_answer answers[] = {
            {.asked = "GetAuthorizationToken", .status = 200, .body = ANSWER("https://" HOST)},
            {.asked = cases[i].renewal ? "GetAuthorizationToken" : NULL,
             .status = cases[i].renewal,
             .body = body},
            {0},
        };
        bool early = cases[i].slept_ms && cases[i].renewal == 200;
        const struct scripted_exchange script[] = {
            {"GET", "/v2/app/manifests/1", FIRST, .status = 200, .answer = "{\"layers\": []}"},
            {"GET", "/v2/app/manifests/1", early ? SECOND : FIRST, .status = cases[i].status,
             .answer = cases[i].answer},
            {"GET", "/v2/app/manifests/1", SECOND, .status = 200, .answer = "{\"layers\": []}"},
        };
        bool again = !cases[i].fails && cases[i].status != 200;
        struct scripted_http http;
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(answers);

        scripted_http_init(&http, script, again ? 3 : 2);
        owned(registries) struct registries *registries =
            registries_new(&http.http, environment);
        assert_ok(log_in(aws, HOST, environment, registries, &err));
        assert_ok(resolve(registries, HOST, &err));
        clock_sleep(scripted_aws_ask(aws)->clock, cases[i].slept_ms);
        if (cases[i].fails)
            assert_fails(resolve(registries, HOST, &err), ERROR_DENIED, "");
        else
            assert_ok(resolve(registries, HOST, &err));
        scripted_http_release(&http);
    }
}

static void refusals_name_the_registry(void **state)
{
    (void)state;
    static const struct scripted_answer none[] = {{0}};
    static const struct scripted_answer denied[] = {
        {.asked = "GetAuthorizationToken", .status = 400, .body = DENIED}, {0}};
    struct error err;
    owned(scripted_aws) struct scripted_aws *nothing = scripted_aws_new(none);
    owned(scripted_aws) struct scripted_aws *refusal = scripted_aws_new(denied);
    owned(registries) struct registries *registries = registries_new(NULL, nobody);

    assert_fails(log_in(nothing, HOST, nobody, registries, &err), ERROR_DENIED,
                 "login for " HOST ": no AWS credentials");
    assert_fails(log_in(refusal, HOST, environment, registries, &err), ERROR_DENIED,
                 "login for " HOST);
    assert_null(strstr(err.text, "secret"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hosts_of_every_partition_have_a_region),
        cmocka_unit_test(the_registry_is_the_one_that_was_named),
        cmocka_unit_test(each_registry_has_its_endpoint),
        cmocka_unit_test(the_public_registry_gives_tokens_for_the_login),
        cmocka_unit_test(the_public_registry_lets_everybody_in),
        cmocka_unit_test(a_login_is_renewed_in_time_and_when_it_is_refused),
        cmocka_unit_test(refusals_name_the_registry),
    };
    return cmocka_run_group_tests_name("ecr_registry", tests, NULL, NULL);
}
