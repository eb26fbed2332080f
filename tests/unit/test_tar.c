/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tar: libarchive, which did not write it, reads back exactly what went in,
 * whatever the locale, and equal trees give equal bytes.
 */
#include "layers/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <locale.h>
#include <stdlib.h>
#include <unistd.h>

#include "layers/layer_writer.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

enum { LONGEST = 400 };

static void write_tar(struct tree *tree, time_t modified, char **bytes, size_t *count)
{
    struct error err;
    struct sink *sink = memory_sink(1 << 20, bytes, count);

    assert_ok(tar_write(tree, modified, sink, &err));
    assert_ok(sink_finish(sink, &err));
    assert_int_equal(*count % 512, 0);
}

/* Reads the archive's entries and holds them against the tree's. */
static void check_tar(struct tree *tree, time_t modified)
{
    owned(memory) char *bytes = NULL;
    size_t count;
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;

    write_tar(tree, modified, &bytes, &count);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_memory(archive, bytes, count), ARCHIVE_OK);
    for (size_t i = 0; i < tree_entry_count(tree); i++) {
        struct tree_entry expected = tree_entry(tree, i);
        char content[LONGEST];
        char path[LONGEST + 2];
        assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
        bool is_folder = expected.kind == TREE_FOLDER;
        snprintf(path, sizeof path, "%s%s", expected.path, is_folder ? "/" : "");
        assert_string_equal(archive_entry_pathname(entry), path);
        assert_int_equal(archive_entry_filetype(entry), is_folder         ? AE_IFDIR
                                                        : expected.target ? AE_IFLNK
                                                                          : AE_IFREG);
        assert_int_equal(archive_entry_perm(entry), expected.mode);
        if (expected.target)
            assert_string_equal(archive_entry_symlink(entry), expected.target);
        assert_int_equal(archive_entry_mtime(entry), modified);
        assert_int_equal(archive_entry_uid(entry), 0);
        assert_int_equal(archive_entry_gid(entry), 0);
        assert_int_equal(archive_read_data(archive, content, sizeof content), expected.size);
        if (expected.size > 0)
            assert_memory_equal(content, expected.bytes, expected.size);
    }
    assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_EOF);
    archive_read_free(archive);
}

static void paths_of_every_length_come_back(void **state)
{
    (void)state;
    char path[LONGEST];

    for (size_t length = 1; length < sizeof path; length++) {
        struct error err;
        owned(tree) struct tree *tree = tree_new();
        memset(path, 'a', length);
        for (size_t i = 60; i + 1 < length; i += 61)
            path[i] = '/';
        path[length] = '\0';
        assert_ok(tree_add_bytes(tree, path, TREE_FILE, "content", 7, &err));
        check_tar(tree, 0);
    }
}

static void a_part_too_long_for_ustar_comes_back(void **state)
{
    (void)state;
    char path[LONGEST];

    for (size_t length = 90; length < 300; length++) {
        struct error err;
        owned(tree) struct tree *tree = tree_new();
        memset(path, 'b', length);
        memcpy(path, "x/", 2);
        path[length] = '\0';
        assert_ok(tree_add_bytes(tree, path, TREE_PROGRAM, "", 0, &err));
        check_tar(tree, 1700000000);
    }
}

static void links_lead_where_they_led(void **state)
{
    (void)state;
    char target[LONGEST];

    for (size_t length = 1; length < sizeof target; length++) {
        struct error err;
        owned(tree) struct tree *tree = tree_new();
        memset(target, 't', length);
        target[0] = '/';
        target[length] = '\0';
        assert_ok(tree_add_link(tree, "a/link", target, &err));
        check_tar(tree, 0);
        owned(memory) char *bytes = NULL;
        size_t count;
        write_tar(tree, 0, &bytes, &count);
        bool has_record = memmem(bytes, count, " linkpath=", 10) != NULL;
        assert_int_equal(has_record, length > 100);
    }
}

static void a_mode_of_its_own_comes_back(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *path = text_format("%s/file", folder);
    owned(tree) struct tree *tree = tree_new();
    owned(memory) char *bytes = NULL;
    size_t count;

    assert_ok(file_write(path, 0600, "x", 1, &err));
    assert_ok(tree_add_file_as(tree, "file", 0444, path, 1, &err));
    write_tar(tree, 0, &bytes, &count);
    assert_memory_equal(bytes + 100, "0000444", 8);
    temp_folder_remove(folder);
}

/* Keeps the first bytes and then wants no more. */
struct first_sink {
    struct sink sink;
    char bytes[4 * 512];
    size_t count;
};

static bool first_write(struct sink *self, const void *bytes, size_t count, struct error *err)
{
    struct first_sink *first = (struct first_sink *)self;
    size_t room = sizeof first->bytes - first->count;

    memcpy(first->bytes + first->count, bytes, count < room ? count : room);
    first->count += count < room ? count : room;
    return count < room || error_set(err, ERROR_LIMIT, "enough");
}

static void sizes_beyond_eight_gib_are_told(void **state)
{
    (void)state;
    static const struct {
        uint64_t size;
        const char *record; /* NULL: the header can say it */
    } cases[] = {{077777777777, NULL},
                 {UINT64_C(1) << 33, "19 size=8589934592\n"},
                 {UINT64_C(20) << 30, "20 size=21474836480\n"}};
    static const struct sink_ops ops = {.write = first_write};
    char *folder = temp_folder();
    owned(memory) char *path = text_format("%s/large", folder);
    struct error err;

    assert_ok(file_write(path, 0600, "", 0, &err));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct first_sink first = {.sink.ops = &ops};
        struct archive_entry *entry;
        owned(tree) struct tree *tree = tree_new();
        assert_int_equal(truncate(path, (off_t)cases[i].size), 0);
        assert_ok(tree_add_file(tree, "large", TREE_FILE, path, &err));
        assert_fails(tar_write(tree, 0, &first.sink, &err), ERROR_LIMIT, "enough");

        const void *record = memmem(first.bytes, first.count, " size=", 6);
        assert_true((record != NULL) == (cases[i].record != NULL));
        if (record)
            assert_memory_equal((const char *)record - 2, cases[i].record,
                                strlen(cases[i].record));
        struct archive *archive = archive_read_new();
        archive_read_support_format_tar(archive);
        assert_int_equal(archive_read_open_memory(archive, first.bytes, first.count),
                         ARCHIVE_OK);
        assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
        assert_int_equal(archive_entry_size(entry), cases[i].size);
        archive_read_free(archive);
    }
    temp_folder_remove(folder);
}

static void names_in_any_script_need_no_locale(void **state)
{
    (void)state;
    struct error err;
    owned(tree) struct tree *tree = tree_new();

    assert_string_equal(setlocale(LC_ALL, NULL), "C");
    assert_ok(tree_add_bytes(tree,
                             "var/task/d\xc3\xad"
                             "a.sh",
                             TREE_PROGRAM, "x", 1, &err));
    owned(memory) char *plain = NULL;
    owned(memory) char *other = NULL;
    size_t count;
    write_tar(tree, 0, &plain, &count);
    assert_non_null(memmem(plain, count, " path=var/task/d\xc3\xad", 18));
    setlocale(LC_ALL, "C.UTF-8");
    size_t other_count;
    write_tar(tree, 0, &other, &other_count);
    assert_int_equal(count, other_count);
    assert_memory_equal(plain, other, count);
    check_tar(tree, 0);
    setlocale(LC_ALL, "C");
}

static void a_sink_that_fails_ends_the_writing(void **state)
{
    (void)state;
    struct error err;
    owned(tree) struct tree *tree = tree_new();
    owned(memory) char *bytes = NULL;
    size_t count;

    assert_ok(tree_add_bytes(tree, "a/b", TREE_FILE, "content", 7, &err));
    for (size_t limit = 0; limit < 4 * 512; limit += 512) {
        owned(sink) struct sink *sink = memory_sink(limit, &bytes, &count);
        assert_fails(tar_write(tree, 0, sink, &err), ERROR_LIMIT, "more than");
    }
}

static void a_layer_is_the_same_wherever_it_is_written(void **state)
{
    (void)state;
    struct layer layers[2];

    for (size_t i = 0; i < COUNT(layers); i++) {
        struct error err;
        char *folder = temp_folder();
        owned(layout) struct layout *layout = NULL;
        owned(tree) struct tree *tree = tree_new();
        assert_ok(layout_open(folder, true, &layout, &err));
        assert_ok(tree_add_bytes(tree, i ? "a" : "b/c", TREE_FILE, "one", 3, &err));
        assert_ok(tree_add_bytes(tree, i ? "b/c" : "a", TREE_FILE, "one", 3, &err));
        assert_ok(layer_write(tree, 7, layout, &layers[i], &err));
        temp_folder_remove(folder);
    }
    assert_true(digest_equal(&layers[0].diff_id, &layers[1].diff_id));
    assert_true(digest_equal(&layers[0].blob.digest, &layers[1].blob.digest));
    assert_int_equal(layers[0].blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
}

/* Writes the head of a file that is announced larger than what there is of it. */
static int64_t announced_size(uint64_t size)
{
    struct error err;
    owned(memory) char *bytes = NULL;
    owned(source) struct source *source = memory_source("little", 6);
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    size_t count;

    struct sink *sink = memory_sink(1 << 20, &bytes, &count);
    assert_fails(tar_write_file("a", source, size, 0, sink, &err), ERROR_INVALID,
                 "bytes announced");
    assert_ok(sink_finish(sink, &err));
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_memory(archive, bytes, count), ARCHIVE_OK);
    assert_int_equal(archive_read_next_header(archive, &entry), ARCHIVE_OK);
    int64_t found = archive_entry_size(entry);
    archive_read_free(archive);
    return found;
}

static void files_of_any_size_may_be_announced(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {7, 077777777777, 0100000000000, (uint64_t)1 << 45};

    for (size_t i = 0; i < COUNT(sizes); i++)
        assert_int_equal(announced_size(sizes[i]), sizes[i]);

    struct error err;
    owned(memory) char *bytes = NULL;
    size_t count;
    owned(source) struct source *source = memory_source("more", 4);
    owned(sink) struct sink *sink = memory_sink(1 << 20, &bytes, &count);
    assert_fails(tar_write_file("a", source, 3, 0, sink, &err), ERROR_INVALID,
                 "not the 3 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(paths_of_every_length_come_back),
        cmocka_unit_test(a_part_too_long_for_ustar_comes_back),
        cmocka_unit_test(links_lead_where_they_led),
        cmocka_unit_test(a_mode_of_its_own_comes_back),
        cmocka_unit_test(sizes_beyond_eight_gib_are_told),
        cmocka_unit_test(names_in_any_script_need_no_locale),
        cmocka_unit_test(files_of_any_size_may_be_announced),
        cmocka_unit_test(a_sink_that_fails_ends_the_writing),
        cmocka_unit_test(a_layer_is_the_same_wherever_it_is_written),
    };
    return cmocka_run_group_tests_name("tar", tests, NULL, NULL);
}
