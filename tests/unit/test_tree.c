/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees: whatever the order of adding, one order comes out, parents first, and
 * no path leaves the root.
 */
#include "layers/tree.h"

#include <stdio.h>
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

static void links_and_folders_have_their_place(void **state)
{
    (void)state;
    struct error err;
    struct tree_entry entry;
    owned(tree) struct tree *tree = tree_new();

    assert_ok(tree_add_link(tree, "usr/bin/sh", "../../bin/dash", &err));
    assert_ok(tree_add_folder(tree, "usr/bin", &err));
    assert_ok(tree_add_folder(tree, "srv/empty", &err));
    assert_fails(tree_add_folder(tree, "usr/bin/sh", &err), ERROR_INVALID, "twice");
    assert_fails(tree_add_bytes(tree, "usr/bin/sh/x", TREE_FILE, "", 0, &err), ERROR_INVALID,
                 "runs through the link 'usr/bin/sh'");
    assert_true(tree_find(tree, "usr/bin/sh", &entry));
    assert_int_equal(entry.kind, TREE_LINK);
    assert_string_equal(entry.target, "../../bin/dash");
    assert_true(tree_find(tree, "srv/empty", &entry));
    assert_int_equal(entry.kind, TREE_FOLDER);
    assert_false(tree_find(tree, "usr/sbin", &entry));
    assert_int_equal(tree_entry_count(tree), 5);
}

/* Reads the content of the tree's only file. */
static bool read_content(struct tree *tree, char **bytes, size_t *count, struct error *err)
{
    owned(source) struct source *source = NULL;
    const struct tree_entry entry = tree_entry(tree, 0);
    owned(sink) struct sink *sink = memory_sink(100, bytes, count);

    return tree_entry_open(&entry, &source, err) && stream_copy(source, sink, err) &&
           sink_finish(take(&sink), err);
}

static void host_files_are_read_when_they_are_written(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *path = text_format("%s/file", folder);
    owned(memory) char *bytes = NULL;
    size_t count;
    owned(tree) struct tree *tree = tree_new();

    assert_fails(tree_add_file(tree, "x", TREE_FILE, path, &err), ERROR_NOT_FOUND, path);
    assert_fails(tree_add_file(tree, "y", TREE_FILE, folder, &err), ERROR_INVALID,
                 "not a regular file");
    assert_ok(file_write(path, 0600, "before", 6, &err));
    assert_ok(tree_add_file(tree, "x", TREE_PROGRAM, path, &err));
    assert_int_equal(tree_entry(tree, 0).size, 6);
    assert_int_equal(tree_entry(tree, 0).mode, 0755);
    assert_ok(file_write(path, 0600, "during", 6, &err));
    assert_ok(read_content(tree, &bytes, &count, &err));
    assert_int_equal(count, 6);
    assert_memory_equal(bytes, "during", 6);
    temp_folder_remove(folder);
}

static void a_file_that_changes_its_size_meanwhile_is_an_error(void **state)
{
    (void)state;
    static const char *const after[] = {"", "short", "longer than before"};
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *path = text_format("%s/file", folder);
    owned(memory) char *bytes = NULL;
    size_t count;
    owned(tree) struct tree *tree = tree_new();

    assert_ok(file_write(path, 0600, "before", 6, &err));
    assert_ok(tree_add_file(tree, "x", TREE_FILE, path, &err));
    for (size_t i = 0; i < COUNT(after); i++) {
        assert_ok(file_write(path, 0600, after[i], strlen(after[i]), &err));
        assert_fails(read_content(tree, &bytes, &count, &err), ERROR_CONFLICT,
                     "has changed while it was read");
    }
    temp_folder_remove(folder);
    assert_fails(read_content(tree, &bytes, &count, &err), ERROR_NOT_FOUND, "/file'");
}

static void many_entries_come_out_sorted(void **state)
{
    (void)state;
    enum { MANY = 30000 };
    struct error err;
    owned(tree) struct tree *tree = tree_new();

    for (unsigned int i = 0; i < MANY; i++) {
        char path[40];
        unsigned int shuffled = i * 7919 % MANY;
        snprintf(path, sizeof path, "folder%u/%u", shuffled % 100, shuffled);
        assert_ok(tree_add_bytes(tree, path, TREE_FILE, "", 0, &err));
    }
    assert_int_equal(tree_entry_count(tree), MANY + 100);
    for (size_t i = 1; i < MANY + 100; i++)
        assert_true(strcmp(tree_entry(tree, i - 1).path, tree_entry(tree, i).path) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_come_out_sorted_with_their_parents),
        cmocka_unit_test(no_path_leaves_the_root),
        cmocka_unit_test(a_place_is_taken_once),
        cmocka_unit_test(links_and_folders_have_their_place),
        cmocka_unit_test(host_files_are_read_when_they_are_written),
        cmocka_unit_test(a_file_that_changes_its_size_meanwhile_is_an_error),
        cmocka_unit_test(many_entries_come_out_sorted),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
