/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layouts: a folder that others' tools read, in which nothing appears by halves.
 */
#include "oci/layout.h"

#include <stdlib.h>
#include <sys/stat.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/temp_layout.h"
#include "tests/support/unit.h"

static size_t blob_count(const struct temp_layout *fixture)
{
    owned(memory) char *path = text_format("%s/blobs/sha256", fixture->path);

    return temp_folder_count(path);
}

static void only_an_empty_place_becomes_a_layout(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct layout *layout;
    owned(memory) char *missing = text_format("%s/missing/deep", fixture->path);
    owned(memory) char *other = text_format("%s/blobs", fixture->path);

    assert_fails(layout_open(missing, false, &layout, &err), ERROR_NOT_FOUND,
                 "no image layout");
    assert_false(file_exists(missing));
    assert_fails(layout_open(other, true, &layout, &err), ERROR_INVALID,
                 "is not an image layout");
    assert_ok(layout_open(fixture->path, false, &layout, &err));
    layout_free(layout);
}

static void a_new_folder_without_a_blob_goes_again(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct layout *layout;
    owned(memory) char *empty = text_format("%s/empty", fixture->path);
    owned(memory) char *fresh = text_format("%s/missing/deep", fixture->path);
    struct descriptor blob;
    struct sink *sink;

    assert_ok(folder_make(empty, &err));
    assert_ok(layout_open(empty, true, &layout, &err));
    layout_free(layout);
    assert_true(file_exists(empty)); /* it was there before */

    assert_ok(layout_open(fresh, true, &layout, &err));
    layout_free(layout);
    assert_false(file_exists(fresh));

    assert_ok(layout_open(fresh, true, &layout, &err));
    assert_ok(layout_blob_sink(layout, &blob, &sink, &err));
    assert_ok(sink_finish(sink, &err));
    layout_free(layout);
    assert_ok(layout_open(fresh, false, &layout, &err));
    layout_free(layout);
}

static void new_bytes_find_their_place(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct descriptor blob = {MEDIA_TYPE_OTHER, {{0}}, 0};
    struct sink *sink;
    bool found;

    assert_ok(layout_blob_sink(fixture->layout, &blob, &sink, &err));
    assert_ok(sink_write(sink, "some", 4, &err));
    assert_ok(sink_write(sink, " bytes", 6, &err));
    assert_ok(sink_finish(sink, &err));

    struct digest expected = digest_of("some bytes", 10);
    assert_int_equal(blob.size, 10);
    assert_true(digest_equal(&blob.digest, &expected));
    assert_ok(fixture->store->ops->has_blob(fixture->store, &blob, &found, &err));
    assert_true(found);
    owned(memory) char *bytes = NULL;
    assert_ok(store_read_blob(fixture->store, &blob, &bytes, &err));
    assert_string_equal(bytes, "some bytes");
}

static void half_a_blob_is_never_there(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct descriptor blob = {MEDIA_TYPE_OTHER, digest_of("whole", 5), 5};
    struct sink *sink;

    assert_ok(layout_blob_sink(fixture->layout, &blob, &sink, &err));
    assert_ok(sink_write(sink, "who", 3, &err));
    sink_free(sink);
    assert_int_equal(blob_count(fixture), 0);

    struct descriptor promised = {MEDIA_TYPE_OTHER, digest_of("whole", 5), 5};
    owned(source) struct source *wrong =
        descriptor_verify(&promised, memory_source("wrong", 5));
    assert_fails(fixture->store->ops->put_blob(fixture->store, &promised, wrong, &err),
                 ERROR_INVALID, "content has digest");
    assert_int_equal(blob_count(fixture), 0);
}

static void a_damaged_blob_is_noticed_when_read(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    owned(document) struct document image =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    owned(memory) char *path =
        text_format("%s/blobs/sha256/%s", fixture->path,
                    digest_format(&image.descriptor.digest).text + strlen("sha256:"));
    owned(document) struct document read = {0};

    assert_ok(file_write(path, 0644, "{}", 2, &err));
    assert_fails(store_resolve(fixture->store, "v1", &read, &err), ERROR_INVALID, "has digest");
}

static void tags_move_and_names_are_found(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    owned(document) struct document old =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    owned(document) struct document new =
        sample_image(fixture->layout, "v1", "linux/arm64", NULL);
    owned(document) struct document found = {0};

    assert_ok(store_resolve(fixture->store, "", &found, &err)); /* the only one */
    assert_true(digest_equal(&found.descriptor.digest, &new.descriptor.digest));
    document_release(&found);
    assert_ok(store_resolve(fixture->store, digest_format(&old.descriptor.digest).text, &found,
                            &err));
    document_release(&found);
    assert_fails(store_resolve(fixture->store, "v3", &found, &err), ERROR_NOT_FOUND,
                 "there is v1");

    document_release(&old);
    old = sample_image(fixture->layout, "v2", "linux/amd64", NULL);
    assert_fails(store_resolve(fixture->store, "", &found, &err), ERROR_NOT_FOUND,
                 "no tag 'latest'");
    assert_fails(store_resolve(fixture->store, "v3", &found, &err), ERROR_NOT_FOUND,
                 "there are v1, v2");
    assert_ok(store_resolve(fixture->store, "v2", &found, &err));

    json_owned json_t *tags = NULL;
    assert_ok(store_list_tags(fixture->store, &tags, &err));
    assert_int_equal(json_array_size(tags), 2);
    assert_string_equal(json_string_value(json_array_get(tags, 0)), "v1");
    assert_string_equal(json_string_value(json_array_get(tags, 1)), "v2");
}

static void a_broken_index_is_named(void **state)
{
    const struct temp_layout *fixture = *state;
    static const struct {
        const char *index;
        const char *reason;
    } cases[] = {
        {"{", "not JSON"},
        {"{}", "'manifests' is missing"},
        {"{\"manifests\":[{}]}", "'mediaType' is missing"},
        {"{\"manifests\":1}", "'manifests' is not an array"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(document) struct document found = {0};
        owned(memory) char *path = text_format("%s/index.json", fixture->path);
        assert_ok(file_write(path, 0644, cases[i].index, strlen(cases[i].index), &err));
        assert_fails(store_resolve(fixture->store, "", &found, &err), ERROR_INVALID,
                     cases[i].reason);
    }
}

static void collecting_keeps_what_tags_lead_to(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;

    sample_index(fixture->layout, "keep");
    size_t kept = blob_count(fixture);
    owned(document) struct document gone =
        sample_image(fixture->layout, "drop", "linux/s390x", NULL);
    assert_true(blob_count(fixture) > kept);

    assert_ok(layout_remove_tag(fixture->layout, "drop", &err));
    assert_ok(layout_remove_tag(fixture->layout, "drop", &err)); /* missing is fine */
    assert_ok(layout_collect(fixture->layout, &err));
    assert_int_equal(blob_count(fixture), kept);

    owned(document) struct document found = {0};
    assert_ok(store_resolve(fixture->store, "keep", &found, &err));
    assert_ok(layout_remove_tag(fixture->layout, "keep", &err));
    assert_ok(layout_collect(fixture->layout, &err));
    assert_int_equal(blob_count(fixture), 0);
}

int main(void)
{
#define WITH_LAYOUT(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, temp_layout_set_up, temp_layout_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LAYOUT(only_an_empty_place_becomes_a_layout),
        WITH_LAYOUT(a_new_folder_without_a_blob_goes_again),
        WITH_LAYOUT(new_bytes_find_their_place),
        WITH_LAYOUT(half_a_blob_is_never_there),
        WITH_LAYOUT(a_damaged_blob_is_noticed_when_read),
        WITH_LAYOUT(tags_move_and_names_are_found),
        WITH_LAYOUT(a_broken_index_is_named),
        WITH_LAYOUT(collecting_keeps_what_tags_lead_to),
    };
    return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
