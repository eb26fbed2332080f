/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's configuration in one form: what AWS really answered, and what a definition
 * wants, differ in nothing but what differs.
 */
#include "lambda/aws/function_configuration.h"

#include "lambda/aws/function_deployment.h"
#include "lambda/aws/function_state.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

enum { RECORDED_LIMIT = 1024 * 1024 };

#define NAME "<function-name:1>"

static json_t *read_recorded(void)
{
    struct error err = {0};
    owned(memory) char *text = NULL;
    json_t *json = NULL;
    size_t count;

    assert_ok(
        file_read("testdata/recorded/lambda-image.json", RECORDED_LIMIT, &text, &count, &err));
    assert_ok(json_parse(text, count, &json, &err));
    return json;
}

/* The Configuration in a recorded answer, which may be the answer itself. */
static json_t *configuration_in(const json_t *recorded, const char *part, const char *answer)
{
    json_t *found = json_object_get(json_object_get(recorded, part), answer);
    json_t *inner = json_object_get(found, "Configuration");

    assert_non_null(found);
    return inner ? inner : found;
}

static void what_was_asked_for_is_what_aws_tells(void **state)
{
    (void)state;
    static const char *const answers[] = {"create-image-with-config-response",
                                          "get-function-code-with-config-response",
                                          "get-function-config-with-config-response"};
    json_owned json_t *recorded = read_recorded();
    json_owned json_t *first = function_configuration_read(
        configuration_in(recorded, "imageConfig", answers[0]), NAME);

    for (size_t i = 0; i < COUNT(answers); i++) {
        json_owned json_t *each = function_configuration_read(
            configuration_in(recorded, "imageConfig", answers[i]), NAME);
        json_owned json_t *changes = function_configuration_changes(first, each);
        assert_int_equal(json_object_size(changes), 0);
    }
}

static void a_definition_that_says_the_same_changes_nothing(void **state)
{
    (void)state;
    json_owned json_t *recorded = read_recorded();
    json_owned json_t *config = json_object();
    json_owned json_t *variables = json_pack("{s:s}", "CUSTOM_ENV", "test");
    json_owned json_t *image_config =
        json_pack("{s:[s], s:[s, s], s:s}", "EntryPoint", "sh", "Command", "-c", "echo test",
                  "WorkingDirectory", "/app1");
    const struct definition definition = {
        .name = NAME,
        .role = "arn:<partition>:iam::111111111111:role/<resource:1>",
        .memory_mib = 128,
        .timeout_s = 3,
        .environment = variables,
        .image_config = image_config,
        .config = config,
        .delete_image = true,
    };
    json_owned json_t *present = function_configuration_read(
        configuration_in(recorded, "imageConfig", "get-function-code-with-config-response"),
        NAME);
    json_owned json_t *wanted = function_configuration(&definition, "image");
    json_owned json_t *changes = function_configuration_changes(present, wanted);
    json_t *environment = json_object_get(json_object_get(changes, "Environment"), "Variables");

    assert_int_equal(json_object_size(changes), 1); /* FDL and IMAGE_ID are skiff's */
    assert_int_equal(json_object_size(environment), 3);
}

static void members_left_out_are_cleared(void **state)
{
    (void)state;
    json_owned json_t *recorded = read_recorded();
    json_owned json_t *with = function_configuration_read(
        configuration_in(recorded, "imageConfig", "get-function-code-with-config-response"),
        NAME);
    json_owned json_t *without = function_configuration_read(
        configuration_in(recorded, "image", "get-function-code-response"), NAME);
    json_owned json_t *changes = function_configuration_changes(with, without);
    owned(memory) char *text = json_text(json_object_get(changes, "ImageConfig"));

    assert_string_equal(text, "{}");
}

static void a_recorded_function_is_known_by_digest_and_state(void **state)
{
    (void)state;
    json_owned json_t *recorded = read_recorded();
    const json_t *function =
        json_object_get(json_object_get(recorded, "image"), "get-function-code-response");

    assert_string_equal(function_deployment_image(function),
                        "<repo_uri>@sha256:<code-sha256:1>");
    assert_false(
        function_state_is_broken(configuration_in(recorded, "image", "create-image-response")));
}

/* So that one can be told from the function as it is now. */
static void a_version_is_what_the_function_was(void **state)
{
    (void)state;
    static const char *const answers[] = {"first_update_get_function", "first_publish_response",
                                          "second_update_get_function",
                                          "second_publish_response"};
    json_owned json_t *recorded = read_recorded();

    for (size_t i = 0; i < COUNT(answers); i += 2) {
        const json_t *function = configuration_in(recorded, "imageVersions", answers[i]);
        const json_t *version = configuration_in(recorded, "imageVersions", answers[i + 1]);
        json_owned json_t *one = function_configuration_read(function, NAME);
        json_owned json_t *other = function_configuration_read(version, NAME);
        json_object_del(one, "Description"); /* the versions were given others */
        json_object_del(other, "Description");
        assert_true(json_equal(one, other));
        assert_true(json_equal(json_object_get(function, "CodeSha256"),
                               json_object_get(version, "CodeSha256")));
        assert_string_equal(json_optional_string(version, "Version"), i == 0 ? "2" : "3");
    }
}

static void variables_stay_unless_told(void **state)
{
    (void)state;
    static const char *const unset[] = {"OLD", "FDL", NULL};
    static const struct {
        struct environment_change change;
        const char *expected;
    } cases[] = {
        {{0}, "{\"FDL\":\"new\",\"KEPT\":\"1\",\"MINE\":\"3\",\"OLD\":\"2\"}"},
        {{.unset = unset}, "{\"FDL\":\"new\",\"KEPT\":\"1\",\"MINE\":\"3\"}"},
        {{.replace = true}, "{\"FDL\":\"new\",\"MINE\":\"3\"}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        json_owned json_t *wanted = json_pack("{s:{s:{s:s, s:s}}}", "Environment", "Variables",
                                              "FDL", "new", "MINE", "3");
        json_owned json_t *present =
            json_pack("{s:{s:{s:s, s:s, s:s}}}", "Environment", "Variables", "FDL", "old",
                      "KEPT", "1", "OLD", "2");
        function_configuration_merge(wanted, present, &cases[i].change);
        owned(memory) char *text =
            json_text(json_object_get(json_object_get(wanted, "Environment"), "Variables"));
        assert_string_equal(text, cases[i].expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_asked_for_is_what_aws_tells),
        cmocka_unit_test(a_definition_that_says_the_same_changes_nothing),
        cmocka_unit_test(members_left_out_are_cleared),
        cmocka_unit_test(a_recorded_function_is_known_by_digest_and_state),
        cmocka_unit_test(a_version_is_what_the_function_was),
        cmocka_unit_test(variables_stay_unless_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
