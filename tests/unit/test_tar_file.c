/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar archives read by name: what is in them is found where it lies, and what
 * was made to hurt is refused with a reason.
 */
#include "layers/tar_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "layers/compression.h"
#include "layers/decompress.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "tests/support/raw_tar.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

struct fixture {
    char *folder;
    char *path;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(1, sizeof *fixture);

    fixture->folder = temp_folder();
    fixture->path = text_format("%s/a.tar", fixture->folder);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    temp_folder_remove(fixture->folder);
    free(fixture->path);
    free(fixture);
    return 0;
}

static bool open_bytes(const struct fixture *fixture, const struct text *bytes,
                       struct tar_file **out, struct error *err)
{
    return file_write(fixture->path, 0644, text_string(bytes), bytes->length, err) &&
           tar_file_open(fixture->path, fixture->folder, out, err);
}

static void assert_holds(const struct tar_file *file, const char *name, const char *expected)
{
    struct error err;
    owned(memory) char *bytes = NULL;
    size_t count;

    assert_ok(tar_file_read(file, name, 1000, &bytes, &count, &err));
    assert_string_equal(bytes, expected);
    assert_int_equal(count, strlen(expected));
}

static void members_are_found_by_their_tidy_names(void **state)
{
    struct error err;
    owned(tar_file) struct tar_file *file = NULL;
    owned(text) struct text tar = {0};
    struct tar_member member;

    raw_tar_file(&tar, "./b//c", "deep");
    raw_tar_header(&tar, "b/", '5', NULL, 0);
    raw_tar_header(&tar, "b/", '5', NULL, 0); /* a folder may come twice */
    raw_tar_file(&tar, "a", "first");
    raw_tar_file(&tar, "empty", "");
    raw_tar_end(&tar);
    assert_ok(open_bytes(*state, &tar, &file, &err));
    assert_holds(file, "b/c", "deep");
    assert_holds(file, "./a", "first");
    assert_holds(file, "empty", "");
    assert_fails(tar_file_find(file, "b", &member, &err), ERROR_NOT_FOUND, "no 'b' in");
}

static void links_lead_where_they_do_on_disk(void **state)
{
    struct error err;
    owned(tar_file) struct tar_file *file = NULL;
    owned(text) struct text tar = {0};
    struct tar_member member;

    raw_tar_header(&tar, "x/layer.tar", RAW_TAR_LINK, "../y/layer.tar", 0);
    raw_tar_header(&tar, "y/layer.tar", RAW_TAR_HARD_LINK, "z.tar", 0);
    raw_tar_file(&tar, "z.tar", "layer");
    raw_tar_header(&tar, "round", RAW_TAR_LINK, "and", 0);
    raw_tar_header(&tar, "and", RAW_TAR_LINK, "round", 0);
    raw_tar_header(&tar, "nowhere", RAW_TAR_LINK, "missing", 0);
    raw_tar_end(&tar);
    assert_ok(open_bytes(*state, &tar, &file, &err));
    assert_holds(file, "x/layer.tar", "layer");
    assert_fails(tar_file_find(file, "round", &member, &err), ERROR_INVALID, "links");
    assert_fails(tar_file_find(file, "nowhere", &member, &err), ERROR_NOT_FOUND, "nowhere");
}

static void archives_made_to_hurt_are_refused(void **state)
{
    static const struct {
        const char *name;
        int kind;
        const char *target;
        uint64_t size;
        enum error_kind error;
        const char *reason;
    } cases[] = {
        {"../a", RAW_TAR_FILE, NULL, 0, ERROR_INVALID, "leads out of the archive"},
        {"a/../../b", RAW_TAR_FILE, NULL, 0, ERROR_INVALID, "leads out of the archive"},
        {"/etc/passwd", RAW_TAR_FILE, NULL, 0, ERROR_INVALID, "absolute name"},
        {"a", RAW_TAR_LINK, "../../etc/passwd", 0, ERROR_INVALID, "leads out of the archive"},
        {"a", RAW_TAR_LINK, "/etc/passwd", 0, ERROR_INVALID, "absolute name"},
        {"a", RAW_TAR_HARD_LINK, "/etc/passwd", 0, ERROR_INVALID, "absolute name"},
        {"a", RAW_TAR_DEVICE, NULL, 0, ERROR_INVALID, "neither a file, a folder nor a link"},
        {"twice", RAW_TAR_FILE, NULL, 0, ERROR_INVALID, "'twice' twice"},
        {"./twice", RAW_TAR_LINK, "x", 0, ERROR_INVALID, "'twice' twice"},
        {"a", RAW_TAR_FILE, NULL, 1 << 20, ERROR_INVALID, "cut off"},
        {"a", RAW_TAR_FILE, NULL, 077777777777, ERROR_INVALID, "cut off"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(text) struct text tar = {0};
        struct tar_file *file;
        raw_tar_file(&tar, "twice", "once");
        raw_tar_header(&tar, cases[i].name, cases[i].kind, cases[i].target, cases[i].size);
        raw_tar_end(&tar);
        assert_fails(open_bytes(*state, &tar, &file, &err), cases[i].error, cases[i].reason);
    }
}

static void an_archive_cut_off_anywhere_is_an_error_or_lacks_a_member(void **state)
{
    owned(text) struct text tar = {0};
    const size_t content = strlen("content");

    raw_tar_file(&tar, "a", "content");
    size_t whole = 512 + content;
    for (size_t length = 0; length < whole; length++) {
        struct error err;
        owned(tar_file) struct tar_file *file = NULL;
        const struct text cut = {.bytes = tar.bytes, .length = length};
        owned(memory) char *bytes = NULL;
        size_t count;
        assert_false(open_bytes(*state, &cut, &file, &err) &&
                     tar_file_read(file, "a", 1000, &bytes, &count, &err));
    }
}

static void what_is_no_archive_says_so(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    struct tar_file *file;
    owned(memory) char *missing = text_format("%s/missing", fixture->folder);
    owned(text) struct text words = {0};

    text_add(&words, "these are words, and more than a few of them, but not an archive");
    assert_fails(open_bytes(fixture, &words, &file, &err), ERROR_INVALID, "not a tar archive");
    assert_fails(tar_file_open(missing, fixture->folder, &file, &err), ERROR_NOT_FOUND,
                 "missing");
    assert_fails(tar_file_open(fixture->folder, fixture->folder, &file, &err), ERROR_INVALID,
                 "not a regular file");
}

static void members_and_names_have_limits(void **state)
{
    struct error err;
    owned(text) struct text many = {0};
    owned(text) struct text name = {0};
    owned(text) struct text tar = {0};
    struct tar_file *file;
    char digits[16];

    for (int i = 0; i <= TAR_FILE_MEMBERS_LIMIT; i++) {
        snprintf(digits, sizeof digits, "%d", i);
        raw_tar_header(&many, digits, RAW_TAR_FILE, NULL, 0);
    }
    assert_fails(open_bytes(*state, &many, &file, &err), ERROR_LIMIT, "more than 100000");

    for (int i = 0; i <= TAR_FILE_NAME_LIMIT; i++)
        text_add(&name, "n");
    raw_tar_header(&tar, "././@LongLink", 'L', NULL, name.length + 1);
    text_add_bytes(&tar, text_string(&name), name.length);
    while (tar.length % 512 > 0)
        text_add_bytes(&tar, "", 1);
    raw_tar_file(&tar, "short", "");
    raw_tar_end(&tar);
    assert_fails(open_bytes(*state, &tar, &file, &err), ERROR_LIMIT, "longer than 1000");
}

static struct text compressed(const struct text *plain, struct sink *(*compress)(struct sink *))
{
    struct error err;
    struct text out = {0};

    struct sink *sink = compress(memory_sink(1 << 20, &out.bytes, &out.length));
    assert_ok(sink_write(sink, plain->bytes, plain->length, &err));
    assert_ok(sink_finish(sink, &err));
    return out;
}

static void compressed_archives_are_read_alike(void **state)
{
    struct sink *(*const ways[])(struct sink *) = {gzip_sink, zstd_sink};
    owned(text) struct text tar = {0};

    raw_tar_file(&tar, "a", "content");
    raw_tar_end(&tar);
    for (size_t i = 0; i < COUNT(ways); i++) {
        struct error err;
        owned(tar_file) struct tar_file *file = NULL;
        owned(text) struct text packed = compressed(&tar, ways[i]);
        assert_ok(open_bytes(*state, &packed, &file, &err));
        assert_holds(file, "a", "content");

        const struct text cut = {.bytes = packed.bytes, .length = packed.length / 2};
        struct tar_file *broken;
        assert_fails(open_bytes(*state, &cut, &broken, &err), ERROR_INVALID, "a.tar");
    }
}

static void decompressing_has_a_limit_and_an_end(void **state)
{
    (void)state;
    struct error err;
    owned(text) struct text plain = {0};
    char bytes[2000];
    size_t count;

    for (int i = 0; i < 1000; i++)
        text_add(&plain, "x");
    owned(text) struct text packed = compressed(&plain, gzip_sink);
    owned(source) struct source *little =
        decompress_source(memory_source(packed.bytes, packed.length), 999);
    assert_fails(source_read(little, bytes, sizeof bytes, &count, &err), ERROR_LIMIT,
                 "more than 999 bytes");
    owned(source) struct source *enough =
        decompress_source(memory_source(packed.bytes, packed.length), 1000);
    assert_ok(source_read(enough, bytes, sizeof bytes, &count, &err));
    assert_int_equal(count, 1000);
    assert_ok(source_read(enough, bytes, sizeof bytes, &count, &err));
    assert_int_equal(count, 0);
    assert_ok(source_read(enough, bytes, sizeof bytes, &count, &err));
    assert_int_equal(count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(members_are_found_by_their_tidy_names, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(links_lead_where_they_do_on_disk, set_up, tear_down),
        cmocka_unit_test_setup_teardown(archives_made_to_hurt_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            an_archive_cut_off_anywhere_is_an_error_or_lacks_a_member, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_archive_says_so, set_up, tear_down),
        cmocka_unit_test_setup_teardown(members_and_names_have_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(compressed_archives_are_read_alike, set_up, tear_down),
        cmocka_unit_test(decompressing_has_a_limit_and_an_end),
    };
    return cmocka_run_group_tests_name("tar_file", tests, NULL, NULL);
}
