/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's two files: read as the AWS CLI reads them, whatever they look like.
 */
#include <stdlib.h>

#include "lambda/aws/aws_settings.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

static char *get(const char *config, const char *name, const char *key)
{
    owned(memory) char *copy = memory_copy_string(config);
    const struct profile_files files = {.config = copy};

    return profile_get(&(struct profile){&files, name}, key);
}

static void profiles_are_read_like_the_cli_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected; /* NULL: not there */
    } cases[] = {
        {"[profile a]\nkey=v\n", "v"},
        {"[profile a]\r\nkey = v \r\n", "v"},
        {"[profile a]\nKEY=v", "v"},
        {" [ profile \t a ] # note\nkey=v", "v"},
        {"[profile \"a\"]\nkey=v", "v"},
        {"[profile 'a']\nkey=v", "v"},
        {"[profile a]\nkey = v # note\n", "v"},
        {"[profile a]\nkey = v#1;2\n", "v#1;2"},
        {"[profile a]\nkey = a=b==\n", "a=b=="},
        {"[profile a]\n#key = x\n;key = y\nkey=v", "v"},
        {"[profile a]\ns3 =\n  key = nested\nother = 1\n", NULL},
        {"[profile a]\ns3 =\n  key = nested\nkey = 1\n", "1"},
        {"[profile a]\nother=1\n[profile b]\nkey=v\n", NULL},
        {"[profile b]\nkey=1\n[profile a]\nkey=2\n", "2"},
        {"[profile ab]\nkey=1\n", NULL},
        {"[profile a b]\nkey=1\n", NULL},
        {"[profilea]\nkey=1\n", NULL},
        {"[a]\nkey=1\n", NULL},
        {"[profile a\nkey=1\n", NULL},
        {"[profile]\nkey=1\n", NULL},
        {"key=1\n", NULL},
        {"", NULL},
        {"[]\nkey=1", NULL},
        {"[profile a]\nkey\n=\n==\n", NULL},
        {"[profile a]\nkey=", NULL},
        {"[services a]\nkey=1\n", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *found = get(cases[i].text, "a", "key");
        if ((found == NULL) != (cases[i].expected == NULL) ||
            (found && strcmp(found, cases[i].expected) != 0))
            fail_msg("case %zu: '%s'", i, found ? found : "(none)");
    }
}

static void the_default_profile_needs_no_word(void **state)
{
    (void)state;
    owned(memory) char *plain = get("[default]\nkey=1\n", "default", "key");
    owned(memory) char *both =
        get("[default]\nkey=1\n[profile default]\nkey=2\n", "default", "key");

    assert_string_equal(plain, "1");
    assert_string_equal(both, "2");
}

static void the_credentials_file_wins(void **state)
{
    (void)state;
    char credentials[] = "[a]\nkey=1\n";
    char config[] = "[profile a]\nkey=2\nother=3\n";
    const struct profile_files files = {.credentials = credentials, .config = config};
    const struct profile a = {&files, "a"};
    owned(memory) char *either = profile_get(&a, "key");
    owned(memory) char *first = profile_get_from_credentials(&a, "key");
    owned(memory) char *second = profile_get_from_config(&a, "key");
    owned(memory) char *other = profile_get(&a, "other");

    assert_string_equal(either, "1");
    assert_string_equal(first, "1");
    assert_string_equal(second, "2");
    assert_string_equal(other, "3");
    assert_true(profile_exists(&a));
    assert_false(profile_exists(&(struct profile){&files, "b"}));
    assert_null(profile_get_from_credentials(&a, "other"));
}

static void sections_of_other_kinds_have_groups(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *group;
        const char *expected;
    } cases[] = {
        {"[services s]\nlambda =\n  endpoint_url = http://a\n", "lambda", "http://a"},
        {"[services s]\nlambda=\n\tendpoint_url=http://a\n", "lambda", "http://a"},
        {"[services s]\necr =\n  endpoint_url = http://b\nlambda =\n  endpoint_url = "
         "http://a\n",
         "lambda", "http://a"},
        {"[services s]\necr =\n  endpoint_url = http://b\n", "lambda", NULL},
        {"[services s]\nlambda =\nendpoint_url = http://b\n", "lambda", NULL},
        {"[services t]\nlambda =\n  endpoint_url = http://b\n", "lambda", NULL},
        {"[services s]\nlambda =\n[services t]\n  endpoint_url = http://b\n", "lambda", NULL},
        {"[services s]\nendpoint_url = http://a\n", NULL, "http://a"},
        {"[services s]\nlambda =\n  endpoint_url = http://b\n", NULL, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *config = memory_copy_string(cases[i].text);
        const struct profile_files files = {.config = config};
        owned(memory) char *found =
            profile_section_get(&files, "services", "s", cases[i].group, "endpoint_url");
        if ((found == NULL) != (cases[i].expected == NULL) ||
            (found && strcmp(found, cases[i].expected) != 0))
            fail_msg("case %zu: '%s'", i, found ? found : "(none)");
    }
}

static void numbers_and_switches_are_read_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *variable;
        unsigned int number; /* 0: refused */
    } cases[] = {{"N=1", 1},  {"N=100", 100},         {"N=", 7},   {"X=1", 7},
                 {"N=0", 0},  {"N=101", 0},           {"N=-1", 0}, {"N=1x", 0},
                 {"N= 1", 0}, {"N=99999999999999", 0}};
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *const environment[] = {cases[i].variable, NULL};
        const struct aws_settings settings = {.environment = environment};
        unsigned int number = 7;
        bool read = aws_settings_number(&settings, "N", NULL, 100, &number, &err);
        assert_int_equal(read, cases[i].number != 0);
        if (read)
            assert_int_equal(number, cases[i].number);
        else
            assert_non_null(strstr(err.text, "is no number from 1 to 100"));
    }
    const char *const environment[] = {"YES=True", "NO=1", NULL};
    const struct aws_settings settings = {.environment = environment};
    assert_true(aws_settings_is_on(&settings, "YES", NULL));
    assert_false(aws_settings_is_on(&settings, "NO", NULL));
    assert_false(aws_settings_is_on(&settings, "UNSET", "key"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(profiles_are_read_like_the_cli_does),
        cmocka_unit_test(the_default_profile_needs_no_word),
        cmocka_unit_test(the_credentials_file_wins),
        cmocka_unit_test(sections_of_other_kinds_have_groups),
        cmocka_unit_test(numbers_and_switches_are_read_or_refused),
    };
    return cmocka_run_group_tests_name("profile", tests, NULL, NULL);
}
