/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images in words: everything lines up, fits, and steers no terminal.
 */
#include "cli/describe.h"

#include <stdlib.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/layout.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

enum { OUTPUT_LIMIT = 16 * 1024 }; /* bytes */

/* An image whose layers have the sizes, with a config of these members. */
static struct image *make_image(const char *folder, const uint64_t *sizes, size_t count,
                                const char *members)
{
    struct error err;
    owned(layout) struct layout *layout = NULL;
    owned(document) struct document document = {0};
    struct image *image;
    json_t *config;

    assert_ok(layout_open(folder, true, &layout, &err));
    assert_ok(json_parse(members, strlen(members), &config, &err));
    json_owned json_t *whole = config;
    json_owned json_t *layers = json_array();
    json_t *diff_ids = json_array();
    for (size_t i = 0; i < count; i++) {
        struct descriptor blob = {MEDIA_TYPE_OCI_LAYER_GZIP, digest_of(&i, sizeof i), sizes[i]};
        json_array_append_new(layers, descriptor_write(&blob));
        json_array_append_new(diff_ids, json_string(digest_format(&blob.digest).text));
    }
    json_object_set_new(config, "os", json_string("linux"));
    json_object_set_new(config, "architecture", json_string("amd64"));
    json_object_set_new(config, "rootfs", json_pack("{s:o}", "diff_ids", diff_ids));
    owned(memory) char *text = json_text(config);
    struct descriptor blob = {MEDIA_TYPE_OCI_CONFIG, digest_of(text, strlen(text)),
                              strlen(text)};
    owned(source) struct source *bytes = memory_source(text, strlen(text));
    struct store *store = layout_store(layout);
    assert_ok(store->ops->put_blob(store, &blob, bytes, &err));
    json_owned json_t *manifest =
        json_pack("{s:s, s:o, s:O}", "mediaType", media_type_name(MEDIA_TYPE_OCI_MANIFEST),
                  "config", descriptor_write(&blob), "layers", layers);
    assert_ok(document_write(manifest, &document, &err));
    assert_ok(store_put_manifest(store, "v1", &document, &err));
    assert_ok(image_open(store, "v1", NULL, &image, &err));
    return image;
}

static char *printed(const struct image *image, unsigned int columns, bool unicode)
{
    const struct describe_look look = {columns, unicode};
    char *text = memory_new(OUTPUT_LIMIT, 1);
    FILE *out = fmemopen(text, OUTPUT_LIMIT, "w");

    assert_non_null(out);
    describe_print_image(image, &look, out);
    fclose(out);
    return text;
}

static size_t longest_line(const char *text)
{
    size_t longest = 0;
    size_t columns = 0;

    for (; *text; text++) {
        columns = *text == '\n' ? 0 : columns + (((unsigned char)*text & 0xc0) != 0x80);
        longest = columns > longest ? columns : longest;
    }
    return longest;
}

static void layers_are_drawn_to_scale(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {4000000, 2000000, 100000, 0};
    char *folder = temp_folder();
    owned(image) struct image *image =
        make_image(folder, sizes, COUNT(sizes),
                   "{\"history\":[{\"created_by\":\"/bin/sh -c #(nop) ADD x in /\"},"
                   "{\"created_by\":\"CMD [\\\"sh\\\"]\",\"empty_layer\":true},"
                   "{\"created_by\":\"RUN  make \\t\\n  all\"}]}");
    owned(memory) char *plain = printed(image, 100, false);
    owned(memory) char *blocks = printed(image, 100, true);

    assert_non_null(strstr(plain, "  layers      4, 6.1 MB\n"));
    assert_non_null(strstr(plain, "    4.0 MB  ####################  ADD x in /\n"));
    assert_non_null(strstr(plain, "    2.0 MB  ##########            RUN make all\n"));
    assert_non_null(strstr(plain, "  100.0 kB  #                   \n"));
    assert_non_null(strstr(plain, "       0 B                      \n"));
    assert_non_null(
        strstr(plain, "\n                                                       CMD"));
    assert_non_null(strstr(blocks, "    2.0 MB  ██████████            RUN make all\n"));
    assert_non_null(strstr(blocks, "  100.0 kB  ▌                   \n"));
    temp_folder_remove(folder);
}

static void every_line_fits(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {999949999, 1};
    static const unsigned int widths[] = {100, 80, 72, 1};
    owned(text) struct text config = {0};
    owned(text) struct text words = {0};
    char *folder = temp_folder();

    for (int i = 0; i < 100; i++)
        text_add(&words, "wörd ");
    text_addf(&config,
              "{\"history\":[{\"created_by\":\"%s\"},{\"created_by\":\"%s\","
              "\"empty_layer\":true}],\"config\":{\"Env\":[\"A=%s\"],\"Cmd\":[\"%s\"],"
              "\"Labels\":{\"a\":\"%s\"},\"ExposedPorts\":{\"%s\":{}}}}",
              text_string(&words), text_string(&words), text_string(&words),
              text_string(&words), text_string(&words), text_string(&words));
    owned(image) struct image *image =
        make_image(folder, sizes, COUNT(sizes), text_string(&config));
    for (size_t i = 0; i < COUNT(widths); i++) {
        owned(memory) char *text = printed(image, widths[i], true);
        size_t least = widths[i] < DESCRIBE_COLUMNS_LEAST ? DESCRIBE_COLUMNS_LEAST : widths[i];
        char *after_digest = strchr(text + 1, '\n'); /* a whole digest is as long as it is */
        assert_in_range(longest_line(after_digest), least - 10, least);
    }
    temp_folder_remove(folder);
}

static void what_an_image_says_steers_no_terminal(void **state)
{
    (void)state;
    static const uint64_t sizes[] = {1};
    char *folder = temp_folder();
    owned(image) struct image *image =
        make_image(folder, sizes, COUNT(sizes),
                   "{\"created\":\"\\u001b[2J\",\"history\":[{\"created_by\":\"\\u001b]0;x\"}],"
                   "\"config\":{\"Env\":[\"A=\\u001b[1m\"],\"Cmd\":[\"\\u009b1m\"],"
                   "\"User\":\"\\u001b\",\"WorkingDir\":\"/\\u001b\","
                   "\"Volumes\":{\"/\\u001b\":{}},\"Labels\":{\"\\u001b\":\"\\u001b\"}}}");
    owned(memory) char *text = printed(image, 100, true);

    assert_null(strchr(text, '\x1b'));
    assert_null(strstr(text, "\xc2\x9b"));
    temp_folder_remove(folder);
}

static void the_platforms_of_an_index_are_named(void **state)
{
    (void)state;
    struct error err;
    struct index_entry entries[5] = {0};
    const struct describe_look look = {100, false};
    owned(memory) char *text = memory_new(OUTPUT_LIMIT, 1);

    assert_ok(platform_spec_parse("linux/amd64", &entries[0].platform, &err));
    assert_ok(platform_spec_parse("linux/arm64/v8", &entries[1].platform, &err));
    entries[0].has_platform = entries[1].has_platform = true;
    entries[2].is_attestation = true;
    entries[3].descriptor.media_type = MEDIA_TYPE_OCI_INDEX;
    entries[4].descriptor.media_type = MEDIA_TYPE_OCI_MANIFEST;
    FILE *out = fmemopen(text, OUTPUT_LIMIT, "w");
    describe_print_platforms(entries, COUNT(entries), &look, out);
    fclose(out);
    assert_string_equal(text, "  platforms   linux/amd64, linux/arm64/v8, an index, unnamed, "
                              "and 1 attestation\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layers_are_drawn_to_scale),
        cmocka_unit_test(every_line_fits),
        cmocka_unit_test(what_an_image_says_steers_no_terminal),
        cmocka_unit_test(the_platforms_of_an_index_are_named),
    };
    return cmocka_run_group_tests_name("describe", tests, NULL, NULL);
}
