/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ids that /etc/subuid sets apart for a user.
 */
#include "lambda/local/sandbox_ids.h"

#include "tests/support/unit.h"

static void the_first_id_of_the_user_is_found(void **state)
{
    (void)state;
    static const struct {
        const char *text, *name;
        uint32_t id; /* 0: none */
    } cases[] = {
        {"ann:100000:65536\n", "ann", 100000},
        {"ben:100000:65536\nann:165536:65536\n", "ann", 165536},
        {"ann:1:1", "ann", 1},
        {"1000:300000:10\n", "ann", 300000},
        {"1000:300000:10\n", NULL, 300000},
        {"ann:0:10\nann:500:10\n", "ann", 500}, /* never root */
        {"ann:500:0\n", "ann", 0},
        {"ann:4294967295:1\n", "ann", 0}, /* means none */
        {"ann:99999999999:1\n", "ann", 0},
        {"ann:many:1\n", "ann", 0},
        {"ann:\n:5:5\nann\n", "ann", 0},
        {"anna:5:5\nan:6:6\n", "ann", 0},
        {":5:5\n", "", 0},
        {"", "ann", 0},
        {"\n\n", "ann", 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        uint32_t id = 0;
        bool found = subordinate_id_find(cases[i].text, cases[i].name, 1000, &id);
        if (found != (cases[i].id != 0) || id != cases[i].id)
            fail_msg("case %zu: %u", i, id);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_first_id_of_the_user_is_found)};
    return cmocka_run_group_tests_name("sandbox_ids", tests, NULL, NULL);
}
