/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

/* Every test has an empty folder of its own, and leaves it. */
static char *folder;

static int enter_folder(void **state)
{
    (void)state;
    struct error err;

    return folder_make_temporary("/tmp", "skiff-test-", &folder, &err) ? chdir(folder) : -1;
}

static int leave_folder(void **state)
{
    (void)state;
    struct error err;
    bool removed = folder_remove(folder, &err) && !file_exists(folder);

    free(take(&folder));
    return removed ? chdir("/") : -1;
}

static size_t entries(const char *path)
{
    DIR *listing = opendir(path);
    size_t count = 0;

    assert_non_null(listing);
    while (readdir(listing))
        count++;
    closedir(listing);
    return count - 2; /* "." and ".." */
}

static void write_text(const char *path, const char *text)
{
    struct error err;

    assert_ok(file_write(path, 0644, text, strlen(text), &err));
}

static void assert_holds(const char *path, const char *text)
{
    struct error err;
    owned(memory) char *bytes = NULL;
    size_t count;

    assert_ok(file_read(path, 1000, &bytes, &count, &err));
    assert_string_equal(bytes, text);
    assert_int_equal(count, strlen(text));
}

static mode_t mode_of(const char *path)
{
    struct stat status;

    assert_int_equal(lstat(path, &status), 0);
    return status.st_mode & 07777;
}

static void a_file_is_read_as_it_was_written(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *bytes = memory_new(100000, 1);
    owned(memory) char *back = NULL;
    size_t count;

    memset(bytes + 50000, 0xfe, 50000);
    assert_ok(file_write("big", 0600, bytes, 100000, &err));
    assert_ok(file_read("big", 100000, &back, &count, &err));
    assert_int_equal(count, 100000);
    assert_memory_equal(back, bytes, count);
    assert_int_equal(back[count], '\0');
    write_text("empty", "");
    assert_holds("empty", "");
}

static void the_mode_does_not_depend_on_the_umask(void **state)
{
    (void)state;
    struct error err;
    mode_t before = umask(077);

    assert_ok(file_write("script", 0755, "x", 1, &err));
    umask(before);
    assert_int_equal(mode_of("script"), 0755);
}

static void a_file_too_large_is_refused(void **state)
{
    (void)state;
    struct error err;
    char *bytes = NULL;
    size_t count;

    write_text("ten", "0123456789");
    assert_fails(file_read("ten", 9, &bytes, &count, &err), ERROR_LIMIT,
                 "'ten' is larger than 9 bytes");
    assert_null(bytes);
    assert_ok(file_read("ten", 10, &bytes, &count, &err));
    free(bytes);
}

static void what_cannot_be_read_says_why(void **state)
{
    (void)state;
    struct error err;
    struct source *source;

    write_text("secret", "x");
    assert_int_equal(chmod("secret", 0), 0);
    assert_int_equal(mkdir("inner", 0755), 0);
    assert_int_equal(mkfifo("pipe", 0644), 0);
    assert_fails(file_source("missing", &source, &err), ERROR_NOT_FOUND,
                 "open 'missing': No such");
    assert_fails(file_source("secret/x", &source, &err), ERROR_NOT_FOUND, "open 'secret/x'");
    assert_fails(file_source("secret", &source, &err), ERROR_SYSTEM,
                 "open 'secret': Permission denied");
    assert_fails(file_source("inner", &source, &err), ERROR_INVALID,
                 "'inner' is not a regular file");
    assert_fails(file_source("pipe", &source, &err), ERROR_INVALID,
                 "'pipe' is not a regular file");
}

/* The name is only asked for when everything is written. */
static char *place_by_context(void *context)
{
    return text_format("%s/%s", folder, *(const char **)context);
}

static void a_sink_makes_its_file_visible_at_the_end(void **state)
{
    (void)state;
    struct error err;
    const char *name = "not known yet";
    struct sink *sink;

    assert_ok(file_sink(".", 0644, place_by_context, &name, &sink, &err));
    assert_ok(sink_write(sink, "first ", 6, &err));
    name = "known";
    assert_ok(sink_write(sink, "second", 6, &err));
    assert_false(file_exists("known"));
    assert_ok(sink_finish(sink, &err));
    assert_holds("known", "first second");
    assert_int_equal(entries("."), 1);
}

static void an_abandoned_sink_leaves_nothing(void **state)
{
    (void)state;
    struct error err;
    const char *name = "file";
    struct sink *sink;

    assert_ok(file_sink(".", 0644, place_by_context, &name, &sink, &err));
    assert_ok(sink_write(sink, "bytes", 5, &err));
    assert_true(entries(".") <= 1); /* the temporary one, unless it has no name */
    sink_free(sink);
    assert_int_equal(entries("."), 0);
}

static void a_sink_that_cannot_finish_leaves_nothing(void **state)
{
    (void)state;
    struct error err;
    const char *name = "in/the/way";
    struct sink *sink;

    assert_ok(file_sink(".", 0644, place_by_context, &name, &sink, &err));
    assert_fails(sink_finish(sink, &err), ERROR_SYSTEM, "in/the/way");
    assert_int_equal(entries("."), 0);
    assert_fails(file_sink("missing", 0644, place_by_context, &name, &sink, &err), ERROR_SYSTEM,
                 "write in 'missing'");
}

enum { CANNOT_HIDE_PROC = 77 };

/* In a process of its own. */
static int write_without_proc(void)
{
    struct error err;
    struct sink *sink;
    const char *name = "file";
    owned(memory) char *bytes = NULL;
    size_t count;

    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0 || mount("none", "/proc", "tmpfs", 0, NULL))
        return CANNOT_HIDE_PROC;
    if (!file_sink(".", 0644, place_by_context, &name, &sink, &err) || entries(".") != 1)
        return 1;
    sink_free(sink);
    if (entries(".") != 0 || !file_write("file", 0644, "old", 3, &err) ||
        !file_write("file", 0644, "fresh", 5, &err))
        return 2;
    return file_read("file", 10, &bytes, &count, &err) && count == 5 && entries(".") == 1 ? 0
                                                                                          : 3;
}

static void files_have_names_from_the_start_where_they_must(void **state)
{
    (void)state;
    int status;

    pid_t child = fork();
    if (child == 0)
        _exit(write_without_proc());
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_HIDE_PROC)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void an_old_file_is_replaced_whole(void **state)
{
    (void)state;
    struct error err;

    write_text("file", "old and long");
    write_text("file", "new");
    assert_holds("file", "new");
    assert_int_equal(mkdir("busy", 0755), 0);
    assert_fails(file_write("busy", 0644, "x", 1, &err), ERROR_SYSTEM, "make 'busy'");
    assert_int_equal(entries("."), 2);
}

static void folders_are_made_with_those_above(void **state)
{
    (void)state;
    static const char *const paths[] = {"a/b/c", "a/b/c", "a//d/", "./e", ".", "/"};
    struct error err;

    for (size_t i = 0; i < COUNT(paths); i++)
        assert_ok(folder_make(paths[i], &err));
    assert_true(file_exists("a/b/c"));
    assert_true(file_exists("a/d"));
    write_text("file", "");
    assert_fails(folder_make("file", &err), ERROR_SYSTEM, "make folder 'file'");
    assert_fails(folder_make("file/a", &err), ERROR_SYSTEM, "make folder 'file'");
    assert_fails(folder_make("", &err), ERROR_SYSTEM, "make folder ''");
    assert_int_equal(symlink("a/b", "link"), 0);
    assert_ok(folder_make("link/x", &err));
    assert_true(file_exists("a/b/x"));
}

static void a_private_folder_is_its_owners_alone(void **state)
{
    (void)state;
    static const struct {
        const char *path;
        mode_t mode;
    } folders[] = {{"p", 0755}, {"p/q", 0700}, {"p/q/r", 0777}, {"s", 0700}};
    struct stat status;
    struct error err;
    mode_t before = umask(0);

    assert_int_equal(mkdir("p", 0755), 0);
    assert_ok(folder_make_private("p", &err)); /* which is there, and stays what it was */
    assert_ok(folder_make_private("p/q/", &err));
    assert_ok(folder_make("p/q/r", &err));
    assert_ok(folder_make_private("s//", &err));
    umask(before);
    for (size_t i = 0; i < COUNT(folders); i++) {
        assert_int_equal(stat(folders[i].path, &status), 0);
        assert_int_equal(status.st_mode & 0777, folders[i].mode);
    }
}

static void a_temporary_folder_is_private(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *one = NULL;
    owned(memory) char *two = NULL;

    assert_ok(folder_make_temporary(".", "new-", &one, &err));
    assert_ok(folder_make_temporary(".", "new-", &two, &err));
    assert_string_not_equal(one, two);
    assert_memory_equal(one, "./new-", 6);
    assert_int_equal(mode_of(one), 0700);
    assert_fails(folder_make_temporary("missing", "new-", &one, &err), ERROR_SYSTEM,
                 "'missing'");
}

static void removing_follows_no_links(void **state)
{
    (void)state;
    struct error err;

    assert_ok(folder_make("kept/inner", &err));
    write_text("kept/file", "kept");
    assert_int_equal(chmod("kept", 0755), 0);
    assert_ok(folder_make("gone/inner", &err));
    assert_int_equal(symlink("../kept", "gone/link"), 0);
    assert_int_equal(symlink("../../kept/file", "gone/inner/link"), 0);
    assert_int_equal(symlink("nowhere", "gone/dangling"), 0);
    assert_int_equal(chmod("gone", 0555), 0);

    assert_ok(folder_remove("gone", &err));
    assert_false(file_exists("gone"));
    assert_holds("kept/file", "kept");
    assert_int_equal(mode_of("kept"), 0755);

    assert_int_equal(symlink("kept", "link"), 0);
    assert_fails(folder_remove("link", &err), ERROR_SYSTEM, "remove 'link': Not a directory");
    assert_fails(folder_remove("kept/file", &err), ERROR_SYSTEM, "Not a directory");
    assert_true(file_exists("link"));
    assert_holds("kept/file", "kept");
    assert_int_equal(entries("kept"), 2);
}

static void folders_that_forbid_their_owner_are_removed_too(void **state)
{
    (void)state;
    static const mode_t modes[] = {0555, 0444, 0111, 0};
    struct error err;

    for (size_t i = 0; i < COUNT(modes); i++) {
        assert_ok(folder_make("image/inner/empty", &err));
        write_text("image/inner/file", "");
        assert_int_equal(chmod("image/inner/file", 0), 0);
        assert_int_equal(chmod("image/inner/empty", modes[i]), 0);
        assert_int_equal(chmod("image/inner", modes[i]), 0);
        assert_int_equal(chmod("image", modes[i]), 0);
        assert_ok(folder_remove("image", &err));
        assert_false(file_exists("image"));
    }
}

static void what_is_missing_is_removed_already(void **state)
{
    (void)state;
    struct error err;

    assert_ok(folder_remove("missing", &err));
    write_text("file", "");
    assert_fails(folder_remove("file/x", &err), ERROR_SYSTEM, "remove 'file/x'");
}

static void removing_tells_the_first_reason(void **state)
{
    (void)state;
    struct error err;
    owned(text) struct text deep = {0};

    for (int i = 0; i < 300; i++)
        text_add(&deep, "d/");
    assert_ok(folder_make(text_string(&deep), &err));
    assert_fails(folder_remove("d", &err), ERROR_SYSTEM, "remove 'd': File name too long");

    /* The second half can be removed from nearer by, and then the first. */
    deep.bytes[2 * 150] = '\0';
    assert_ok(folder_remove(text_string(&deep), &err));
}

#define TEST_IN_FOLDER(name) cmocka_unit_test_setup_teardown(name, enter_folder, leave_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST_IN_FOLDER(a_file_is_read_as_it_was_written),
        TEST_IN_FOLDER(the_mode_does_not_depend_on_the_umask),
        TEST_IN_FOLDER(a_file_too_large_is_refused),
        TEST_IN_FOLDER(what_cannot_be_read_says_why),
        TEST_IN_FOLDER(a_sink_makes_its_file_visible_at_the_end),
        TEST_IN_FOLDER(an_abandoned_sink_leaves_nothing),
        TEST_IN_FOLDER(a_sink_that_cannot_finish_leaves_nothing),
        TEST_IN_FOLDER(files_have_names_from_the_start_where_they_must),
        TEST_IN_FOLDER(an_old_file_is_replaced_whole),
        TEST_IN_FOLDER(folders_are_made_with_those_above),
        TEST_IN_FOLDER(a_private_folder_is_its_owners_alone),
        TEST_IN_FOLDER(a_temporary_folder_is_private),
        TEST_IN_FOLDER(removing_follows_no_links),
        TEST_IN_FOLDER(folders_that_forbid_their_owner_are_removed_too),
        TEST_IN_FOLDER(what_is_missing_is_removed_already),
        TEST_IN_FOLDER(removing_tells_the_first_reason),
    };

    /* Root is refused nothing, so the tests are run as nobody. */
    if (geteuid() == 0 && (setgroups(0, NULL) != 0 || setgid(65534) != 0 || setuid(65534) != 0))
        return 1;
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
