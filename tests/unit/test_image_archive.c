/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Archives as stores: an image goes in and comes out the same, the file is there
 * complete or not at all, and equal images give equal files.
 */
#include "layers/image_archive.h"

#include "layers/layers_compress.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/progress.h"
#include "oci/base/text.h"
#include "oci/copy.h"
#include "oci/image.h"
#include "tests/support/faulty_store.h"
#include "tests/support/raw_tar.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

#define APP "docker.io/library/app:v1"

struct fixture {
    char *folder; /* for what comes together */
    char *home;   /* for archives */
    char *path;
    struct layout *layout;
};

static int set_up(void **state)
{
    struct error err;
    struct fixture *fixture = memory_new(1, sizeof *fixture);

    fixture->folder = temp_folder();
    fixture->home = temp_folder();
    fixture->path = text_format("%s/a.tar", fixture->home);
    assert_ok(layout_open(fixture->folder, true, &fixture->layout, &err));
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    layout_free(fixture->layout);
    temp_folder_remove(fixture->folder);
    temp_folder_remove(fixture->home);
    free(fixture->path);
    free(fixture);
    return 0;
}

typedef bool open_function(const char *path, const char *folder, struct store **out,
                           struct error *err);

static bool carry(const struct fixture *fixture, struct store *from, const char *name,
                  open_function *create, const char *tag, struct error *err)
{
    owned(store) struct store *to = NULL;
    struct copy_options options = {.progress = &progress_none};
    struct copy_summary summary;

    return create(fixture->path, fixture->folder, &to, err) &&
           image_copy(from, name, to, tag, &options, &summary, err);
}

static void an_index_comes_out_of_an_oci_archive_as_it_went_in(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    owned(store) struct store *archive = NULL;
    owned(memory) char *back_path = text_format("%s/back", fixture->home);
    owned(layout) struct layout *back = NULL;
    struct copy_options options = {.progress = &progress_none};
    struct copy_summary summary;
    json_owned json_t *tags = NULL;

    struct digest digest = sample_index(fixture->layout, "v1");
    assert_ok(
        carry(fixture, layout_store(fixture->layout), "v1", oci_archive_create, "v2", &err));
    assert_ok(oci_archive_open(fixture->path, fixture->folder, &archive, &err));
    assert_ok(layout_open(back_path, true, &back, &err));
    assert_ok(image_copy(archive, "v2", layout_store(back), "v3", &options, &summary, &err));
    assert_true(digest_equal(&summary.top.digest, &digest));
    assert_int_equal(summary.blobs.blobs_carried, 4);
    assert_ok(store_list_tags(archive, &tags, &err));
    assert_int_equal(json_array_size(tags), 1);
    assert_string_equal(json_string_value(json_array_get(tags, 0)), "v2");
    owned(document) struct document document = {0};
    assert_fails(store_resolve(archive, "v9", &document, &err), ERROR_NOT_FOUND, "v2");
}

static void a_docker_archive_holds_plain_layers_that_can_be_compressed_again(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    owned(store) struct store *archive = NULL;
    owned(image) struct image *before = NULL;
    owned(image) struct image *plain = NULL;
    owned(image) struct image *after = NULL;
    owned(document) struct document sample =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    struct store *layout = layout_store(fixture->layout);

    assert_ok(carry(fixture, layout, "v1", docker_archive_create, APP, &err));
    assert_ok(docker_archive_open(fixture->path, fixture->folder, &archive, &err));
    assert_ok(image_open(layout, "v1", NULL, &before, &err));
    assert_ok(image_open(archive, APP, NULL, &plain, &err));
    assert_int_equal(image_layer(plain, 0)->blob.media_type, MEDIA_TYPE_OCI_LAYER_TAR);
    assert_true(
        digest_equal(&image_layer(plain, 0)->blob.digest, &image_layer(before, 0)->diff_id));
    assert_true(json_equal(image_config(plain), image_config(before)));

    assert_ok(layers_compress(archive, plain, fixture->layout, &progress_none, &after, &err));
    assert_true(digest_equal(&image_layer(after, 0)->blob.digest,
                             &image_layer(before, 0)->blob.digest));
    assert_int_equal(image_layer(after, 0)->blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
}

static void equal_images_give_equal_files(void **state)
{
    open_function *const ways[] = {oci_archive_create, docker_archive_create};
    const struct fixture *fixture = *state;
    owned(document) struct document sample =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct error err;
        owned(memory) char *first = NULL;
        owned(memory) char *second = NULL;
        size_t first_size;
        size_t second_size;
        struct store *layout = layout_store(fixture->layout);
        assert_ok(carry(fixture, layout, "v1", ways[i], "", &err));
        assert_ok(file_read(fixture->path, 1 << 20, &first, &first_size, &err));
        assert_ok(carry(fixture, layout, "v1", ways[i], "", &err)); /* in its place */
        assert_ok(file_read(fixture->path, 1 << 20, &second, &second_size, &err));
        assert_int_equal(first_size, second_size);
        assert_memory_equal(first, second, first_size);
    }
    assert_int_equal(temp_folder_count(fixture->home), 1);
}

static void an_index_is_refused_before_anything_is_carried(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;

    sample_index(fixture->layout, "v1");
    assert_fails(
        carry(fixture, layout_store(fixture->layout), "v1", docker_archive_create, "", &err),
        ERROR_USAGE, "--platform: linux/amd64, linux/arm64");
    assert_int_equal(temp_folder_count(fixture->home), 0);
}

static void a_copy_that_breaks_anywhere_leaves_no_file(void **state)
{
    open_function *const ways[] = {oci_archive_create, docker_archive_create};
    const struct fixture *fixture = *state;
    owned(document) struct document sample =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    size_t before = temp_folder_count(fixture->folder);

    for (size_t i = 0; i < COUNT(ways); i++) {
        struct error err;
        bool carried = false;
        for (int breaks_at = 0; !carried; breaks_at++) {
            struct faulty_store faulty;
            faulty_store_init(&faulty, layout_store(fixture->layout));
            faulty.calls_left = breaks_at;
            carried = carry(fixture, &faulty.store, "v1", ways[i], "", &err);
            assert_int_equal(temp_folder_count(fixture->home), carried);
            assert_int_equal(temp_folder_count(fixture->folder), before);
        }
        assert_int_equal(unlink(fixture->path), 0);
    }
}

static void the_place_is_looked_at_first(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    struct store *store;
    owned(memory) char *deep = text_format("%s/no/a.tar", fixture->home);

    assert_fails(oci_archive_create(deep, fixture->folder, &store, &err), ERROR_NOT_FOUND,
                 "no folder");
    assert_fails(docker_archive_create(fixture->home, fixture->folder, &store, &err),
                 ERROR_INVALID, "not a regular file");

    /* Root may write anywhere, so somebody else tries. */
    uid_t user = geteuid();
    assert_int_equal(chmod(fixture->home, 0555), 0);
    assert_int_equal(user == 0 ? seteuid(65534) : 0, 0);
    bool made = oci_archive_create(fixture->path, fixture->folder, &store, &err);
    assert_int_equal(seteuid(user), 0);
    assert_int_equal(chmod(fixture->home, 0755), 0);
    owned(memory) char *says = text_format("write in '%s/': Permission denied", fixture->home);
    assert_fails(made, ERROR_SYSTEM, says);
}

#define CONFIG                                                                                 \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":[\"sha256:"         \
    "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"]}}"
#define ENTRY(tag) "{\"Config\":\"c.json\",\"RepoTags\":[\"" tag "\"],\"Layers\":[\"l.tar\"]}"

static bool open_docker(const struct fixture *fixture, const char *manifest, const char *config,
                        const char *layer, struct store **out, struct error *err)
{
    owned(text) struct text tar = {0};

    if (manifest)
        raw_tar_file(&tar, "manifest.json", manifest);
    raw_tar_file(&tar, "c.json", config);
    raw_tar_file(&tar, "l.tar", layer);
    raw_tar_end(&tar);
    return file_write(fixture->path, 0644, tar.bytes, tar.length, err) &&
           docker_archive_open(fixture->path, fixture->folder, out, err);
}

static void images_are_found_as_docker_and_others_write_their_names(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    owned(store) struct store *archive = NULL;
    owned(document) struct document document = {0};

    assert_ok(open_docker(fixture,
                          "[" ENTRY("alpine:3.20") "," ENTRY("docker.io/team/app:1") "]",
                          CONFIG, "hello", &archive, &err));
    assert_ok(store_resolve(archive, "docker.io/library/alpine:3.20", &document, &err));
    document_release(&document);
    assert_ok(store_resolve(archive, "docker.io/team/app:1", &document, &err));
    document_release(&document);
    assert_fails(store_resolve(archive, "", &document, &err), ERROR_NOT_FOUND, "say which");
    assert_fails(store_resolve(archive, APP, &document, &err), ERROR_NOT_FOUND, "alpine:3.20");
}

static void a_layer_that_is_not_what_its_name_says_is_noticed(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    owned(store) struct store *archive = NULL;
    owned(image) struct image *image = NULL;
    struct image *compressed;

    assert_ok(open_docker(fixture, "[" ENTRY("a") "]", CONFIG, "HELLO", &archive, &err));
    assert_ok(image_open(archive, "", NULL, &image, &err));
    assert_fails(
        layers_compress(archive, image, fixture->layout, &progress_none, &compressed, &err),
        ERROR_INVALID, "content has digest");
}

static void broken_docker_archives_say_what_is_wrong(void **state)
{
    static const struct {
        const char *manifest;
        const char *config;
        const char *reason;
    } cases[] = {
        {NULL, CONFIG, "no manifest.json"},
        {"[]", CONFIG, "lists no image"},
        {"{}", CONFIG, "lists no image"},
        {"[1]", CONFIG, "Config"},
        {"[", CONFIG, "manifest.json"},
        {"[{\"Config\":\"../c.json\",\"Layers\":[]}]", CONFIG, "leads out of the archive"},
        {"[{\"Config\":\"c.json\",\"Layers\":[]}]", CONFIG, "0 layers but 1 diff ids"},
        {"[{\"Config\":\"c.json\",\"Layers\":[1]}]", CONFIG, "layer 1 has no name"},
        {"[" ENTRY("a") "]", "{}", "rootfs"},
        {"[" ENTRY("a") "]", "{\"rootfs\":{\"diff_ids\":[\"sha256:1\"]}}", "64 digits"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct store *archive;
        assert_fails(
            open_docker(*state, cases[i].manifest, cases[i].config, "hello", &archive, &err),
            ERROR_INVALID, cases[i].reason);
    }
}

static void what_is_no_oci_archive_says_so(void **state)
{
    const struct fixture *fixture = *state;
    struct error err;
    struct store *archive;
    owned(text) struct text tar = {0};

    raw_tar_file(&tar, "something", "else");
    raw_tar_end(&tar);
    assert_ok(file_write(fixture->path, 0644, tar.bytes, tar.length, &err));
    assert_fails(oci_archive_open(fixture->path, fixture->folder, &archive, &err),
                 ERROR_INVALID, "no index.json");
}

int main(void)
{
#define WITH_FIXTURE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        WITH_FIXTURE(an_index_comes_out_of_an_oci_archive_as_it_went_in),
        WITH_FIXTURE(a_docker_archive_holds_plain_layers_that_can_be_compressed_again),
        WITH_FIXTURE(equal_images_give_equal_files),
        WITH_FIXTURE(an_index_is_refused_before_anything_is_carried),
        WITH_FIXTURE(a_copy_that_breaks_anywhere_leaves_no_file),
        WITH_FIXTURE(the_place_is_looked_at_first),
        WITH_FIXTURE(images_are_found_as_docker_and_others_write_their_names),
        WITH_FIXTURE(a_layer_that_is_not_what_its_name_says_is_noticed),
        WITH_FIXTURE(broken_docker_archives_say_what_is_wrong),
        WITH_FIXTURE(what_is_no_oci_archive_says_so),
    };
    return cmocka_run_group_tests_name("image_archive", tests, NULL, NULL);
}
