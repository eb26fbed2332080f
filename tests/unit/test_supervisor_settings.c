/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/settings.h"

#include <stdlib.h>

#include "lambda/supervisor/config.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

static const char *const NOTHING[] = {NULL};

static json_t *parse(const char *text)
{
    struct error err;
    json_t *config = NULL;

    assert_ok(config_parse("config", text, strlen(text), &config, &err));
    return config;
}

static void json_and_yaml_say_the_same(void **state)
{
    (void)state;
    static const struct {
        const char *given, *json;
    } table[] = {
        {"{\"name\": \"f\", \"memory\": 512}", "{\"memory\":512,\"name\":\"f\"}"},
        {"{name: f, memory: 512}", "{\"memory\":512,\"name\":\"f\"}"},
        {"name: f\ncontainer:\n  environment:\n    Variables: {A: on, B: '1'}\n",
         "{\"container\":{\"environment\":{\"Variables\":{\"A\":true,\"B\":\"1\"}}},"
         "\"name\":\"f\"}"},
        {"output:\n- path: b/o\n  suffix: [txt]\n",
         "{\"output\":[{\"path\":\"b/o\",\"suffix\":[\"txt\"]}]}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *config = parse(table[i].given);
        owned(memory) char *text = json_text(config);
        assert_string_equal(text, table[i].json);
    }
}

static void what_is_neither_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *given, *reason;
    } table[] = {
        {"[]", "config: not a mapping"},
        {"", "config: not a mapping"},
        {"words", "config: not a mapping"},
        {"{\"a\": 1", "config: not JSON: line 1"},
        {"a: 1\nb: [\n", "config:3:1: "},
        {"a: &x 1\nb: *x\n", "config:2:4: aliases"},
        {"a: 1\na: 2\n", "config:2:1: 'a' stands here a second time"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_t *config = NULL;
        assert_fails(
            config_parse("config", table[i].given, strlen(table[i].given), &config, &err),
            ERROR_INVALID, table[i].reason);
        assert_null(config);
    }
}

static void what_one_lacks_the_other_gives(void **state)
{
    (void)state;
    static const struct {
        const char *own, *other, *both;
    } table[] = {
        {"{}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":2}", "{\"a\":1,\"b\":1}", "{\"a\":2,\"b\":1}"},
        {"{\"a\":null}", "{\"a\":1}", "{\"a\":1}"},
        {"{\"a\":{\"b\":1}}", "{\"a\":{\"b\":2,\"c\":3}}", "{\"a\":{\"b\":1,\"c\":3}}"},
        {"{\"a\":[1]}", "{\"a\":[2,3]}", "{\"a\":[1]}"},
        {"{\"a\":1}", "{\"a\":{\"b\":2}}", "{\"a\":1}"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *own = parse(table[i].own);
        json_owned json_t *other = parse(table[i].other);
        config_add_missing(own, other);
        owned(memory) char *text = json_text(own);
        assert_string_equal(text, table[i].both);
    }
}

static void an_empty_configuration_has_its_usual_values(void **state)
{
    (void)state;
    json_owned json_t *config = parse("{}");
    owned(settings) struct settings settings = {0};
    struct error err;

    assert_ok(settings_read(config, NOTHING, false, &settings, &err));
    assert_null(settings.init_script);
    assert_null(settings.variables[0]);
    assert_int_equal(settings.log_level, LOG_INFO);
    assert_int_equal(settings.threshold_s, 10);
    assert_false(settings.leaves_objects);
    assert_false(settings.fails_with_script);
}

static void the_environment_has_the_last_word(void **state)
{
    (void)state;
    static const char *const environment[] = {"LOG_LEVEL=error", "TIMEOUT_THRESHOLD=3",
                                              "DOWNLOAD_INPUT=true", NULL};
    json_owned json_t *config = parse("log_level: debug\nfile_stage_in: true\ninit_script: s\n"
                                      "container: {timeout_threshold: 20}\n"
                                      "supervisor: {on_error: fail}\n");
    owned(settings) struct settings written = {0};
    owned(settings) struct settings changed = {0};
    struct error err;

    assert_ok(settings_read(config, NOTHING, false, &written, &err));
    assert_int_equal(written.log_level, LOG_DEBUG);
    assert_int_equal(written.threshold_s, 20);
    assert_true(written.leaves_objects);
    assert_true(written.fails_with_script);
    assert_string_equal(written.init_script, "/var/task/s");
    assert_ok(settings_read(config, environment, false, &changed, &err));
    assert_int_equal(changed.log_level, LOG_ERROR);
    assert_int_equal(changed.threshold_s, 3);
    assert_false(changed.leaves_objects);
}

static void downloads_are_left_out_in_three_ways(void **state)
{
    (void)state;
    static const struct {
        const char *config, *variable;
        bool leaves;
    } table[] = {
        {"{}", "DOWNLOAD_INPUT=", false},
        {"{}", "DOWNLOAD_INPUT=False", true},
        {"{}", "DOWNLOAD_INPUT=0", true},
        {"{\"file_stage_in\": false}", "X=", false},
        {"{\"file_stage_in\": \"true\"}", "X=", true},
        {"{\"download_input\": false}", "X=", true},
        {"{\"download_input\": false}", "DOWNLOAD_INPUT=yes", false},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *config = parse(table[i].config);
        const char *const environment[] = {table[i].variable, NULL};
        owned(settings) struct settings settings = {0};
        assert_ok(settings_read(config, environment, false, &settings, &err));
        assert_int_equal(settings.leaves_objects, table[i].leaves);
    }
}

static void modes_have_their_own_values(void **state)
{
    (void)state;
    static const struct {
        const char *config, *variable;
        enum settings_mode mode;
        int threshold_s, port;
    } table[] = {
        {"{}", "PORT=80", MODE_SCAR, 10, 0},
        {"{supervisor: {mode: scar}}", "PORT=", MODE_SCAR, 10, 0},
        {"{supervisor: {mode: raw}}", "PORT=none", MODE_RAW, 1, 0},
        {"{supervisor: {mode: http}}", "PORT=", MODE_HTTP, 1, 8080},
        {"{supervisor: {mode: http}}", "PORT=5000", MODE_HTTP, 1, 5000},
        {"{supervisor: {mode: http, port: 3000}}", "PORT=5000", MODE_HTTP, 1, 3000},
        {"{supervisor: {mode: raw}, container: {timeout_threshold: 7}}", "X=", MODE_RAW, 7, 0},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *config = parse(table[i].config);
        const char *const environment[] = {table[i].variable, NULL};
        owned(settings) struct settings settings = {0};
        assert_ok(settings_read(config, environment, false, &settings, &err));
        assert_int_equal(settings.mode, table[i].mode);
        assert_int_equal(settings.threshold_s, table[i].threshold_s);
        assert_int_equal(settings.port, table[i].port);
    }
}

static void scripts_of_the_environment_are_for_outside_of_lambda(void **state)
{
    (void)state;
    static const char *const environment[] = {"SCRIPT=ZWNobw==", NULL};
    json_owned json_t *config = parse("{}");
    owned(settings) struct settings inside = {0};
    owned(settings) struct settings outside = {0};
    struct error err;

    assert_ok(settings_read(config, environment, false, &inside, &err));
    assert_null(inside.init_base64);
    assert_ok(settings_read(config, environment, true, &outside, &err));
    assert_string_equal(outside.init_base64, "ZWNobw==");
}

static void wrong_values_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *config, *reason;
    } table[] = {
        {"{\"init_script\": 7}", "'init_script' is not a string"},
        {"{\"container\": []}", "'container' is not an object"},
        {"{\"container\": {\"timeout_threshold\": 901}}",
         "container.timeout_threshold: '901' is not a number of seconds from 0 to 900"},
        {"{\"container\": {\"environment\": {\"Variables\": {\"\": 1}}}}",
         "container: environment.Variables: '' is no name"},
        {"{\"file_stage_in\": \"perhaps\"}", "file_stage_in: 'perhaps'"},
        {"{\"download_input\": {}}", "download_input: '{}'"},
        {"{\"supervisor\": {\"on_error\": \"retry\"}}", "supervisor.on_error: 'retry'"},
        {"{\"supervisor\": 1}", "'supervisor' is not an object"},
        {"{\"supervisor\": {\"mode\": \"lambda\"}}", "supervisor.mode: 'lambda' is neither"},
        {"{\"supervisor\": {\"mode\": \"none\"}}", "supervisor.mode: none, and yet"},
        {"{\"supervisor\": {\"mode\": \"http\", \"port\": \"web\"}}",
         "supervisor.port: 'web' is not a number from 1 to 65535"},
    };
    struct error err;

    for (size_t i = 0; i < COUNT(table); i++) {
        json_owned json_t *config = parse(table[i].config);
        struct settings settings = {0};
        assert_fails(settings_read(config, NOTHING, false, &settings, &err), ERROR_INVALID,
                     table[i].reason);
        assert_null(settings.variables);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_and_yaml_say_the_same),
        cmocka_unit_test(what_is_neither_is_refused_with_its_place),
        cmocka_unit_test(what_one_lacks_the_other_gives),
        cmocka_unit_test(an_empty_configuration_has_its_usual_values),
        cmocka_unit_test(the_environment_has_the_last_word),
        cmocka_unit_test(downloads_are_left_out_in_three_ways),
        cmocka_unit_test(modes_have_their_own_values),
        cmocka_unit_test(scripts_of_the_environment_are_for_outside_of_lambda),
        cmocka_unit_test(wrong_values_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
