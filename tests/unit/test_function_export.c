/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Functions for other tools: the repository is theirs only where it is the function's, labels
 * are identifiers, secrets are parameters, and what has no place is named.
 */
#include "lambda/aws/function_export.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

#define REGISTRY "123456789012.dkr.ecr.eu-west-1.amazonaws.com/"
#define DIGEST "@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct definition usual_definition(const char *name)
{
    return (struct definition){
        .name = name,
        .role = "arn:aws:iam::123456789012:role/r",
        .memory_mib = 512,
        .timeout_s = 300,
        .architectures = {{.os = "linux", .architecture = "arm64"}},
        .architecture_count = 1,
        .concurrency = CONCURRENCY_UNRESERVED,
    };
}

static void the_repository_goes_along_where_it_is_the_functions(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *image_uri;
        bool is_prepared;
        const char *repository;
        const char *words;
    } cases[] = {
        {"moo", REGISTRY "moo" DIGEST, false, "moo",
         "\"${aws_ecr_repository.moo.repository_url}" DIGEST "\""},
        {"1Moo", REGISTRY "1moo" DIGEST, false, "1moo",
         "resource \"aws_lambda_function\" \"f_1Moo\""},
        {"moo", REGISTRY "moo" DIGEST, true, NULL, "= \"" REGISTRY "moo" DIGEST "\""},
        {"moo", REGISTRY "moo2" DIGEST, false, NULL, "= \"" REGISTRY "moo2" DIGEST "\""},
        {"moo", REGISTRY "team/moo" DIGEST, false, NULL,
         "= \"" REGISTRY "team/moo" DIGEST "\""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *config = json_object();
        json_owned json_t *left_out = json_array();
        owned(function_export) struct function_export function = {0};
        struct definition definition = usual_definition(cases[i].name);
        struct error err = {0};
        definition.config = config;
        definition.image_is_prepared = cases[i].is_prepared;
        assert_ok(function_export_definition(&definition, cases[i].image_uri, &function, &err));
        if (cases[i].repository)
            assert_string_equal(function.repository, cases[i].repository);
        else
            assert_null(function.repository);
        owned(memory) char *text =
            function_export_text(&function, FUNCTION_EXPORT_TERRAFORM, left_out);
        assert_non_null(strstr(text, cases[i].words));
        assert_int_equal(strstr(text, "resource \"aws_ecr_repository\"") != NULL,
                         cases[i].repository != NULL);
        assert_int_equal(json_array_size(left_out), 0);
    }
}

static void what_has_no_place_is_named(void **state)
{
    (void)state;
    static const struct {
        enum function_export_form form;
        const char *alias;
        const char *left_out;
    } cases[] = {
        {FUNCTION_EXPORT_TERRAFORM, "live", "[\"input\"]"},
        {FUNCTION_EXPORT_SAM, "live", "[\"input\"]"},
        {FUNCTION_EXPORT_SAM, NULL, "[\"input\",\"publish\"]"},
        {FUNCTION_EXPORT_JSON, "live",
         "[\"input\",\"concurrency\",\"function_url\",\"alias\","
         "\"log_retention_policy_in_days\"]"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *config = json_pack("{s:[{}]}", "input");
        json_owned json_t *url = json_pack("{s:s}", "AuthType", "AWS_IAM");
        json_owned json_t *left_out = json_array();
        owned(function_export) struct function_export function = {0};
        struct definition definition = usual_definition("moo");
        struct error err = {0};
        definition.config = config;
        definition.function_url = url;
        definition.concurrency = 0;
        definition.publish = true;
        definition.alias = cases[i].alias;
        definition.log_retention_days = 7;
        assert_ok(
            function_export_definition(&definition, REGISTRY "moo" DIGEST, &function, &err));
        owned(memory) char *text = function_export_text(&function, cases[i].form, left_out);
        owned(memory) char *found = json_text(left_out);
        assert_string_equal(found, cases[i].left_out);
    }
}

static void accounts_of_storage_are_in_json_only(void **state)
{
    (void)state;
    static const char *const words[] = {[FUNCTION_EXPORT_TERRAFORM] = "= var.fdl\n",
                                        [FUNCTION_EXPORT_SAM] = "Ref: \"FDL\"\n",
                                        [FUNCTION_EXPORT_JSON] = "\"FDL\": \"eyJj"};
    json_owned json_t *config = json_object();
    json_owned json_t *providers = json_pack("{s:{s:s}}", "s3", "secret_key", "SECRET");
    struct definition definition = usual_definition("moo");

    definition.config = config;
    definition.storage_providers = providers;
    for (size_t i = 0; i < COUNT(words); i++) {
        json_owned json_t *left_out = json_array();
        owned(function_export) struct function_export function = {0};
        struct error err = {0};
        assert_ok(
            function_export_definition(&definition, REGISTRY "moo" DIGEST, &function, &err));
        owned(memory) char *text =
            function_export_text(&function, (enum function_export_form)i, left_out);
        assert_non_null(strstr(text, words[i]));
        assert_int_equal(strstr(text, "eyJj") != NULL, i == FUNCTION_EXPORT_JSON);
    }
}

static void a_role_has_to_be_named(void **state)
{
    (void)state;
    struct definition definition = usual_definition("moo");
    struct function_export function = {0};
    struct error err = {0};

    definition.role = NULL;
    definition.creates_role = true;
    assert_fails(
        function_export_definition(&definition, REGISTRY "moo" DIGEST, &function, &err),
        ERROR_USAGE, "has no role");
}

#define NOTHING                                                                                \
    {                                                                                          \
        {                                                                                      \
            0                                                                                  \
        }                                                                                      \
    }

static void a_function_that_is_there_is_asked_for(void **state)
{
    (void)state;
    static const struct {
        struct scripted_answer script[3];
        enum error_kind kind;
        const char *words; /* of the error, or of the request */
    } cases[] = {
        {{{"functions/moo ", 200,
           "{\"Configuration\":{\"Timeout\":3,\"Architectures\":[\"arm64\"]},\"Code\":"
           "{\"ResolvedImageUri\":\"" REGISTRY "moo" DIGEST "\"},\"Tags\":{\"a\":\"b\"}}",
           NOTHING},
          {"functions/moo/url",
           404,
           "{}",
           {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}}},
         ERROR_NONE,
         "{\"Architectures\":[\"arm64\"],\"Code\":{\"ImageUri\":\"" REGISTRY "moo" DIGEST
         "\"},\"FunctionName\":\"moo\",\"PackageType\":\"Image\",\"Tags\":{\"a\":\"b\"},"
         "\"Timeout\":3}"},
        {{{"functions/moo ", 200,
           "{\"Configuration\":{},\"Code\":{\"Location\":\"https://s\"}}", NOTHING}},
         ERROR_INVALID,
         "function 'moo' is not made of an image"},
        {{{"functions/moo ", 404, "{}", {{"X-Amzn-ErrorType", "ResourceNotFoundException"}}}},
         ERROR_NOT_FOUND,
         "no function 'moo' in region eu-west-1"},
        {{{"functions/moo ", 200,
           "{\"Configuration\":{},\"Code\":{\"ResolvedImageUri\":\"" REGISTRY "x" DIGEST "\"}}",
           NOTHING},
          {"functions/moo/url", 403, "{}", {{"X-Amzn-ErrorType", "AccessDeniedException"}}}},
         ERROR_DENIED,
         "GetFunctionUrlConfig"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(cases[i].script);
        owned(function_export) struct function_export function = {0};
        struct error err = {0};
        if (cases[i].kind != ERROR_NONE) {
            assert_fails(
                function_export_deployed(scripted_aws_ask(aws), "moo", &function, &err),
                cases[i].kind, cases[i].words);
            continue;
        }
        assert_ok(function_export_deployed(scripted_aws_ask(aws), "moo", &function, &err));
        owned(memory) char *request = json_text(function.request);
        assert_string_equal(request, cases[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_repository_goes_along_where_it_is_the_functions),
        cmocka_unit_test(what_has_no_place_is_named),
        cmocka_unit_test(accounts_of_storage_are_in_json_only),
        cmocka_unit_test(a_role_has_to_be_named),
        cmocka_unit_test(a_function_that_is_there_is_asked_for),
    };
    return cmocka_run_group_tests_name("function_export", tests, NULL, NULL);
}
