/* SPDX-License-Identifier: Apache-2.0 */
/* A folder that somebody runs in is not taken away, and nobody begins in one that is. */
#include "lambda/local/root_lock.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lambda/local/functions.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

struct fixture {
    char *folder;
    int sweeping; /* functions_lock() */
};

static int set_up(void **state)
{
    struct error err;
    struct fixture *fixture = memory_new(1, sizeof *fixture);

    fixture->folder = temp_folder();
    assert_ok(functions_lock(fixture->folder, &progress_none, &fixture->sweeping, &err));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    close(fixture->sweeping);
    temp_folder_remove(fixture->folder);
    free(fixture);
    return 0;
}

/* A new string. */
static char *make_root(const struct fixture *fixture, const char *name)
{
    char *path = text_format("%s/roots/%s", fixture->folder, name);

    assert_int_equal(mkdir(path, 0755), 0);
    return path;
}

static void what_somebody_runs_in_stays_until_the_last_has_left(void **state)
{
    const struct fixture *fixture = *state;
    static const char *const names[] = {"chain-0123", ".run-0123"};

    for (size_t i = 0; i < COUNT(names); i++) {
        struct error err;
        owned(memory) char *path = make_root(fixture, names[i]);
        int locks[2];
        assert_true(root_lock_share(path, &locks[0]));
        assert_true(root_lock_share(path, &locks[1]));
        for (size_t left = 0; left < COUNT(locks); left++) {
            assert_ok(functions_sweep(fixture->folder, &err));
            assert_true(file_exists(path));
            close(locks[left]);
        }
        assert_ok(functions_sweep(fixture->folder, &err));
        assert_false(file_exists(path));
    }
}

static void nobody_begins_in_what_is_taken_away(void **state)
{
    owned(memory) char *path = make_root(*state, "chain-0123");
    int taken, lock;

    assert_true(root_lock_take(path, &taken));
    assert_false(root_lock_share(path, &lock));
    assert_false(root_lock_take(path, &lock));
    close(taken);
    assert_true(root_lock_share(path, &lock));
    assert_false(root_lock_take(path, &taken));
    close(lock);
}

static void what_is_not_there_is_nobodys(void **state)
{
    const struct fixture *fixture = *state;
    owned(memory) char *path = text_format("%s/roots/chain-0123", fixture->folder);
    int lock;

    assert_false(root_lock_share(path, &lock));
    assert_true(root_lock_take(path, &lock));
    assert_int_equal(lock, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_somebody_runs_in_stays_until_the_last_has_left),
        TEST(nobody_begins_in_what_is_taken_away),
        TEST(what_is_not_there_is_nobodys),
    };
    return cmocka_run_group_tests_name("root_lock", tests, NULL, NULL);
}
