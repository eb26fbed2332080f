/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/image.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/config.h"
#include "oci/index.h"
#include "oci/manifest.h"

static const char BASE_NAME[] = "org.opencontainers.image.base.name";
static const char BASE_DIGEST[] = "org.opencontainers.image.base.digest";

enum { INDEXES_LIMIT = 100 };

struct image {
    struct document document;
    json_t *manifest;
    json_t *config;
    struct descriptor config_descriptor;
    struct platform_spec platform;
    struct layer *layers;
    size_t layer_count;
};

void image_free(struct image *image)
{
    if (!image)
        return;
    document_release(&image->document);
    json_decref(image->manifest);
    json_decref(image->config);
    free(image->layers);
    free(image);
}

static bool read_layers(struct image *image, struct error *err)
{
    json_t *layers;
    json_t *rootfs;
    json_t *diff_ids;

    if (!json_field_array(image->manifest, "layers", &layers, err) ||
        !json_field_object(image->config, "rootfs", &rootfs, err) ||
        !json_field_array(rootfs, "diff_ids", &diff_ids, err))
        return false;

    size_t count = json_array_size(layers);
    if (count > LAYERS_LIMIT)
        return error_set(err, ERROR_LIMIT, "%zu layers, more than %d", count, LAYERS_LIMIT);
    if (count != json_array_size(diff_ids))
        return error_set(err, ERROR_INVALID, "%zu layers but %zu diff ids", count,
                         json_array_size(diff_ids));

    image->layers = memory_new(count, sizeof *image->layers);
    image->layer_count = count;
    for (size_t i = 0; i < count; i++) {
        const char *diff_id = json_string_value(json_array_get(diff_ids, i));
        if (!descriptor_read(json_array_get(layers, i), &image->layers[i].blob, err))
            return error_wrap(err, "layer %zu", i + 1);
        if (!diff_id)
            return error_set(err, ERROR_INVALID, "diff id %zu is not a string", i + 1);
        if (!digest_parse(diff_id, &image->layers[i].diff_id, err))
            return error_wrap(err, "diff id %zu", i + 1);
    }
    return true;
}

/* Takes over the document. */
static bool read_image(struct store *store, struct document *document, struct image **out,
                       struct error *err)
{
    owned(image) struct image *image = memory_new(1, sizeof *image);
    owned(memory) char *config = NULL;
    json_t *descriptor;

    image->document = *document;
    *document = (struct document){0};
    if (!media_type_is_manifest(image->document.descriptor.media_type))
        return error_set(err, ERROR_INVALID, "it is not an image, but %s",
                         media_type_name(image->document.descriptor.media_type));
    if (!document_parse(&image->document, &image->manifest, err))
        return false;
    const char *artifact = manifest_artifact_type(image->manifest);
    if (artifact)
        return error_set(err, ERROR_INVALID, "it is not an image, but an artifact, '%.200s'",
                         artifact);
    if (!json_field_object(image->manifest, "config", &descriptor, err) ||
        !descriptor_read(descriptor, &image->config_descriptor, err) ||
        !store_read_blob(store, &image->config_descriptor, &config, err))
        return false;
    if (!json_parse(config, (size_t)image->config_descriptor.size, &image->config, err) ||
        !platform_spec_read(image->config, &image->platform, err) || !read_layers(image, err))
        return error_wrap(err, "config %s",
                          digest_format(&image->config_descriptor.digest).text);
    *out = take(&image);
    return true;
}

/* --- from an index to an image --------------------------------------------------------------
 */

struct search {
    struct store *store;
    const struct platform_spec *platform;
    int indexes; /* that were looked into */
};

static bool search_index(struct search *search, const struct document *index, int depth,
                         struct document *out, struct error *err);

static bool follow_entry(struct search *search, const struct descriptor *entry, int depth,
                         struct document *out, struct error *err)
{
    owned(document) struct document document = {0};

    if (!store_resolve_entry(search->store, entry, &document, err))
        return false;
    if (media_type_is_index(document.descriptor.media_type))
        return search_index(search, &document, depth + 1, out, err);
    *out = document;
    document = (struct document){0};
    return true;
}

/* An index within the index need not say what it is for: those are looked into last. */
static bool search_index(struct search *search, const struct document *index, int depth,
                         struct document *out, struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    struct descriptor picked;
    size_t count;

    if (!index_check_depth(depth, err))
        return false;
    if (search->indexes++ == INDEXES_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d indexes in one", INDEXES_LIMIT);
    if (!index_read(index, &entries, &count, err))
        return false;
    if (index_pick(entries, count, search->platform, &picked, err))
        return follow_entry(search, &picked, depth, out, err);
    for (size_t i = 0; i < count && err->kind == ERROR_NOT_FOUND; i++) {
        const struct index_entry *entry = &entries[i];
        bool is_open = !entry->has_platform && !entry->is_attestation;
        if (is_open && media_type_is_index(entry->descriptor.media_type) &&
            follow_entry(search, &entry->descriptor, depth, out, err))
            return true;
    }
    return false;
}

/* Takes over the document. */
static bool follow(struct store *store, struct document *document,
                   const struct platform_spec *platform, struct document *out,
                   struct error *err)
{
    struct search search = {store, platform, 0};

    if (media_type_is_index(document->descriptor.media_type)) {
        if (!platform)
            return error_set(err, ERROR_INVALID, "it is an index; say which platform is meant");
        return search_index(&search, document, 0, out, err);
    }
    *out = *document;
    *document = (struct document){0};
    return true;
}

bool image_find(struct store *store, const char *name, const struct platform_spec *platform,
                struct document *out, struct error *err)
{
    owned(document) struct document document = {0};

    return store_resolve(store, name, &document, err) &&
           follow(store, &document, platform, out, err);
}

bool image_find_in(struct store *store, const struct document *top,
                   const struct platform_spec *platform, struct document *out,
                   struct error *err)
{
    owned(document) struct document document = {0};

    document_copy(top, &document);
    return follow(store, &document, platform, out, err);
}

bool image_read(struct store *store, struct document *document,
                const struct platform_spec *platform, struct image **out, struct error *err)
{
    owned(image) struct image *image = NULL;

    if (!read_image(store, document, &image, err))
        return false;
    if (platform && !platform_spec_matches(&image->platform, platform))
        return error_set(err, ERROR_NOT_FOUND, "no image for %s; there is %s",
                         platform_spec_format(platform).text,
                         platform_spec_format(&image->platform).text);
    *out = take(&image);
    return true;
}

bool image_open(struct store *store, const char *name, const struct platform_spec *platform,
                struct image **out, struct error *err)
{
    owned(document) struct document document = {0};

    return image_find(store, name, platform, &document, err) &&
           image_read(store, &document, platform, out, err);
}

static void edit_config(json_t *config, const struct image_edit *edit)
{
    owned(memory) char *created = config_format_time(edit->created);

    config_complete_history(config, created);
    for (size_t i = 0; i < edit->addition_count; i++)
        config_add_layer(config, &edit->additions[i], created);
    if (edit->environment)
        config_set_environment(config, edit->environment);
    if (edit->entrypoint)
        config_set(config, "Entrypoint", json_strings(edit->entrypoint));
    if (edit->command)
        config_set(config, "Cmd", json_strings(edit->command));
    if (edit->working_directory)
        config_set(config, "WorkingDir", json_string(edit->working_directory));
    json_object_set_new(config, "created", json_string(created));
}

/* Says what the layer is in the format's words. */
static bool name_layer(json_t *json, const struct descriptor *blob, enum image_format format,
                       struct error *err)
{
    struct digest_text name = digest_format(&blob->digest);
    bool is_docker = format == IMAGE_FORMAT_DOCKER;
    enum media_type type = is_docker ? media_type_to_docker(blob->media_type)
                                     : media_type_to_oci(blob->media_type);

    if (blob->media_type == MEDIA_TYPE_FOREIGN_LAYER)
        return error_set(err, ERROR_INVALID,
                         "layer %s may not be distributed, so no image can be built on it",
                         name.text);
    if (is_docker && type == MEDIA_TYPE_OTHER)
        return error_set(err, ERROR_INVALID,
                         "layer %s is %s, for which Docker's format has no name; leave "
                         "--format docker away",
                         name.text, media_type_name(blob->media_type));
    if (type != MEDIA_TYPE_OTHER)
        json_object_set_new(json, "mediaType", json_string(media_type_name(type)));
    return true;
}

static bool edit_layers(json_t *layers, const struct image *base, const struct image_edit *edit,
                        struct error *err)
{
    for (size_t i = 0; i < base->layer_count; i++)
        if (!name_layer(json_array_get(layers, i), &base->layers[i].blob, edit->format, err))
            return false;
    for (size_t i = 0; i < edit->addition_count; i++) {
        const struct descriptor *blob = &edit->additions[i].layer.blob;
        json_t *json = descriptor_write(blob);
        json_array_append_new(layers, json);
        if (!name_layer(json, blob, edit->format, err))
            return false;
    }
    return true;
}

static void edit_annotations(json_t *manifest, const struct image *base,
                             const struct image_edit *edit)
{
    json_t *annotations = json_object_get(manifest, "annotations");

    if (edit->format == IMAGE_FORMAT_DOCKER) {
        json_object_del(manifest, "annotations");
        return;
    }
    if (!json_is_object(annotations)) {
        annotations = json_object();
        json_object_set_new(manifest, "annotations", annotations);
    }
    if (edit->base_name)
        json_object_set_new(annotations, BASE_NAME, json_string(edit->base_name));
    else
        json_object_del(annotations, BASE_NAME);
    json_object_set_new(annotations, BASE_DIGEST,
                        json_string(digest_format(&base->document.descriptor.digest).text));
}

/* The base's own layers stay as they are listed, but in one format's words. */
static bool edit_manifest(json_t *manifest, const struct image *base,
                          const struct image_edit *edit, const struct descriptor *config,
                          struct error *err)
{
    bool is_docker = edit->format == IMAGE_FORMAT_DOCKER;
    enum media_type type = is_docker ? MEDIA_TYPE_DOCKER_MANIFEST : MEDIA_TYPE_OCI_MANIFEST;

    json_object_set_new(manifest, "schemaVersion", json_integer(2));
    json_object_set_new(manifest, "mediaType", json_string(media_type_name(type)));
    json_object_set_new(manifest, "config", descriptor_write(config));
    json_object_del(manifest, "subject"); /* what the base is about, the result is not */
    edit_annotations(manifest, base, edit);
    return edit_layers(json_object_get(manifest, "layers"), base, edit, err);
}

bool image_derive(const struct image *base, const struct image_edit *edit,
                  struct store *workspace, struct image **out, struct error *err)
{
    json_owned json_t *config = json_deep_copy(base->config);
    json_owned json_t *manifest = json_deep_copy(base->manifest);
    owned(document) struct document document = {0};

    edit_config(config, edit);
    owned(memory) char *bytes = json_text(config);
    struct descriptor blob = {
        .media_type = edit->format == IMAGE_FORMAT_DOCKER ? MEDIA_TYPE_DOCKER_CONFIG
                                                          : MEDIA_TYPE_OCI_CONFIG,
        .digest = digest_of(bytes, strlen(bytes)),
        .size = strlen(bytes),
    };
    owned(source) struct source *source = memory_source(bytes, strlen(bytes));

    if (!edit_manifest(manifest, base, edit, &blob, err) ||
        !document_write(manifest, &document, err) ||
        !workspace->ops->put_blob(workspace, &blob, source, err) ||
        !store_put_manifest(workspace, NULL, &document, err))
        return false;
    return read_image(workspace, &document, out, err);
}

bool image_replace_blobs(const struct image *image, const struct descriptor *blobs,
                         struct store *from, struct store *workspace, struct image **out,
                         struct error *err)
{
    json_owned json_t *manifest = json_deep_copy(image->manifest);
    owned(document) struct document document = {0};
    json_t *layers = json_object_get(manifest, "layers");

    for (size_t i = 0; i < image->layer_count; i++)
        if (!digest_equal(&image->layers[i].blob.digest, &blobs[i].digest))
            json_array_set_new(layers, i, descriptor_write(&blobs[i]));
    if (!document_write(manifest, &document, err) ||
        !store_put_manifest(workspace, NULL, &document, err))
        return false;
    return read_image(from, &document, out, err);
}

const struct document *image_document(const struct image *image)
{
    return &image->document;
}

const json_t *image_manifest(const struct image *image)
{
    return image->manifest;
}

const json_t *image_config(const struct image *image)
{
    return image->config;
}

const struct descriptor *image_config_descriptor(const struct image *image)
{
    return &image->config_descriptor;
}

const struct platform_spec *image_platform(const struct image *image)
{
    return &image->platform;
}

size_t image_layer_count(const struct image *image)
{
    return image->layer_count;
}

const struct layer *image_layer(const struct image *image, size_t position)
{
    return &image->layers[position];
}

const char *image_layer_origin(const struct image *image, size_t position)
{
    size_t i;
    const json_t *line;

    json_array_foreach(json_object_get(image->config, "history"), i, line)
    {
        const char *text = json_optional_string(line, "created_by");
        if (!json_is_true(json_object_get(line, "empty_layer")) && position-- == 0)
            return text ? text : "";
    }
    return "";
}

static const json_t *run_member(const struct image *image, const char *name)
{
    return json_object_get(json_object_get(image->config, "config"), name);
}

static const char **strings(const json_t *array)
{
    const char **list = memory_new(json_array_size(array) + 1, sizeof *list);
    size_t count = 0;
    size_t i;
    const json_t *string;

    json_array_foreach(array, i, string)
    {
        if (json_is_string(string))
            list[count++] = json_string_value(string);
    }
    return list;
}

const char **image_environment(const struct image *image)
{
    return strings(run_member(image, "Env"));
}

const char **image_entrypoint(const struct image *image)
{
    return strings(run_member(image, "Entrypoint"));
}

const char **image_command(const struct image *image)
{
    return strings(run_member(image, "Cmd"));
}

const char *image_working_directory(const struct image *image)
{
    const char *folder = json_string_value(run_member(image, "WorkingDir"));

    return folder && folder[0] ? folder : NULL;
}
