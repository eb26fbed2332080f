/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/environment.h"

#include "tests/support/unit.h"

static void a_variable_is_found_by_its_whole_name(void **state)
{
    (void)state;
    static const char *const environment[] = {
        "HOMELAND=far", "HOME=/home/me", "EMPTY=", "PAIR=a=b", "BARE", "HOME=/twice", NULL,
    };
    static const struct {
        const char *name, *value;
    } table[] = {
        {"HOME", "/home/me"}, {"HOMELAND", "far"}, {"PAIR", "a=b"}, {"EMPTY", NULL},
        {"BARE", NULL},       {"HOM", NULL},       {"home", NULL},  {"MISSING", NULL},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const char *value = environment_get(environment, table[i].name);
        if (table[i].value)
            assert_string_equal(value, table[i].value);
        else
            assert_null(value);
    }
}

static void nothing_is_found_in_an_empty_environment(void **state)
{
    (void)state;

    assert_null(environment_get((const char *const[]){NULL}, "HOME"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_variable_is_found_by_its_whole_name),
        cmocka_unit_test(nothing_is_found_in_an_empty_environment),
    };
    return cmocka_run_group_tests_name("environment", tests, NULL, NULL);
}
