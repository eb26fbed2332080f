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
    static const char *const added[] = {"var/task/b", "var/task/a", "etc/x", "var-x",
                                        "var\xc3",    "var.d/y",    "var0",  "var/task-x"};
    static const char *const expected[] = {"etc",        "etc/x",      "var",      "var-x",
                                           "var.d",      "var.d/y",    "var/task", "var/task-x",
                                           "var/task/a", "var/task/b", "var0",     "var\xc3"};
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
    owned(memory) char *before = memory_copy_string("");
    for (size_t i = 0; i < MANY + 100; i++) {
        const char *path = tree_entry(tree, i).path;
        assert_true(strcmp(before, path) < 0);
        free(before);
        before = memory_copy_string(path);
    }
}

enum { FILES = 400, PARTS_MOST = 20 };

/* FILES files of 1 to 4 MiB, 1 GB together, in folders of 20, some beside them and so between
 * the folder and what is in it; and one more. */
static struct tree *large_tree(const char *another, uint64_t size)
{
    struct error err;
    struct tree *tree = tree_new();

    for (unsigned int i = 0; i < FILES; i++) {
        char path[40];
        snprintf(path, sizeof path, "top/folder%u%c%u", i / 20, i % 5 == 2 ? '-' : '/', i);
        assert_ok(tree_add_file_as(tree, path, 0644, "/host", (i % 4 + 1) << 20, &err));
    }
    if (another)
        assert_ok(tree_add_file_as(tree, another, 0644, "/host", size, &err));
    return tree;
}

/* What tells a part: its files, in order. Checks that it stands by itself. */
static char *describe_part(struct tree *part, uint64_t *size)
{
    owned(text) struct text files = {0};
    owned(text) struct text folders = {0};

    *size = 0;
    for (size_t i = 0; i < tree_entry_count(part); i++) {
        struct tree_entry entry = tree_entry(part, i);
        const char *slash = strrchr(entry.path, '/');
        if (slash) {
            owned(memory) char *parent =
                text_format("\n%.*s\n", (int)(slash - entry.path), entry.path);
            assert_non_null(strstr(text_string(&folders), parent));
        }
        if (entry.kind == TREE_FOLDER)
            text_addf(&folders, "\n%s\n", entry.path);
        if (entry.kind == TREE_FILE)
            text_addf(&files, "%s\n", entry.path);
        *size += entry.size;
    }
    return memory_copy_string(text_string(&files));
}

static size_t describe_parts(struct tree *tree, char *parts[PARTS_MOST])
{
    size_t count = 0;
    uint64_t size = 0;

    for (;;) {
        owned(tree) struct tree *part = tree_take_part(tree, false);
        if (!part)
            return count;
        if (count > 0)
            assert_true(size >= (uint64_t)TREE_PART_MIB << 20);
        assert_true(count < PARTS_MOST);
        parts[count++] = describe_part(part, &size);
    }
}

static void parts_have_every_file_once_and_their_parents(void **state)
{
    (void)state;
    owned(tree) struct tree *whole = large_tree(NULL, 0);
    owned(tree) struct tree *tree = large_tree(NULL, 0);
    owned(text) struct text files = {0};
    char *parts[PARTS_MOST];
    uint64_t size;
    owned(memory) char *expected = describe_part(whole, &size);
    size_t count = describe_parts(tree, parts);

    assert_in_range(count, 5, 10);
    for (size_t i = 0; i < count; i++) {
        text_addf(&files, "%s", parts[i]);
        free(parts[i]);
    }
    assert_string_equal(text_string(&files), expected);
    assert_null(tree_take_part(tree, true));
}

static void another_file_leaves_most_parts_as_they_are(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        uint64_t size;
    } files[] = {{"a", 5}, {"top/folder10/x", 1 << 20}, {"top/folder7/y", 30 << 20}, {"z", 9}};
    char *before[PARTS_MOST];
    owned(tree) struct tree *old = large_tree(NULL, 0);
    size_t before_count = describe_parts(old, before);

    for (size_t i = 0; i < COUNT(files); i++) {
        char *after[PARTS_MOST];
        owned(tree) struct tree *tree = large_tree(files[i].path, files[i].size);
        size_t count = describe_parts(tree, after);
        size_t changed = 0;
        for (size_t j = 0; j < count; j++) {
            bool found = false;
            for (size_t k = 0; k < before_count; k++)
                found = found || strcmp(after[j], before[k]) == 0;
            changed += !found;
            free(after[j]);
        }
        assert_in_range(changed, 1, 3);
    }
    for (size_t i = 0; i < before_count; i++)
        free(before[i]);
}

static void a_small_tree_and_a_rest_are_one_part(void **state)
{
    (void)state;
    struct error err;
    uint64_t size;
    owned(tree) struct tree *empty = tree_new();
    owned(tree) struct tree *small = tree_new();
    owned(tree) struct tree *large = large_tree(NULL, 0);

    assert_null(tree_take_part(empty, false));
    assert_ok(tree_add_bytes(small, "a/b", TREE_FILE, "", 0, &err));
    owned(tree) struct tree *part = tree_take_part(small, false);
    assert_int_equal(tree_entry_count(part), 2);
    assert_null(tree_take_part(small, false));

    owned(tree) struct tree *rest = tree_take_part(large, true);
    free(describe_part(rest, &size));
    assert_int_equal(size, (uint64_t)FILES / 4 * 10 << 20);
    assert_null(tree_take_part(large, false));
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
        cmocka_unit_test(parts_have_every_file_once_and_their_parents),
        cmocka_unit_test(another_file_leaves_most_parts_as_they_are),
        cmocka_unit_test(a_small_tree_and_a_rest_are_one_part),
    };
    return cmocka_run_group_tests_name("tree", tests, NULL, NULL);
}
