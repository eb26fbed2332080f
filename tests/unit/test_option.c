/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Options: every spelling people type reaches the same field, and a wrong one is
 * answered with the word that was wrong.
 */
#include "cli/option.h"

#include <stdlib.h>

#include "tests/support/unit.h"

struct values {
    const char *file;
    const char *role;
    const char *runtime;
    bool quiet;
    int memory;
    struct option_list list;
};

struct globals {
    bool json;
};

static const struct option options[] = {
    OPTION_TEXT(struct values, file, "f", "file", "FILE", "the definition"),
    OPTION_TEXT(struct values, role, "r", "role", "ARN", "the role"),
    OPTION_TEXT(struct values, runtime, "rt", "runtime", "NAME", "the runtime"),
    OPTION_FLAG(struct values, quiet, "q", "quiet", "say nothing"),
    OPTION_NUMBER(struct values, memory, "m", "memory", "MIB", "the memory"),
    OPTION_LIST(struct values, list, "e", "environment", "VAR=VALUE", "a variable"),
    OPTION_REFUSED("g", "enable-gpu", "there is none"),
    OPTION_END,
};

static const struct option global_options[] = {
    OPTION_FLAG(struct globals, json, "j", "json", "print JSON"),
    OPTION_END,
};

#define WORDS(...) ((const char *[]){__VA_ARGS__, NULL})

static int length(const char **words)
{
    int count = 0;
    while (words[count])
        count++;
    return count;
}

static bool parse(const char **words, bool stop, struct values *values, struct globals *globals,
                  int *count, struct error *err)
{
    const struct option_set sets[] = {
        {options, values}, {global_options, globals}, {NULL, NULL}};

    return option_parse(sets, stop, length(words), words, count, err);
}

static void every_spelling_reaches_the_field(void **state)
{
    (void)state;
    const char **spellings[] = {
        WORDS("-f", "a.yaml"),        WORDS("-fa.yaml"),       WORDS("--file", "a.yaml"),
        WORDS("--file=a.yaml"),       WORDS("--fi", "a.yaml"), WORDS("--f=a.yaml"),
        WORDS("-f", "b", "-fa.yaml"),
    };

    for (size_t i = 0; i < COUNT(spellings); i++) {
        struct error err;
        struct values values = {0};
        struct globals globals = {0};
        int count;
        assert_ok(parse(spellings[i], false, &values, &globals, &count, &err));
        assert_string_equal(values.file, "a.yaml");
        assert_false(values.quiet);
        assert_int_equal(count, 0);
    }
}

static void refused_options_say_what_to_do_and_are_in_nobodys_way(void **state)
{
    (void)state;
    const char **refused[] = {WORDS("-g"), WORDS("--enable-gpu"), WORDS("--enable-gpu=1")};
    struct values values = {0};
    struct globals globals = {0};
    struct error err;
    int count;

    for (size_t i = 0; i < COUNT(refused); i++)
        assert_fails(parse(refused[i], false, &values, &globals, &count, &err), ERROR_USAGE,
                     "--enable-gpu: there is none");
    assert_ok(parse(WORDS("--en", "A=1"), false, &values, &globals, &count, &err));
    assert_string_equal(values.list.values[0], "A=1");
    option_release(options, &values);
}

static void two_letters_win_over_one_and_its_value(void **state)
{
    (void)state;
    struct error err;
    struct values values = {0};
    struct globals globals = {0};
    int count;

    assert_ok(
        parse(WORDS("-rt", "image", "-rarn", "-j"), false, &values, &globals, &count, &err));
    assert_string_equal(values.runtime, "image");
    assert_string_equal(values.role, "arn");
    assert_true(globals.json);
}

static void a_list_keeps_every_value(void **state)
{
    (void)state;
    struct error err;
    struct values values = {0};
    struct globals globals = {0};
    int count;

    assert_ok(
        parse(WORDS("-e", "A=b=c", "--environment=D"), false, &values, &globals, &count, &err));
    assert_int_equal(values.list.count, 2);
    assert_string_equal(values.list.values[0], "A=b=c");
    assert_string_equal(values.list.values[1], "D");
    assert_null(values.list.values[2]);
    option_release(options, &values);
}

static void a_wrong_word_is_named(void **state)
{
    (void)state;
    static const char *const reasons[] = {
        "unknown option '-x'",
        "unknown option '--nothing'",
        "--file needs FILE",
        "--quiet takes no value",
        "'--r' is the beginning of several",
        "--memory: 'lots' is not",
        "--memory: '0' is not",
        "unknown option '-qx'",
        "--memory: '12x' is not",
        "--memory: '99999999999' is not",
    };
    const char **lines[] = {
        WORDS("-x"),        WORDS("--nothing"),         WORDS("-f"),  WORDS("--quiet=yes"),
        WORDS("--r", "x"),  WORDS("-m", "lots"),        WORDS("-m0"), WORDS("-qx"),
        WORDS("-m", "12x"), WORDS("-m", "99999999999"),
    };

    for (size_t i = 0; i < COUNT(lines); i++) {
        struct error err;
        struct values values = {0};
        struct globals globals = {0};
        int count;
        assert_fails(parse(lines[i], false, &values, &globals, &count, &err), ERROR_USAGE,
                     reasons[i]);
    }
}

static void what_is_not_an_option_is_kept_in_order(void **state)
{
    (void)state;
    struct error err;
    struct values values = {0};
    struct globals globals = {0};
    const char **words = WORDS("one", "-f", "a.yaml", "-", "--", "-q");
    int count;

    assert_ok(parse(words, false, &values, &globals, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(words[0], "one");
    assert_string_equal(words[1], "-");
    assert_string_equal(words[2], "-q");
    assert_false(values.quiet);
}

static void a_command_keeps_its_own_options(void **state)
{
    (void)state;
    struct error err;
    struct values values = {0};
    struct globals globals = {0};
    const char **words = WORDS("-f", "x", "df", "-h", "-q");
    int count;

    assert_ok(parse(words, true, &values, &globals, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(words[0], "df");
    assert_string_equal(words[1], "-h");
    assert_string_equal(words[2], "-q");
    assert_false(values.quiet);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_spelling_reaches_the_field),
        cmocka_unit_test(refused_options_say_what_to_do_and_are_in_nobodys_way),
        cmocka_unit_test(two_letters_win_over_one_and_its_value),
        cmocka_unit_test(a_list_keeps_every_value),
        cmocka_unit_test(a_wrong_word_is_named),
        cmocka_unit_test(what_is_not_an_option_is_kept_in_order),
        cmocka_unit_test(a_command_keeps_its_own_options),
    };
    return cmocka_run_group_tests_name("option", tests, NULL, NULL);
}
