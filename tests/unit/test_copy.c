/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copying between stores: digests stay, nothing is carried twice, and a copy
 * that breaks at any step shows nothing on the far side and is continued by
 * doing it again.
 */
#include "oci/copy.h"

#include <stdlib.h>
#include <unistd.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/image.h"
#include "oci/layout.h"
#include "tests/support/faulty_store.h"
#include "tests/support/recorded_progress.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static const struct copy_options everything = {.progress = &progress_none};

struct place {
    char *path;
    struct layout *layout;
    struct store *store;
};

static struct place place_new(void)
{
    struct error err;
    struct place place = {.path = temp_folder()};

    assert_ok(layout_open(place.path, true, &place.layout, &err));
    place.store = layout_store(place.layout);
    return place;
}

static void place_free(struct place *place)
{
    layout_free(place->layout);
    temp_folder_remove(place->path);
}

static bool shows(struct place *place, const char *name)
{
    struct error ignored;
    owned(document) struct document document = {0};

    return store_resolve(place->store, name, &document, &ignored);
}

static void an_index_arrives_whole(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct digest index = sample_index(from.layout, "v1");
    struct copy_summary summary;
    owned(image) struct image *image = NULL;
    struct platform_spec arm64;

    assert_ok(image_copy(from.store, "v1", to.store, "v2", &everything, &summary, &err));
    assert_true(digest_equal(&summary.top.digest, &index));
    assert_int_equal(summary.blobs.blobs_carried, 4); /* a config and a layer each */
    assert_ok(platform_spec_parse("linux/arm64", &arm64, &err));
    assert_ok(image_open(to.store, "v2", &arm64, &image, &err));

    assert_ok(image_copy(from.store, "v1", to.store, "v3", &everything, &summary, &err));
    assert_int_equal(summary.blobs.blobs_carried, 0);
    assert_int_equal(summary.blobs.blobs_there, 4);
    place_free(&from);
    place_free(&to);
}

static void a_manifest_has_the_size_its_index_says(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct platform_spec arm64;
    struct copy_options one = {.progress = &progress_none, .platform = &arm64};
    struct copy_summary summary;
    owned(document) struct document document = {0};
    json_owned json_t *index = NULL;

    sample_index(from.layout, "v1");
    assert_ok(platform_spec_parse("linux/arm64", &arm64, &err));
    assert_ok(store_resolve(from.store, "v1", &document, &err));
    assert_ok(document_parse(&document, &index, &err));
    json_object_set_new(json_array_get(json_object_get(index, "manifests"), 1), "size",
                        json_integer(5));
    document_release(&document);
    assert_ok(document_write(index, &document, &err));
    assert_ok(store_put_manifest(from.store, "v2", &document, &err));
    assert_fails(image_copy(from.store, "v2", to.store, "v2", &everything, &summary, &err),
                 ERROR_INVALID, "bytes instead of 5");
    assert_fails(image_copy(from.store, "v2", to.store, "v2", &one, &summary, &err),
                 ERROR_INVALID, "bytes instead of 5");
    assert_false(shows(&to, "v2"));
    place_free(&from);
    place_free(&to);
}

static void layers_that_may_not_be_distributed_stay(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct copy_summary summary;
    owned(document) struct document document =
        sample_image(from.layout, "v1", "linux/amd64", NULL);
    json_owned json_t *manifest = NULL;

    assert_ok(document_parse(&document, &manifest, &err));
    json_object_set_new(
        json_array_get(json_object_get(manifest, "layers"), 0), "mediaType",
        json_string("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"));
    document_release(&document);
    assert_ok(document_write(manifest, &document, &err));
    assert_ok(store_put_manifest(from.store, "v2", &document, &err));
    assert_fails(image_copy(from.store, "v2", to.store, "v2", &everything, &summary, &err),
                 ERROR_INVALID, "may not be distributed");
    assert_false(shows(&to, "v2"));
    place_free(&from);
    place_free(&to);
}

static void one_platform_can_be_taken_alone(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct platform_spec arm64;
    struct copy_options options = {.platform = &arm64, .progress = &progress_none};
    struct copy_summary summary;

    sample_index(from.layout, "v1");
    assert_ok(platform_spec_parse("linux/arm64", &arm64, &err));
    assert_ok(image_copy(from.store, "v1", to.store, "v1", &options, &summary, &err));
    assert_int_equal(summary.top.media_type, MEDIA_TYPE_OCI_MANIFEST);
    assert_int_equal(summary.blobs.blobs_carried, 2);
    place_free(&from);
    place_free(&to);
}

/* Lets every call of one side in turn be the one that fails, until none does. */
static void break_anywhere(bool far_side)
{
    struct place from = place_new();
    bool copied = false;

    sample_index(from.layout, "v1");
    for (int calls = 0; !copied; calls++) {
        struct error err;
        struct place to = place_new();
        struct faulty_store faulty;
        struct copy_summary summary;
        faulty_store_init(&faulty, far_side ? to.store : from.store);
        faulty.calls_left = calls;

        copied =
            image_copy(far_side ? from.store : &faulty.store, "v1",
                       far_side ? &faulty.store : to.store, "v1", &everything, &summary, &err);
        assert_int_equal(shows(&to, "v1"), copied);
        if (!copied) {
            assert_int_equal(err.kind, ERROR_NETWORK);
            faulty.calls_left = -1;
            assert_ok(
                image_copy(from.store, "v1", to.store, "v1", &everything, &summary, &err));
            assert_true(shows(&to, "v1"));
        }
        place_free(&to);
        assert_in_range(calls, 0, 100);
    }
    place_free(&from);
}

static void a_copy_may_break_anywhere_on_the_far_side(void **state)
{
    (void)state;
    break_anywhere(true);
}

static void a_copy_may_break_anywhere_on_the_near_side(void **state)
{
    (void)state;
    break_anywhere(false);
}

static void errors_name_the_blob(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct faulty_store faulty;
    struct copy_summary summary;
    owned(document) struct document document =
        sample_image(from.layout, "v1", "linux/amd64", NULL);

    faulty_store_init(&faulty, to.store);
    faulty.calls_left = 0;
    assert_fails(image_copy(from.store, "v1", &faulty.store, "v1", &everything, &summary, &err),
                 ERROR_NETWORK, "blob sha256:");
    place_free(&from);
    place_free(&to);
}

static void two_stores_are_read_as_one(void **state)
{
    (void)state;
    struct error err;
    struct place upper = place_new(), lower = place_new(), to = place_new();
    struct copy_summary summary;
    owned(document) struct document image =
        sample_image(lower.layout, "v1", "linux/amd64", NULL);
    owned(image) struct image *base = NULL;
    owned(image) struct image *derived = NULL;

    /* The derived image's config and manifest are above, its layer is below. */
    assert_ok(image_open(lower.store, "v1", NULL, &base, &err));
    assert_ok(
        image_derive(base, &(struct image_edit){.created = 5}, upper.store, &derived, &err));
    owned(store) struct store *both = store_union(upper.store, lower.store);
    struct digest_text name = digest_format(&image_document(derived)->descriptor.digest);
    assert_ok(image_copy(both, name.text, to.store, "v1", &everything, &summary, &err));
    assert_int_equal(summary.blobs.blobs_carried, 2);

    assert_fails(image_copy(both, "v9", to.store, "v1", &everything, &summary, &err),
                 ERROR_NOT_FOUND, "no tag 'v9'");
    assert_false(both->ops->put_manifest(both, "v1", &image, &err));
    place_free(&upper);
    place_free(&lower);
    place_free(&to);
}

/* A far side that takes a part of every blob, begins again and takes it whole. */
struct fickle_store {
    struct store store;
    struct store *inner;
    int rewound;
    int refused;
};

static bool fickle_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                            struct error *err)
{
    struct store *inner = ((struct fickle_store *)self)->inner;

    return inner->ops->has_blob(inner, blob, found, err);
}

static bool fickle_put_blob(struct store *self, const struct descriptor *blob,
                            struct source *bytes, struct error *err)
{
    struct fickle_store *fickle = (struct fickle_store *)self;
    char part[16];
    size_t count;

    if (!source_read(bytes, part, sizeof part, &count, err)) {
        __atomic_fetch_add(&fickle->refused, !source_rewind(bytes), __ATOMIC_SEQ_CST);
        return false;
    }
    __atomic_fetch_add(&fickle->rewound, source_rewind(bytes), __ATOMIC_SEQ_CST);
    return fickle->inner->ops->put_blob(fickle->inner, blob, bytes, err);
}

static bool fickle_put_manifest(struct store *self, const char *tag,
                                const struct document *manifest, struct error *err)
{
    return store_put_manifest(((struct fickle_store *)self)->inner, tag, manifest, err);
}

static const struct store_ops fickle_ops = {
    .has_blob = fickle_has_blob,
    .put_blob = fickle_put_blob,
    .put_manifest = fickle_put_manifest,
};

static void a_far_side_may_begin_a_blob_again(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct fickle_store fickle = {{&fickle_ops}, to.store, 0, 0};
    owned(recorded_progress) struct recorded_progress recorded;
    struct copy_summary summary;

    sample_index(from.layout, "v1");
    recorded_progress_init(&recorded);
    const struct copy_options options = {.progress = &recorded.progress};
    assert_ok(image_copy(from.store, "v1", &fickle.store, "v1", &options, &summary, &err));
    assert_int_equal(fickle.rewound, 4);
    assert_int_equal(summary.blobs.blobs_carried, 4);
    assert_true(shows(&to, "v1"));
    assert_int_equal(recorded.bytes, summary.blobs.bytes_carried); /* not more */
    place_free(&from);
    place_free(&to);
}

static void a_near_side_that_failed_does_not_begin_again(void **state)
{
    (void)state;
    struct error err;
    struct place from = place_new(), to = place_new();
    struct fickle_store fickle = {{&fickle_ops}, to.store, 0, 0};
    struct copy_summary summary;
    owned(document) struct document document =
        sample_image(from.layout, "v1", "linux/amd64", NULL);
    owned(image) struct image *image = NULL;

    assert_ok(image_open(from.store, "v1", NULL, &image, &err));
    struct digest_text name = digest_format(&image_layer(image, 0)->blob.digest);
    owned(memory) char *layer =
        text_format("%s/blobs/sha256/%s", from.path, strchr(name.text, ':') + 1);
    assert_int_equal(truncate(layer, 0), 0);
    assert_false(
        image_copy(from.store, "v1", &fickle.store, "v1", &everything, &summary, &err));
    assert_int_equal(fickle.refused, 1);
    assert_false(shows(&to, "v1"));
    place_free(&from);
    place_free(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_index_arrives_whole),
        cmocka_unit_test(a_manifest_has_the_size_its_index_says),
        cmocka_unit_test(layers_that_may_not_be_distributed_stay),
        cmocka_unit_test(one_platform_can_be_taken_alone),
        cmocka_unit_test(a_copy_may_break_anywhere_on_the_far_side),
        cmocka_unit_test(a_copy_may_break_anywhere_on_the_near_side),
        cmocka_unit_test(errors_name_the_blob),
        cmocka_unit_test(a_far_side_may_begin_a_blob_again),
        cmocka_unit_test(a_near_side_that_failed_does_not_begin_again),
        cmocka_unit_test(two_stores_are_read_as_one),
    };
    return cmocka_run_group_tests_name("copy", tests, NULL, NULL);
}
