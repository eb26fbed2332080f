/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/sample_image.h"

#include "layers/layer_writer.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/index.h"
#include "tests/support/unit.h"

static const char SHELL_CONFIG[] = "{\"Env\":[\"PATH=/bin\",\"LANG=C\"],\"Cmd\":[\"/bin/sh\"]}";

static struct layer sample_layer(struct layout *layout, const char *content)
{
    struct error err;
    struct layer layer;
    owned(tree) struct tree *tree = tree_new();

    assert_ok(tree_add_bytes(tree, "etc/motd", TREE_FILE, content, strlen(content), &err));
    assert_ok(layer_write(tree, 0, layout, &layer, &err));
    return layer;
}

static struct descriptor put_config(struct layout *layout, const struct layer *layer,
                                    const struct platform_spec *platform, const char *config)
{
    struct error err;
    json_t *run;

    assert_ok(json_parse(config, strlen(config), &run, &err));
    json_owned json_t *json =
        json_pack("{s:s, s:s, s:o, s:{s:s, s:[s]}, s:[{s:s}], s:{s:i}}", "os", platform->os,
                  "architecture", platform->architecture, "config", run, "rootfs", "type",
                  "layers", "diff_ids", digest_format(&layer->diff_id).text, "history",
                  "created_by", "sample", "x-unknown", "kept", 1);
    owned(memory) char *text = json_text(json);
    struct descriptor blob = {MEDIA_TYPE_OCI_CONFIG, digest_of(text, strlen(text)),
                              strlen(text)};
    owned(source) struct source *bytes = memory_source(text, strlen(text));
    struct store *store = layout_store(layout);
    assert_ok(store->ops->put_blob(store, &blob, bytes, &err));
    return blob;
}

struct document sample_image(struct layout *layout, const char *tag, const char *platform,
                             const char *config)
{
    struct error err;
    struct platform_spec spec;
    struct document document;

    assert_ok(platform_spec_parse(platform, &spec, &err));
    struct layer layer = sample_layer(layout, platform);
    struct descriptor blob = put_config(layout, &layer, &spec, config ? config : SHELL_CONFIG);
    json_owned json_t *manifest =
        json_pack("{s:i, s:s, s:o, s:[o], s:{s:s}}", "schemaVersion", 2, "mediaType",
                  media_type_name(MEDIA_TYPE_OCI_MANIFEST), "config", descriptor_write(&blob),
                  "layers", descriptor_write(&layer.blob), "annotations", "kept", "too");
    assert_ok(document_write(manifest, &document, &err));
    assert_ok(store_put_manifest(layout_store(layout), tag, &document, &err));
    return document;
}

struct digest sample_index(struct layout *layout, const char *tag)
{
    static const char *const platforms[] = {"linux/amd64", "linux/arm64"};
    struct index_entry entries[COUNT(platforms)] = {0};
    struct error err;
    owned(document) struct document index = {0};

    for (size_t i = 0; i < COUNT(platforms); i++) {
        owned(document) struct document each = sample_image(layout, NULL, platforms[i], NULL);
        entries[i].descriptor = each.descriptor;
        assert_ok(platform_spec_parse(platforms[i], &entries[i].platform, &err));
    }
    assert_ok(index_write(entries, COUNT(entries), &index, &err));
    assert_ok(store_put_manifest(layout_store(layout), tag, &index, &err));
    return index.descriptor.digest;
}
