/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which files a program has left behind: found wherever they lie, in one order.
 */
#include "lambda/supervisor/file_list.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static void make(const char *folder, const char *name)
{
    struct error err;
    owned(memory) char *path = text_format("%s/%s", folder, name);

    assert_ok(file_write(path, 0600, "x", 1, &err));
}

static void make_folder(const char *folder, const char *name)
{
    owned(memory) char *path = text_format("%s/%s", folder, name);

    assert_int_equal(mkdir(path, 0700), 0);
}

static void link_to(const char *folder, const char *name, const char *target)
{
    owned(memory) char *path = text_format("%s/%s", folder, name);

    assert_int_equal(symlink(target, path), 0);
}

static void files_are_found_and_sorted_wherever_they_lie(void **state)
{
    (void)state;
    static const char *const expected[] = {".hidden", "a-b", "a/b/c", "a/z", "link"};
    struct error err;
    char *folder = temp_folder();
    owned(file_list) struct file_list list = {0};

    make_folder(folder, "a");
    make_folder(folder, "a/b");
    make_folder(folder, "empty");
    make(folder, "a/z");
    make(folder, "a/b/c");
    make(folder, "a-b");
    make(folder, ".hidden");
    link_to(folder, "link", "a/z");
    link_to(folder, "folder-link", "a");
    link_to(folder, "dangling", "nowhere");
    link_to(folder, "itself", "itself");

    assert_ok(file_list_read(folder, LOG_CRITICAL, &list, &err));
    assert_int_equal(list.count, COUNT(expected));
    for (size_t i = 0; i < list.count; i++)
        assert_string_equal(list.paths[i], expected[i]);
    temp_folder_remove(folder);
}

static void an_empty_folder_has_none(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(file_list) struct file_list list = {0};

    assert_ok(file_list_read(folder, LOG_CRITICAL, &list, &err));
    assert_int_equal(list.count, 0);
    temp_folder_remove(folder);
    assert_fails(file_list_read("/nowhere", LOG_CRITICAL, &list, &err), ERROR_SYSTEM,
                 "/nowhere");
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *path = memory_copy_string("d");
    owned(file_list) struct file_list list = {0};

    for (int depth = 0; depth <= FILE_LIST_DEPTH_LIMIT; depth++) {
        make_folder(folder, path);
        char *deeper = text_format("%s/d", path);
        free(path);
        path = deeper;
    }
    assert_fails(file_list_read(folder, LOG_CRITICAL, &list, &err), ERROR_LIMIT,
                 "folders nest deeper than 100");
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_found_and_sorted_wherever_they_lie),
        cmocka_unit_test(an_empty_folder_has_none),
        cmocka_unit_test(depth_has_a_limit),
    };
    return cmocka_run_group_tests_name("file_list", tests, NULL, NULL);
}
