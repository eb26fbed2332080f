/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images: found for a platform, changed only by deriving, and equal when what
 * went in was equal.
 */
#include "oci/image.h"

#include <stdlib.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/index.h"
#include "tests/support/sample_image.h"
#include "tests/support/temp_layout.h"
#include "tests/support/unit.h"

static struct platform_spec platform(const char *text)
{
    struct error err;
    struct platform_spec out;

    assert_ok(platform_spec_parse(text, &out, &err));
    return out;
}

static void an_index_is_searched_for_the_platform(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct platform_spec arm64 = platform("linux/arm64");
    struct platform_spec s390x = platform("linux/s390x");
    owned(image) struct image *image = NULL;

    sample_index(fixture->layout, "v1");
    assert_ok(image_open(fixture->store, "v1", &arm64, &image, &err));
    assert_string_equal(image_platform(image)->architecture, "arm64");
    assert_int_equal(image_layer_count(image), 1);

    struct image *none;
    assert_fails(image_open(fixture->store, "v1", &s390x, &none, &err), ERROR_NOT_FOUND,
                 "no image for linux/s390x; there are linux/amd64, linux/arm64");
    assert_fails(image_open(fixture->store, "v1", NULL, &none, &err), ERROR_INVALID,
                 "it is an index");
}

/* An index over documents without saying what they are for. */
static struct descriptor put_index(const struct temp_layout *fixture, const char *tag,
                                   const struct descriptor *children, size_t count)
{
    struct error err;
    owned(document) struct document index = {0};
    json_owned json_t *json = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
                                        media_type_name(MEDIA_TYPE_OCI_INDEX), "manifests");

    for (size_t i = 0; i < count; i++)
        json_array_append_new(json_object_get(json, "manifests"),
                              descriptor_write(&children[i]));
    assert_ok(document_write(json, &index, &err));
    assert_ok(store_put_manifest(fixture->store, tag, &index, &err));
    return index.descriptor;
}

static void indexes_within_the_index_are_searched_too(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct platform_spec arm64 = platform("linux/arm64");
    struct platform_spec armv7 = platform("linux/arm/v7");
    struct platform_spec s390x = platform("linux/s390x");
    owned(document) struct document lone =
        sample_image(fixture->layout, NULL, "linux/arm/v7", NULL);
    const struct index_entry entry = {.descriptor = lone.descriptor, .platform = armv7};
    owned(document) struct document small = {0};
    owned(document) struct document index = {0};
    owned(image) struct image *image = NULL;
    owned(image) struct image *other = NULL;
    struct image *none;

    sample_index(fixture->layout, "inner");
    assert_ok(store_resolve(fixture->store, "inner", &index, &err));
    assert_ok(index_write(&entry, 1, &small, &err));
    assert_ok(store_put_manifest(fixture->store, NULL, &small, &err));
    const struct descriptor inner[] = {small.descriptor, index.descriptor};
    put_index(fixture, "outer", inner, COUNT(inner));
    assert_ok(image_open(fixture->store, "outer", &arm64, &image, &err));
    assert_string_equal(image_platform(image)->architecture, "arm64");
    assert_ok(image_open(fixture->store, "outer", &armv7, &other, &err));
    assert_string_equal(image_platform(other)->architecture, "arm");
    assert_fails(image_open(fixture->store, "outer", &s390x, &none, &err), ERROR_NOT_FOUND,
                 "no image for linux/s390x");
}

static void indexes_without_end_are_not_searched(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct platform_spec amd64 = platform("linux/amd64");
    struct descriptor many[120];
    struct descriptor deep = put_index(fixture, NULL, NULL, 0);
    struct image *none;

    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = deep;
    put_index(fixture, "wide", many, COUNT(many));
    assert_fails(image_open(fixture->store, "wide", &amd64, &none, &err), ERROR_LIMIT,
                 "more than 100 indexes");
    for (int i = 0; i < 4; i++)
        deep = put_index(fixture, "deep", &deep, 1);
    assert_fails(image_open(fixture->store, "deep", &amd64, &none, &err), ERROR_LIMIT,
                 "nested deeper");
}

static void a_lone_entry_need_not_name_its_platform(void **state)
{
    (void)state;
    struct error err;
    struct index_entry lone = {.descriptor = {.size = 1}};
    struct platform_spec amd64 = platform("linux/amd64");
    struct descriptor picked;

    assert_ok(index_pick(&lone, 1, &amd64, &picked, &err));
    assert_int_equal(picked.size, 1);
    lone.is_attestation = true;
    assert_fails(index_pick(&lone, 1, &amd64, &picked, &err), ERROR_NOT_FOUND, "none");
}

static void a_single_image_must_be_for_the_platform(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct platform_spec amd64 = platform("linux/amd64");
    struct image *none;
    owned(document) struct document document =
        sample_image(fixture->layout, "v1", "linux/arm64", NULL);

    assert_fails(image_open(fixture->store, "v1", &amd64, &none, &err), ERROR_NOT_FOUND,
                 "no image for linux/amd64; there is linux/arm64");
}

static struct image *derive(const struct temp_layout *fixture, const struct image_edit *edit)
{
    struct error err;
    struct platform_spec amd64 = platform("linux/amd64");
    owned(image) struct image *base = NULL;
    struct image *derived;

    sample_index(fixture->layout, "base");
    assert_ok(image_open(fixture->store, "base", &amd64, &base, &err));
    assert_ok(image_derive(base, edit, fixture->store, &derived, &err));
    return derived;
}

static const struct image_addition addition = {
    .layer = {.blob = {MEDIA_TYPE_OCI_LAYER_GZIP, {{1}}, 10}, .diff_id = {{2}}},
    .created_by = "the test",
};

static const char *const variables[] = {"PATH=/opt:/bin", "NEW=1", NULL};
static const char *const entrypoint[] = {"/start", NULL};
static const char *const command[] = {"a", "b", NULL};

static const struct image_edit edit = {
    .additions = &addition,
    .addition_count = 1,
    .environment = variables,
    .entrypoint = entrypoint,
    .command = command,
    .working_directory = "/work",
    .base_name = "docker.io/library/base:1",
    .created = 86400,
};

static void a_derived_image_has_what_was_asked_for(void **state)
{
    owned(image) struct image *image = derive(*state, &edit);
    const json_t *config = image_config(image);
    const json_t *annotations = json_object_get(image_manifest(image), "annotations");
    json_owned json_t *expected =
        json_pack("{s:[s,s,s], s:[s], s:[s,s], s:s}", "Env", "PATH=/opt:/bin", "LANG=C",
                  "NEW=1", "Entrypoint", "/start", "Cmd", "a", "b", "WorkingDir", "/work");

    assert_true(json_equal(json_object_get(config, "config"), expected));
    assert_string_equal(json_optional_string(config, "created"), "1970-01-02T00:00:00Z");
    assert_int_equal(image_layer_count(image), 2);
    assert_int_equal(image_layer(image, 1)->diff_id.bytes[0], 2);
    assert_int_equal(json_array_size(json_object_get(config, "history")), 2);
    assert_string_equal(json_optional_string(annotations, "org.opencontainers.image.base.name"),
                        "docker.io/library/base:1");
    assert_non_null(json_optional_string(annotations, "org.opencontainers.image.base.digest"));
}

static void fields_we_do_not_know_are_kept(void **state)
{
    owned(image) struct image *image = derive(*state, &edit);

    assert_non_null(json_object_get(json_object_get(image_config(image), "x-unknown"), "kept"));
    assert_string_equal(
        json_optional_string(json_object_get(image_manifest(image), "annotations"), "kept"),
        "too");
}

static void equal_edits_give_equal_images(void **state)
{
    owned(image) struct image *one = derive(*state, &edit);
    owned(image) struct image *two = derive(*state, &edit);

    assert_true(digest_equal(&image_document(one)->descriptor.digest,
                             &image_document(two)->descriptor.digest));
}

static void an_edit_of_nothing_keeps_how_the_base_runs(void **state)
{
    const struct temp_layout *fixture = *state;
    owned(image) struct image *image = derive(fixture, &(struct image_edit){0});
    owned(memory) const char **words = image_command(image);
    owned(memory) const char **none = image_entrypoint(image);

    assert_string_equal(words[0], "/bin/sh");
    assert_null(words[1]);
    assert_null(none[0]);
    assert_null(image_working_directory(image));
    assert_int_equal(image_layer_count(image), 1);
}

/* Puts a manifest made of `manifest` and a config made of `config` and opens it. */
static bool open_made_of(const struct temp_layout *fixture, const char *manifest,
                         const char *config, struct error *err)
{
    struct descriptor blob = {MEDIA_TYPE_OCI_CONFIG, digest_of(config, strlen(config)),
                              strlen(config)};
    owned(source) struct source *bytes = memory_source(config, strlen(config));
    owned(document) struct document document = {0};
    owned(image) struct image *image = NULL;
    json_owned json_t *json = NULL;

    assert_true(fixture->store->ops->put_blob(fixture->store, &blob, bytes, err));
    assert_true(json_parse(manifest, strlen(manifest), &json, err));
    if (!json_object_get(json, "config"))
        json_object_set_new(json, "config", descriptor_write(&blob));
    assert_true(document_write(json, &document, err));
    assert_true(store_put_manifest(fixture->store, "made", &document, err));
    return image_open(fixture->store, "made", NULL, &image, err);
}

#define CONFIG(diff_ids)                                                                       \
    "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":" diff_ids "}}"

static void broken_documents_are_refused_with_the_field(void **state)
{
    static const struct {
        const char *manifest;
        const char *config;
        const char *reason;
    } cases[] = {
        {"{\"layers\":[]}", "{", "not JSON"},
        {"{\"layers\":[]}", "{}", "'os' is missing"},
        {"{\"layers\":[]}", CONFIG("1"), "'diff_ids' is not an array"},
        {"{\"layers\":[]}", CONFIG("[\"sha256:1\"]"), "0 layers but 1 diff ids"},
        {"{\"layers\":[1]}", CONFIG("[1]"), "layer 1: descriptor: 'mediaType' is missing"},
        {"{\"layers\":5,\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}",
         CONFIG("[]"), "'layers' is not an array"},
        {"{\"mediaType\":\"text/plain\"}", CONFIG("[]"), "it is not an image"},
        {"{\"config\":{\"mediaType\":\"application/x\"},\"layers\":[]}", CONFIG("[]"),
         "it is not an image, but an artifact, 'application/x'"},
        {"{\"config\":{\"mediaType\":\"application/octet-stream\"},\"layers\":[]}",
         CONFIG("[]"), "descriptor: 'digest' is missing"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        assert_fails(open_made_of(*state, cases[i].manifest, cases[i].config, &err),
                     ERROR_INVALID, cases[i].reason);
    }
}

static void layers_that_may_not_be_distributed_are_refused(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    owned(image) struct image *base = NULL;
    struct image *none;
    owned(document) struct document document =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    json_owned json_t *manifest = NULL;

    assert_ok(document_parse(&document, &manifest, &err));
    json_object_set_new(
        json_array_get(json_object_get(manifest, "layers"), 0), "mediaType",
        json_string("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"));
    document_release(&document);
    assert_ok(document_write(manifest, &document, &err));
    assert_ok(store_put_manifest(fixture->store, "v2", &document, &err));
    assert_ok(image_open(fixture->store, "v2", NULL, &base, &err));
    assert_fails(image_derive(base, &edit, fixture->store, &none, &err), ERROR_INVALID,
                 "may not be distributed");
}

static void docker_bases_become_oci_images(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    owned(image) struct image *base = NULL;
    owned(image) struct image *derived = NULL;
    owned(document) struct document document =
        sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    json_owned json_t *manifest = NULL;

    assert_ok(document_parse(&document, &manifest, &err));
    json_object_set_new(manifest, "mediaType",
                        json_string(media_type_name(MEDIA_TYPE_DOCKER_MANIFEST)));
    json_object_set_new(json_object_get(manifest, "config"), "mediaType",
                        json_string(media_type_name(MEDIA_TYPE_DOCKER_CONFIG)));
    json_object_set_new(json_array_get(json_object_get(manifest, "layers"), 0), "mediaType",
                        json_string(media_type_name(MEDIA_TYPE_DOCKER_LAYER_GZIP)));
    document_release(&document);
    assert_ok(document_write(manifest, &document, &err));
    assert_ok(store_put_manifest(fixture->store, "v2", &document, &err));
    assert_ok(image_open(fixture->store, "v2", NULL, &base, &err));
    assert_ok(image_derive(base, &edit, fixture->store, &derived, &err));

    assert_int_equal(image_document(derived)->descriptor.media_type, MEDIA_TYPE_OCI_MANIFEST);
    assert_int_equal(image_config_descriptor(derived)->media_type, MEDIA_TYPE_OCI_CONFIG);
    for (size_t i = 0; i < image_layer_count(derived); i++)
        assert_int_equal(image_layer(derived, i)->blob.media_type, MEDIA_TYPE_OCI_LAYER_GZIP);
}

static const char *member(const json_t *object, const char *name)
{
    return json_optional_string(object, name);
}

static void an_image_in_docker_s_format_has_docker_s_types_only(void **state)
{
    struct image_edit docker_edit = edit;
    docker_edit.format = IMAGE_FORMAT_DOCKER;
    owned(image) struct image *derived = derive(*state, &docker_edit);
    const json_t *manifest = image_manifest(derived);
    size_t i;
    const json_t *layer;

    assert_string_equal(member(manifest, "mediaType"),
                        "application/vnd.docker.distribution.manifest.v2+json");
    assert_string_equal(member(json_object_get(manifest, "config"), "mediaType"),
                        "application/vnd.docker.container.image.v1+json");
    json_array_foreach(json_object_get(manifest, "layers"), i, layer) assert_string_equal(
        member(layer, "mediaType"), "application/vnd.docker.image.rootfs.diff.tar.gzip");
    assert_int_equal(i, 2);
    assert_null(json_object_get(manifest, "annotations"));
}

static void zstd_has_no_name_in_docker_s_format(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    struct image_addition zstd = addition;
    struct image_edit docker_edit = edit;
    owned(image) struct image *base = NULL;
    struct image *none;
    struct document document = sample_image(fixture->layout, "v1", "linux/amd64", NULL);
    document_release(&document);

    zstd.layer.blob.media_type = MEDIA_TYPE_OCI_LAYER_ZSTD;
    docker_edit.additions = &zstd;
    docker_edit.format = IMAGE_FORMAT_DOCKER;
    assert_ok(image_open(fixture->store, "v1", NULL, &base, &err));
    assert_fails(image_derive(base, &docker_edit, fixture->store, &none, &err), ERROR_INVALID,
                 "for which Docker's format has no name");
}

static void an_index_over_docker_s_manifests_is_docker_s_list(void **state)
{
    (void)state;
    static const struct {
        enum media_type entry, index;
    } cases[] = {{MEDIA_TYPE_OCI_MANIFEST, MEDIA_TYPE_OCI_INDEX},
                 {MEDIA_TYPE_DOCKER_MANIFEST, MEDIA_TYPE_DOCKER_LIST}};

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(document) struct document index = {0};
        const struct index_entry entry = {.descriptor = {cases[i].entry, {{1}}, 2},
                                          .platform = platform("linux/amd64")};
        assert_ok(index_write(&entry, 1, &index, &err));
        assert_int_equal(index.descriptor.media_type, cases[i].index);
    }
}

static void blobs_are_replaced_and_the_config_stays(void **state)
{
    const struct temp_layout *fixture = *state;
    struct error err;
    owned(image) struct image *before = derive(fixture, &edit);
    owned(image) struct image *after = NULL;
    const struct descriptor blobs[] = {image_layer(before, 0)->blob,
                                       {MEDIA_TYPE_OCI_LAYER_ZSTD, {{7}}, 11}};

    assert_ok(image_replace_blobs(before, blobs, fixture->store, fixture->store, &after, &err));
    assert_true(digest_equal(&image_config_descriptor(before)->digest,
                             &image_config_descriptor(after)->digest));
    assert_int_equal(image_layer_count(after), 2);
    assert_true(digest_equal(&image_layer(after, 0)->blob.digest, &blobs[0].digest));
    assert_true(digest_equal(&image_layer(after, 1)->blob.digest, &blobs[1].digest));
    assert_int_equal(image_layer(after, 1)->blob.media_type, MEDIA_TYPE_OCI_LAYER_ZSTD);
    assert_true(
        digest_equal(&image_layer(after, 1)->diff_id, &image_layer(before, 1)->diff_id));
    assert_true(json_equal(json_object_get(image_manifest(before), "annotations"),
                           json_object_get(image_manifest(after), "annotations")));
}

static void the_history_tells_where_a_layer_is_from(void **state)
{
    owned(image) struct image *derived = derive(*state, &edit);

    assert_string_equal(image_layer_origin(derived, 0), "sample");
    assert_string_equal(image_layer_origin(derived, 1), "the test");
    assert_string_equal(image_layer_origin(derived, 2), "");
}

int main(void)
{
#define WITH_LAYOUT(test)                                                                      \
    cmocka_unit_test_setup_teardown(test, temp_layout_set_up, temp_layout_tear_down)
    const struct CMUnitTest tests[] = {
        WITH_LAYOUT(an_index_is_searched_for_the_platform),
        WITH_LAYOUT(indexes_within_the_index_are_searched_too),
        WITH_LAYOUT(indexes_without_end_are_not_searched),
        cmocka_unit_test(a_lone_entry_need_not_name_its_platform),
        WITH_LAYOUT(a_single_image_must_be_for_the_platform),
        WITH_LAYOUT(a_derived_image_has_what_was_asked_for),
        WITH_LAYOUT(fields_we_do_not_know_are_kept),
        WITH_LAYOUT(equal_edits_give_equal_images),
        WITH_LAYOUT(an_edit_of_nothing_keeps_how_the_base_runs),
        WITH_LAYOUT(broken_documents_are_refused_with_the_field),
        WITH_LAYOUT(layers_that_may_not_be_distributed_are_refused),
        WITH_LAYOUT(docker_bases_become_oci_images),
        WITH_LAYOUT(an_image_in_docker_s_format_has_docker_s_types_only),
        WITH_LAYOUT(zstd_has_no_name_in_docker_s_format),
        cmocka_unit_test(an_index_over_docker_s_manifests_is_docker_s_list),
        WITH_LAYOUT(blobs_are_replaced_and_the_config_stays),
        WITH_LAYOUT(the_history_tells_where_a_layer_is_from),
    };
    return cmocka_run_group_tests_name("image", tests, NULL, NULL);
}
