/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree of links has the same files and folders of its own.
 */
#include "lambda/local/link_tree.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static struct stat look(const char *folder, const char *name)
{
    struct stat status;
    owned(memory) char *path = text_format("%s/%s", folder, name);

    assert_int_equal(lstat(path, &status), 0);
    return status;
}

static void files_are_shared_and_folders_are_not(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *from = text_format("%s/from", folder);
    owned(memory) char *to = text_format("%s/to", folder);
    owned(memory) char *deep = text_format("%s/a/b", from);
    owned(memory) char *file = text_format("%s/file", deep);
    owned(memory) char *link = text_format("%s/link", from);
    assert_ok(folder_make(deep, &err));
    assert_ok(folder_make(to, &err));
    assert_ok(file_write(file, 0640, "x", 1, &err));
    assert_int_equal(symlink("../nowhere", link), 0);
    assert_int_equal(chmod(deep, 01777), 0);

    assert_ok(link_tree(from, to, 07777, &err));
    assert_int_equal(look(from, "a/b/file").st_ino, look(to, "a/b/file").st_ino);
    assert_int_not_equal(look(from, "a").st_ino, look(to, "a").st_ino);
    assert_int_equal(look(to, "a/b").st_mode, S_IFDIR | 01777);
    assert_true(S_ISLNK(look(to, "link").st_mode));

    owned(memory) char *masked = text_format("%s/masked", folder);
    assert_ok(folder_make(masked, &err));
    assert_ok(link_tree(from, masked, 0755, &err));
    assert_int_equal(look(masked, "a/b").st_mode, S_IFDIR | 0755);

    /* What one removes the other one keeps. */
    assert_ok(folder_remove(to, &err));
    assert_int_equal(look(from, "a/b/file").st_size, 1);
    temp_folder_remove(folder);
}

static void what_is_in_the_way_is_an_error(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *from = text_format("%s/from", folder);
    owned(memory) char *to = text_format("%s/to", folder);
    owned(memory) char *one = text_format("%s/file", from);
    owned(memory) char *other = text_format("%s/file", to);
    assert_ok(folder_make(from, &err));
    assert_fails(link_tree(from, to, 07777, &err), ERROR_SYSTEM, "link");

    assert_ok(folder_make(to, &err));
    assert_ok(file_write(one, 0644, "x", 1, &err));
    assert_ok(file_write(other, 0644, "y", 1, &err));
    assert_fails(link_tree(from, to, 07777, &err), ERROR_SYSTEM, "File exists");
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_shared_and_folders_are_not),
        cmocka_unit_test(what_is_in_the_way_is_an_error),
    };
    return cmocka_run_group_tests_name("link_tree", tests, NULL, NULL);
}
