/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers become files as the image spec says, and nothing an archive says leads out of the
 * folder they are unpacked in.
 */
#include "layers/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/inode_set.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

enum { ARCHIVE_LIMIT = 1024 * 1024, ENTRIES = 12 };

/* One entry of an archive; a name of NULL ends it. */
struct item {
    char type; /* f file, d folder, l symbolic link, h hard link, p pipe, c device */
    const char *name;
    const char *content; /* of a file, or what a link points to */
    mode_t mode;         /* 0: 0644 or 0755 */
};

struct packed {
    char bytes[ARCHIVE_LIMIT];
    size_t count;
};

static void add_item(struct archive *archive, const struct item *item)
{
    static const struct {
        char type;
        unsigned int filetype;
    } types[] = {{'f', AE_IFREG}, {'d', AE_IFDIR}, {'l', AE_IFLNK},
                 {'h', AE_IFREG}, {'p', AE_IFIFO}, {'c', AE_IFCHR}};
    struct archive_entry *entry = archive_entry_new();
    size_t count = item->type == 'f' && item->content ? strlen(item->content) : 0;

    for (size_t i = 0; i < COUNT(types); i++)
        if (types[i].type == item->type)
            archive_entry_set_filetype(entry, types[i].filetype);
    archive_entry_set_pathname(entry, item->name);
    archive_entry_set_perm(entry, item->mode ? item->mode : item->type == 'd' ? 0755 : 0644);
    archive_entry_set_uid(entry, 12345);
    archive_entry_set_mtime(entry, 1000000000, 0);
    archive_entry_set_size(entry, (la_int64_t)count);
    if (item->type == 'l')
        archive_entry_set_symlink(entry, item->content);
    if (item->type == 'h')
        archive_entry_set_hardlink(entry, item->content);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    if (count > 0)
        assert_int_equal(archive_write_data(archive, item->content, count), count);
    archive_entry_free(entry);
}

static struct packed *pack_with(const struct item *items, int (*add_filter)(struct archive *))
{
    struct packed *packed = memory_new(1, sizeof *packed);
    struct archive *archive = archive_write_new();

    archive_write_set_format_pax_restricted(archive);
    add_filter(archive);
    assert_int_equal(
        archive_write_open_memory(archive, packed->bytes, sizeof packed->bytes, &packed->count),
        ARCHIVE_OK);
    for (; items->name; items++)
        add_item(archive, items);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_write_free(archive);
    return packed;
}

static bool unpack_bytes(const char *root, const void *bytes, size_t count, struct error *err)
{
    owned(source) struct source *layer = memory_source(bytes, count);
    struct unpacked so_far = {0};

    return unpack_layer(layer, root, &so_far, err);
}

static bool unpack(const char *root, const struct item *items, struct error *err)
{
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_none);

    return unpack_bytes(root, packed->bytes, packed->count, err);
}

/* "<test's folder>/root", beside which there is a file that nobody may touch. */
struct place {
    char *folder;
    char *root;
    char *witness;
};

static struct place make_place(void)
{
    struct place place;
    struct error err;

    assert_ok(folder_make_temporary("/tmp", "skiff-unpack-", &place.folder, &err));
    place.root = text_format("%s/root", place.folder);
    place.witness = text_format("%s/witness", place.folder);
    assert_ok(folder_make(place.root, &err));
    assert_ok(file_write(place.witness, 0644, "untouched", 9, &err));
    return place;
}

static void remove_place(struct place *place)
{
    struct error err;
    char *bytes;
    size_t count;

    assert_ok(file_read(place->witness, 100, &bytes, &count, &err));
    assert_string_equal(bytes, "untouched");
    free(bytes);
    assert_ok(folder_remove(place->folder, &err));
    free(place->folder);
    free(place->root);
    free(place->witness);
}

static bool is_there(const char *root, const char *name)
{
    owned(memory) char *path = text_format("%s/%s", root, name);

    return file_exists(path);
}

static struct stat status_of(const char *root, const char *name)
{
    owned(memory) char *path = text_format("%s/%s", root, name);
    struct stat status = {0};

    if (lstat(path, &status) != 0)
        fail_msg("there is no '%s'", name);
    return status;
}

static void assert_content(const char *root, const char *name, const char *expected)
{
    struct error err;
    owned(memory) char *path = text_format("%s/%s", root, name);
    owned(memory) char *bytes = NULL;
    size_t count;

    assert_ok(file_read(path, ARCHIVE_LIMIT, &bytes, &count, &err));
    assert_string_equal(bytes, expected);
}

static void files_folders_and_links_appear_with_their_modes(void **state)
{
    (void)state;
    struct error err;
    struct place place = make_place();
    const struct item items[] = {
        {'d', "./", NULL, 0},
        {'d', "etc/", NULL, 0555},
        {'f', "etc/hosts", "127.0.0.1 localhost\n", 0},
        {'f', "./bin/tool", "program", 04755},
        {'f', "secret", "key", 0},
        {'f', "unreadable", "all the same", 01},
        {'l', "lib", "usr/lib", 0},
        {'h', "bin/tool2", "bin/tool", 0},
        {0},
    };

    assert_ok(unpack(place.root, items, &err));

    assert_content(place.root, "etc/hosts", "127.0.0.1 localhost\n");
    assert_int_equal(status_of(place.root, "etc").st_mode & 07777, 0755);
    assert_int_equal(status_of(place.root, "bin/tool").st_mode & 07777, 0755);
    assert_int_equal(status_of(place.root, "unreadable").st_mode & 07777, 0601);
    assert_int_equal(status_of(place.root, "etc/hosts").st_mtime, 1000000000);
    assert_int_equal(status_of(place.root, "bin/tool").st_uid, geteuid());
    assert_true(S_ISLNK(status_of(place.root, "lib").st_mode));
    assert_int_equal(status_of(place.root, "bin/tool").st_ino,
                     status_of(place.root, "bin/tool2").st_ino);
    remove_place(&place);
}

static void every_compression_is_understood(void **state)
{
    (void)state;
    static int (*const filters[])(struct archive *) = {
        archive_write_add_filter_none,
        archive_write_add_filter_gzip,
        archive_write_add_filter_zstd,
    };
    const struct item items[] = {{'f', "a", "same", 0}, {0}};

    for (size_t i = 0; i < COUNT(filters); i++) {
        struct error err;
        struct place place = make_place();
        owned(memory) struct packed *packed = pack_with(items, filters[i]);

        assert_ok(unpack_bytes(place.root, packed->bytes, packed->count, &err));
        assert_content(place.root, "a", "same");
        remove_place(&place);
    }
}

static void devices_and_pipes_are_left_out(void **state)
{
    (void)state;
    struct error err;
    struct place place = make_place();
    const struct item items[] = {
        {'c', "dev/null", NULL, 0}, {'p', "pipe", NULL, 0}, {'f', "file", "x", 0}, {0}};

    assert_ok(unpack(place.root, items, &err));
    assert_false(is_there(place.root, "dev/null"));
    assert_false(is_there(place.root, "pipe"));
    assert_content(place.root, "file", "x");
    remove_place(&place);
}

/* What two layers give, one on the other. */
static void whiteouts_hide_what_is_below_and_nothing_else(void **state)
{
    (void)state;
    static const struct {
        struct item below[ENTRIES], above[ENTRIES];
        const char *there[4], *gone[4];
    } cases[] = {
        {{{'f', "a/x", "1", 0}, {'f', "a/y", "1", 0}},
         {{'f', "a/.wh.x", "", 0}},
         {"a/y"},
         {"a/x", "a/.wh.x"}},
        {{{'f', "a/b/c", "1", 0}}, {{'f', ".wh.a", "", 0}}, {NULL}, {"a"}},
        {{{'f', "x", "1", 0}}, {{'f', ".wh.missing", "", 0}}, {"x"}, {".wh.missing"}},
        /* Opaque before, after and amidst what the layer adds. */
        {{{'f', "a/x", "1", 0}, {'f', "a/s/y", "1", 0}},
         {{'f', "a/.wh..wh..opq", "", 0}, {'f', "a/new", "2", 0}},
         {"a/new"},
         {"a/x", "a/s", "a/.wh..wh..opq"}},
        {{{'f', "a/x", "1", 0}, {'f', "a/s/y", "1", 0}},
         {{'f', "a/new", "2", 0}, {'f', "a/s/new", "2", 0}, {'f', "a/.wh..wh..opq", "", 0}},
         {"a/new", "a/s/new"},
         {"a/x", "a/s/y"}},
        {{{'d', "a/s/", NULL, 0}, {'f', "a/s/y", "1", 0}},
         {{'d', "a/s/", NULL, 0}, {'f', "a/.wh..wh..opq", "", 0}},
         {"a/s"},
         {"a/s/y"}},
        {{{'f', "x", "1", 0}}, {{'f', "x", "2", 0}, {'f', ".wh.x", "", 0}}, {"x"}, {".wh.x"}},
        /* A union file system's own notes. */
        {{{'f', "x", "1", 0}}, {{'f', ".wh..wh.plnk", "", 0}}, {"x"}, {".wh..wh.plnk"}},
        /* One kind in the place of another. */
        {{{'f', "a/x", "1", 0}}, {{'f', "a", "2", 0}}, {"a"}, {"a/x"}},
        {{{'f', "a", "1", 0}}, {{'d', "a/", NULL, 0}, {'f', "a/x", "2", 0}}, {"a/x"}, {NULL}},
        {{{'f', "u/x", "1", 0}, {'l', "a", "u", 0}},
         {{'d', "a/", NULL, 0}, {'f', "a/y", "2", 0}},
         {"a/y", "u/x"},
         {"u/y", "a/x"}},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct place place = make_place();
        assert_ok(unpack(place.root, cases[i].below, &err));
        assert_ok(unpack(place.root, cases[i].above, &err));
        for (size_t j = 0; j < COUNT(cases[i].there) && cases[i].there[j]; j++)
            if (!is_there(place.root, cases[i].there[j]))
                fail_msg("case %zu: '%s' is gone", i, cases[i].there[j]);
        for (size_t j = 0; j < COUNT(cases[i].gone) && cases[i].gone[j]; j++)
            if (is_there(place.root, cases[i].gone[j]))
                fail_msg("case %zu: '%s' is still there", i, cases[i].gone[j]);
        remove_place(&place);
    }
}

static void links_lead_where_they_do_in_a_container(void **state)
{
    (void)state;
    struct error err;
    struct place place = make_place();
    const struct item items[] = {
        {'d', "usr/lib/", NULL, 0},    {'l', "lib", "usr/lib", 0},
        {'l', "lib64", "/usr/lib", 0}, {'l', "usr/up", "../../../../..", 0},
        {'f', "lib/one", "1", 0},      {'f', "lib64/two", "2", 0},
        {'f', "usr/up/three", "3", 0}, {'f', "lib/deeper/four", "4", 0},
        {'h', "five", "lib64/two", 0}, {0},
    };

    assert_ok(unpack(place.root, items, &err));
    assert_content(place.root, "usr/lib/one", "1");
    assert_content(place.root, "usr/lib/two", "2");
    assert_content(place.root, "three", "3");
    assert_content(place.root, "usr/lib/deeper/four", "4");
    assert_content(place.root, "five", "2");
    remove_place(&place);
}

/* `%s` in a link stands for the folder beside the root. */
static void hostile_archives_touch_nothing_outside(void **state)
{
    (void)state;
    static const struct {
        struct item items[ENTRIES];
        enum error_kind kind; /* ERROR_NONE: harmless once inside */
        const char *reason;
    } cases[] = {
        {{{'f', "../witness", "evil", 0}}, ERROR_INVALID, "climbs with '..'"},
        {{{'f', "a/../../witness", "evil", 0}}, ERROR_INVALID, "climbs with '..'"},
        {{{'f', "%s/witness", "evil", 0}}, ERROR_NONE, NULL},
        {{{'l', "out", "%s", 0}, {'f', "out/witness", "evil", 0}}, ERROR_INVALID, "out"},
        {{{'l', "out", "..", 0}, {'f', "out/witness", "evil", 0}}, ERROR_NONE, NULL},
        {{{'l', "out", "..", 0}, {'f', "out/.wh.witness", "", 0}}, ERROR_NONE, NULL},
        {{{'l', "out", "..", 0}, {'f', "out/.wh..wh..opq", "", 0}}, ERROR_NONE, NULL},
        {{{'l', "w", "%s/witness", 0}, {'f', "w", "evil", 0}}, ERROR_NONE, NULL},
        {{{'l', "out", "..", 0}, {'d', "out/", NULL, 0700}, {'f', "out/witness", "evil", 0}},
         ERROR_NONE,
         NULL},
        {{{'h', "w", "%s/witness", 0}, {'f', "w", "evil", 0}}, ERROR_INVALID, "linked to"},
        {{{'h', "w", "../witness", 0}}, ERROR_INVALID, "linked to '../witness'"},
        {{{'l', "out", "..", 0}, {'h', "w", "out/witness", 0}}, ERROR_INVALID, "linked to"},
        {{{'h', "w", "w", 0}}, ERROR_INVALID, "linked to"},
        {{{'d', "d/", NULL, 0}, {'h', "w", "d", 0}}, ERROR_INVALID, "linked to"},
        {{{'f', ".wh...", "", 0}}, ERROR_INVALID, "hides no name"},
        {{{'f', "a/.wh..", "", 0}}, ERROR_INVALID, "hides no name"},
        {{{'f', ".wh.", "", 0}}, ERROR_INVALID, "hides no name"},
        {{{'f', "a", "", 0}, {'f', "a/b", "", 0}}, ERROR_INVALID, "entry 'a/b'"},
        {{{'l', "a", "b", 0}, {'l', "b", "a", 0}, {'f', "a/x", "", 0}}, ERROR_INVALID, "'a/x'"},
        {{{'l', "p", "/proc/self/cwd", 0}, {'f', "p/x", "", 0}}, ERROR_INVALID, "'p/x'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err = {0};
        struct place place = make_place();
        struct item items[ENTRIES] = {{0}};
        char names[ENTRIES][PATH_MAX];
        char targets[ENTRIES][PATH_MAX];

        for (size_t j = 0; cases[i].items[j].name; j++) {
            const struct item *item = &cases[i].items[j];
            const char *name = strchr(item->name, '%') ? place.witness : item->name;
            const char *folder = item->content && strcmp(item->content, "%s") == 0
                                     ? place.folder
                                     : place.witness;
            const char *content = item->content ? item->content : "";
            snprintf(names[j], PATH_MAX, "%s", name);
            snprintf(targets[j], PATH_MAX, "%s", strchr(content, '%') ? folder : content);
            items[j] = (struct item){item->type, names[j], targets[j], item->mode};
        }
        bool unpacked = unpack(place.root, items, &err);
        if (err.kind != cases[i].kind || unpacked != (err.kind == ERROR_NONE))
            fail_msg("case %zu: %s", i, unpacked ? "accepted" : err.text);
        if (!unpacked && !strstr(err.text, cases[i].reason))
            fail_msg("case %zu: '%s' does not say '%s'", i, err.text, cases[i].reason);
        remove_place(&place);
    }
}

static void names_too_deep_or_too_long_are_refused(void **state)
{
    (void)state;
    owned(text) struct text deep = {0};
    owned(text) struct text longest = {0};

    for (int i = 0; i <= UNPACK_DEPTH_LIMIT; i++)
        text_add(&deep, "d/");
    for (int i = 0; i <= NAME_MAX; i++)
        text_add(&longest, "n");

    const char *names[] = {text_string(&deep), text_string(&longest)};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct error err;
        struct place place = make_place();
        const struct item items[] = {{'d', names[i], NULL, 0}, {0}};
        assert_fails(unpack(place.root, items, &err), ERROR_LIMIT, i == 0 ? "deep" : "long");
        remove_place(&place);
    }
}

static void limits_hold_for_all_layers_together(void **state)
{
    (void)state;
    static const struct {
        struct unpacked before;
        const char *reason;
    } cases[] = {
        {{.entries = UNPACK_ENTRIES_LIMIT - 1}, "entries"},
        {{.bytes = ((uint64_t)UNPACK_MIB_LIMIT << 20) - 4}, "MiB"},
    };
    const struct item items[] = {{'f', "a", "123", 0}, {'f', "b", "123", 0}, {0}};
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_gzip);

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct place place = make_place();
        owned(source) struct source *layer = memory_source(packed->bytes, packed->count);
        struct unpacked so_far = cases[i].before;

        assert_fails(unpack_layer(layer, place.root, &so_far, &err), ERROR_LIMIT,
                     cases[i].reason);
        assert_true(is_there(place.root, "a"));
        assert_false(is_there(place.root, "b"));
        remove_place(&place);
    }
}

/* Cut off anywhere, changed anywhere: an error or not, but never a crash or a way out. */
static void broken_archives_are_refused_or_harmless(void **state)
{
    (void)state;
    const struct item items[] = {
        {'d', "d/", NULL, 0}, {'f', "d/file", "content", 0}, {'l', "l", "d", 0}, {0}};
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_none);
    struct error err;
    struct place place = make_place();

    assert_fails(unpack_bytes(place.root, "", 0, &err), ERROR_INVALID, "broken tar");
    assert_fails(unpack_bytes(place.root, "no archive at all", 17, &err), ERROR_INVALID,
                 "broken tar");
    assert_fails(unpack_bytes(place.root, packed->bytes, 512 + 512 + 3, &err), ERROR_INVALID,
                 "broken tar");
    remove_place(&place);

    for (size_t at = 0; at < 4 * 512; at += 37) {
        place = make_place();
        char before = packed->bytes[at];
        packed->bytes[at] = (char)~before;
        if (!unpack_bytes(place.root, packed->bytes, packed->count, &err))
            assert_true(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        packed->bytes[at] = before;
        remove_place(&place);
    }
}

/* Gives `left` bytes of an archive, then fails. */
struct failing_source {
    struct source source;
    const char *bytes;
    size_t left;
};

static bool failing_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct failing_source *failing = (struct failing_source *)self;

    if (failing->left == 0)
        return error_set(err, ERROR_NETWORK, "the line went dead");
    *count = capacity < failing->left ? capacity : failing->left;
    memcpy(bytes, failing->bytes, *count);
    failing->bytes += *count;
    failing->left -= *count;
    return true;
}

static void the_source_may_fail_anywhere_and_is_quoted(void **state)
{
    (void)state;
    static const struct source_ops ops = {.read = failing_read};
    const struct item items[] = {{'f', "file", "content", 0}, {0}};
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_none);

    /* The last one fails behind the archive's end, as a wrong digest does. */
    for (size_t given = 0; given <= packed->count; given += 256) {
        struct error err;
        struct place place = make_place();
        struct failing_source failing = {{&ops}, packed->bytes, given};
        struct unpacked so_far = {0};

        assert_fails(unpack_layer(&failing.source, place.root, &so_far, &err), ERROR_NETWORK,
                     "the line went dead");
        remove_place(&place);
    }
}

static bool find_file(const struct packed *packed, const char *path, char **bytes,
                      size_t *count, struct error *err)
{
    owned(source) struct source *layer = memory_source(packed->bytes, packed->count);

    return unpack_file(layer, path, 10, bytes, count, err);
}

static void one_file_is_read_into_memory(void **state)
{
    (void)state;
    const struct item items[] = {{'d', "./d", NULL, 0},
                                 {'f', "./d/file", "content", 0},
                                 {'f', "empty", "", 0},
                                 {'l', "link", "d/file", 0},
                                 {'f', "d/twice", "a", 0},
                                 {'f', "d/twice", "later", 0},
                                 {'f', "large", "01234567890", 0},
                                 {0}};
    static const struct {
        const char *path, *content;
    } found[] = {{"d/file", "content"}, {"empty", ""}, {"d/twice", "later"}};
    static const char *const missing[] = {"d", "link", "file", "./d/file"};
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_zstd);
    struct error err;
    size_t count;

    for (size_t i = 0; i < COUNT(found); i++) {
        owned(memory) char *bytes = NULL;
        assert_ok(find_file(packed, found[i].path, &bytes, &count, &err));
        assert_string_equal(bytes, found[i].content);
        assert_int_equal(count, strlen(found[i].content));
    }
    for (size_t i = 0; i < COUNT(missing); i++) {
        char *bytes = NULL;
        assert_fails(find_file(packed, missing[i], &bytes, &count, &err), ERROR_NOT_FOUND,
                     "there is no file '");
        assert_null(bytes);
    }
    char *bytes = NULL;
    assert_fails(find_file(packed, "large", &bytes, &count, &err), ERROR_LIMIT,
                 "'large' is larger than 10 bytes");
}

static void a_file_is_only_found_in_a_layer_that_is_whole(void **state)
{
    (void)state;
    static const struct source_ops ops = {.read = failing_read};
    const struct item items[] = {{'f', "file", "content", 0}, {0}};
    owned(memory) struct packed *packed = pack_with(items, archive_write_add_filter_none);

    for (size_t given = 0; given <= packed->count; given += 256) {
        struct error err;
        struct failing_source failing = {{&ops}, packed->bytes, given};
        char *bytes = NULL;
        size_t count;
        assert_fails(unpack_file(&failing.source, "file", 10, &bytes, &count, &err),
                     ERROR_NETWORK, "the line went dead");
        assert_null(bytes);
    }
}

static void names_stay_the_bytes_they_are(void **state)
{
    (void)state;
    /* e and a combining accent, as one pax record; the locale must not compose them. */
    static const char name[] = "cafe\xcc\x81";
    const struct item items[] = {{'f', name, "x", 0}, {0}};
    struct error err;
    struct place place = make_place();

    setlocale(LC_ALL, "C.UTF-8");
    bool unpacked = unpack(place.root, items, &err);
    setlocale(LC_ALL, "C");
    assert_ok(unpacked);
    assert_true(is_there(place.root, name));
    remove_place(&place);
}

static void a_set_knows_what_was_added(void **state)
{
    (void)state;
    struct inode_set set = {0};

    assert_false(inode_set_has(&set, 7));
    for (ino_t inode = 1; inode < 10000; inode += 3)
        inode_set_add(&set, inode << 16);
    inode_set_add(&set, 1 << 16);
    for (ino_t inode = 1; inode < 10000; inode++)
        assert_int_equal(inode_set_has(&set, inode << 16), inode % 3 == 1);
    assert_int_equal(set.count, 3333);
    inode_set_release(&set);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_folders_and_links_appear_with_their_modes),
        cmocka_unit_test(every_compression_is_understood),
        cmocka_unit_test(devices_and_pipes_are_left_out),
        cmocka_unit_test(whiteouts_hide_what_is_below_and_nothing_else),
        cmocka_unit_test(links_lead_where_they_do_in_a_container),
        cmocka_unit_test(hostile_archives_touch_nothing_outside),
        cmocka_unit_test(names_too_deep_or_too_long_are_refused),
        cmocka_unit_test(limits_hold_for_all_layers_together),
        cmocka_unit_test(broken_archives_are_refused_or_harmless),
        cmocka_unit_test(the_source_may_fail_anywhere_and_is_quoted),
        cmocka_unit_test(one_file_is_read_into_memory),
        cmocka_unit_test(a_file_is_only_found_in_a_layer_that_is_whole),
        cmocka_unit_test(names_stay_the_bytes_they_are),
        cmocka_unit_test(a_set_knows_what_was_added),
    };
    return cmocka_run_group_tests_name("unpack", tests, NULL, NULL);
}
