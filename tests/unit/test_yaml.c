/* SPDX-License-Identifier: Apache-2.0 */
/*
 * YAML: plain scalars mean what PyYAML takes them for, everything knows where
 * it stood, and what is refused is refused with line and column.
 */
#include "oci/base/yaml.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static bool parse(const char *text, struct yaml_node *root, struct error *err)
{
    return yaml_parse("f.yaml", text, strlen(text), root, err);
}

static void a_document_becomes_the_same_json(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *json;
    } cases[] = {
        {"", "null"},
        {"# nothing but a comment\n", "null"},
        {"a: 1", "{\"a\":1}"},
        {"a: {b: [1, two, 3.5]}", "{\"a\":{\"b\":[1,\"two\",3.5]}}"},
        {"list:\n- a\n- b\nmore: c\n", "{\"list\":[\"a\",\"b\"],\"more\":\"c\"}"},
        {"a:   \n  b: c   \n", "{\"a\":{\"b\":\"c\"}}"},
        {"- x\n  y\n", "[\"x y\"]"},
        {"threshold\": 10", "{\"threshold\\\"\":10}"},
        {"a: |\n  two\n  lines\n", "{\"a\":\"two\\nlines\\n\"}"},
        {"---\na: b\n...\n", "{\"a\":\"b\"}"},
        {"a: !!str 45", "{\"a\":\"45\"}"},
        {"a: &name value", "{\"a\":\"value\"}"},
        {"7: seven", "{\"7\":\"seven\"}"},
        {"\xef\xbb\xbf"
         "a: b",
         "{\"a\":\"b\"}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(yaml) struct yaml_node root = {0};
        assert_ok(parse(cases[i].yaml, &root, &err));
        json_owned json_t *json = yaml_to_json(&root);
        owned(memory) char *text = json_text(json);
        assert_string_equal(text, cases[i].json);
    }
}

/* PyYAML 6.0 was asked, except about what it has and JSON has not. */
static void scalars_mean_what_pyyaml_takes_them_for(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum yaml_kind kind;
        double value;
    } cases[] = {
        {"~", YAML_NULL, 0},
        {"Null", YAML_NULL, 0},
        {"nULL", YAML_STRING, 0},
        {"yes", YAML_BOOLEAN, 1},
        {"Off", YAML_BOOLEAN, 0},
        {"TRUE", YAML_BOOLEAN, 1},
        {"tRUE", YAML_STRING, 0},
        {"y", YAML_STRING, 0},
        {"0", YAML_INTEGER, 0},
        {"-0", YAML_INTEGER, 0},
        {"45", YAML_INTEGER, 45},
        {"+45", YAML_INTEGER, 45},
        {"1_000", YAML_INTEGER, 1000},
        {"010", YAML_INTEGER, 8},
        {"-010", YAML_INTEGER, -8},
        {"0x1F", YAML_INTEGER, 31},
        {"-0b101", YAML_INTEGER, -5},
        {"0o17", YAML_STRING, 0},
        {"09", YAML_STRING, 0},
        {"1:30", YAML_INTEGER, 90},
        {"-1:30:00", YAML_INTEGER, -5400},
        {"1:60", YAML_STRING, 0},
        {"9223372036854775807", YAML_INTEGER, 9223372036854775807.0},
        {"9223372036854775808", YAML_STRING, 0},
        {"1.5", YAML_REAL, 1.5},
        {"1.", YAML_REAL, 1},
        {"-.5", YAML_STRING, 0},
        {".5", YAML_REAL, 0.5},
        {"1.5e+3", YAML_REAL, 1500},
        {"1.5e3", YAML_STRING, 0},
        {"1e3", YAML_STRING, 0},
        {".inf", YAML_STRING, 0},
        {"2001-01-01", YAML_STRING, 0},
        {"1.2.3", YAML_STRING, 0},
        {"'45'", YAML_STRING, 0},
        {"\"yes\"", YAML_STRING, 0},
        {"''", YAML_STRING, 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(yaml) struct yaml_node root = {0};
        assert_ok(parse(cases[i].text, &root, &err));
        if (root.kind != cases[i].kind)
            fail_msg("%s: kind %d", cases[i].text, (int)root.kind);
        double value = root.kind == YAML_INTEGER ? (double)root.integer
                       : root.kind == YAML_REAL  ? root.real
                                                 : root.truth;
        if (value != cases[i].value)
            fail_msg("%s: %f", cases[i].text, value);
    }
}

static void what_was_written_is_kept_beside_its_meaning(void **state)
{
    (void)state;
    struct error err;
    owned(yaml) struct yaml_node root = {0};

    assert_ok(parse("a: 0.10\nb: '0.10'\n", &root, &err));
    assert_string_equal(root.items[0].text, "0.10");
    assert_false(root.items[0].is_quoted);
    assert_string_equal(root.items[1].text, "0.10");
    assert_true(root.items[1].is_quoted);
}

static void everything_knows_where_it_stood(void **state)
{
    (void)state;
    struct error err;
    owned(yaml) struct yaml_node root = {0};

    assert_ok(parse("# first\nouter:\n  inner:   value\n", &root, &err));
    const struct yaml_node *inner = yaml_find(yaml_find(&root, "outer"), "inner");
    assert_non_null(inner);
    assert_int_equal(inner->key_line, 3);
    assert_int_equal(inner->key_column, 3);
    assert_int_equal(inner->line, 3);
    assert_int_equal(inner->column, 12);
}

static void looking_for_what_is_not_there_finds_nothing(void **state)
{
    (void)state;
    struct error err;
    owned(yaml) struct yaml_node root = {0};

    assert_ok(parse("a:\nb: [c]\n", &root, &err));
    assert_null(yaml_find(&root, "a")); /* null says nothing */
    assert_null(yaml_find(&root, "x"));
    assert_null(yaml_find(yaml_find(&root, "b"), "c"));
    assert_null(yaml_find(NULL, "a"));
}

static void bad_documents_are_refused_where_they_are_bad(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *reason;
    } cases[] = {
        {"a: b: c", "f.yaml:1:5: mapping values are not allowed"},
        {"a: [1, 2\nb: 3\n", "f.yaml:2:2: "},
        {"a:\n  b: 1\n c: 2\n", "that begins in line 1"},
        {"\ta: 1", "f.yaml:1:1: a tab, where YAML is indented by spaces"},
        {"a:\n  b:\n  \tc: 1\n", "f.yaml:3:3: a tab, where"},
        {"a: 'open", "f.yaml:1:9: "},
        {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: 'a' stands here a second time, after line 1"},
        {"a: &x 1\nb: *x\n", "f.yaml:2:4: aliases"},
        {"a: !!int '3'", "f.yaml:1:4: tags are not understood"},
        {"a: !mine [b]", "f.yaml:1:4: tags are not understood"},
        {"{[a]: b}", "f.yaml:1:2: a key must be a plain word"},
        {"a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document begins here"},
        {"a: \"\\0\"", "f.yaml:1:4: text with a NUL in it"},
        {"a: b\nc: \xff\n", "f.yaml:2:4: not text: "},
        {"a: \x01", "f.yaml:1:4: not text: "},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct yaml_node root;
        assert_fails(parse(cases[i].yaml, &root, &err), ERROR_USAGE, cases[i].reason);
    }
}

static void a_file_has_limits(void **state)
{
    (void)state;
    struct error err;
    struct yaml_node root;
    owned(text) struct text deep = {0}, wide = {0};

    for (int i = 0; i < YAML_DEPTH_LIMIT; i++)
        text_add(&deep, "[");
    assert_fails(parse(text_string(&deep), &root, &err), ERROR_USAGE, "did not find");
    text_add(&deep, "[");
    assert_fails(parse(text_string(&deep), &root, &err), ERROR_USAGE, "nested too deeply");

    for (int i = 0; i < YAML_NODES_LIMIT; i++)
        text_add(&wide, "- x\n");
    assert_fails(parse(text_string(&wide), &root, &err), ERROR_USAGE, "too many values");

    owned(memory) char *large = memory_new(YAML_FILE_LIMIT + 1, 1);
    assert_fails(yaml_parse("f.yaml", large, YAML_FILE_LIMIT + 1, &root, &err), ERROR_LIMIT,
                 "f.yaml: larger than 1048576 bytes");
}

/* Every prefix and every one-byte change of a file either parses or says where it does not. */
static void damaged_files_never_do_worse_than_be_refused(void **state)
{
    (void)state;
    static const char whole[] = "functions:\n  aws:\n  - lambda: {name: 'a', memory: 1_0}\n"
                                "    iam: [\"x\\n\", &y z, 0x1f, ~, |-\n     text]\n";
    static const char changes[] = "\n :-{}[]'\"&*!|>%@\x01\xff#,?";
    char text[sizeof whole];

    for (size_t at = 0; at < sizeof whole - 1; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            struct error err = {0};
            owned(yaml) struct yaml_node root = {0};
            memcpy(text, whole, sizeof whole);
            text[at] = changes[i]; /* the last one ends the text */
            if (!parse(text, &root, &err))
                assert_int_equal(strncmp(err.text, "f.yaml:", 7), 0);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_the_same_json),
        cmocka_unit_test(scalars_mean_what_pyyaml_takes_them_for),
        cmocka_unit_test(what_was_written_is_kept_beside_its_meaning),
        cmocka_unit_test(everything_knows_where_it_stood),
        cmocka_unit_test(looking_for_what_is_not_there_finds_nothing),
        cmocka_unit_test(bad_documents_are_refused_where_they_are_bad),
        cmocka_unit_test(a_file_has_limits),
        cmocka_unit_test(damaged_files_never_do_worse_than_be_refused),
    };
    return cmocka_run_group_tests_name("yaml", tests, NULL, NULL);
}
