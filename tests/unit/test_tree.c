/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees: whatever the order of adding, one order comes out, parents first, and
 * no path leaves the root.
 */
#include "layers/tree.h"

#include <stdlib.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static void entries_come_out_sorted_with_their_parents(void **state)
{
    (void)state;
    static const char *const added[] = {"var/task/b", "var/task/a", "etc/x", "var-x"};
    static const char *const expected[] = {"etc",      "etc/x",      "var",       "var-x",
                                           "var/task", "var/task/a", "var/task/b"};
    struct error err;
    owned(tree) struct tree *tree = tree_new();

    for (size_t i = 0; i < COUNT(added); i++)
        assert_ok(tree_add_bytes(tree, added[i], TREE_FILE, "x", 1, &err));
    assert_int_equal(tree_entry_count(tree), COUNT(expected));
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(tree_entry(tree, i).path, expected[i]);
    assert_int_equal(tree_entry(tree, 0).kind, TREE_FOLDER);
    assert_int_equal(tree_entry(tree, 1).kind, TREE_FILE);
}

static void no_path_leaves_the_root(void **state)
{
    (void)state;
    static const char *const cases[] = {"",    "/",     "/etc", "..", "a/../b", "a/..",
                                        "./a", "a/./b", "a//b", "a/", ".",      "../a"};
    struct error err;
    owned(tree) struct tree *tree = tree_new();

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_fails(tree_add_bytes(tree, cases[i], TREE_FILE, "x", 1, &err), ERROR_INVALID,
                     "is no path inside an image");
    assert_int_equal(tree_entry_count(tree), 0);
}

static void a_place_is_taken_once(void **state)
{
    (void)state;
    struct error err;
    owned(tree) struct tree *tree = tree_new();

    assert_ok(tree_add_bytes(tree, "a/b", TREE_FILE, "x", 1, &err));
    assert_fails(tree_add_bytes(tree, "a/b", TREE_FILE, "x", 1, &err), ERROR_INVALID, "twice");
    assert_fails(tree_add_bytes(tree, "a", TREE_FILE, "x", 1, &err), ERROR_INVALID, "twice");
    assert_fails(tree_add_bytes(tree, "a/b/c", TREE_FILE, "x", 1, &err), ERROR_INVALID,
                 "runs through the file 'a/b'");
}

static void host_files_are_read_at_once(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *path = text_format("%s/file", folder);
    owned(tree) struct tree *tree = tree_new();

    assert_fails(tree_add_file(tree, "x", TREE_FILE, path, &err), ERROR_NOT_FOUND, path);
    assert_ok(file_write(path, 0600, "before", 6, &err));
    assert_ok(tree_add_file(tree, "x", TREE_PROGRAM, path, &err));
    assert_ok(file_write(path, 0600, "after", 5, &err));
    assert_int_equal(tree_entry(tree, 0).count, 6);
    assert_memory_equal(tree_entry(tree, 0).bytes, "before", 6);
    assert_fails(tree_add_file(tree, "y", TREE_FILE, folder, &err), ERROR_INVALID,
                 "not a regular file");
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_out_sorted_with_their_parents),
        cmocka_unit_test(no_path_leaves_the_root),
        cmocka_unit_test(a_place_is_taken_once),
        cmocka_unit_test(host_files_are_read_at_once),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
