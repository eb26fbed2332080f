/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "layers/archive_refusal.h"
#include "layers/decompress.h"
#include "layers/image_archive.h"
#include "layers/tar_file.h"
#include "oci/base/hash.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/image.h"
#include "oci/reference.h"

/* A blob and where it lies. */
struct held_blob {
    struct descriptor descriptor;
    struct tar_member member;
};

struct held_image {
    struct document manifest;
    json_t *tags; /* full references */
};

struct docker_archive {
    struct store store;
    struct tar_file *file;
    struct held_image *images;
    size_t image_count;
    struct held_blob *blobs;
    size_t blob_count;
};

/* --- making manifests --- */

static void hold_blob(struct docker_archive *archive, const struct descriptor *descriptor,
                      const struct tar_member *member)
{
    archive->blobs =
        memory_resize(archive->blobs, archive->blob_count + 1, sizeof *archive->blobs);
    archive->blobs[archive->blob_count++] = (struct held_blob){*descriptor, *member};
}

static bool guess_compression(const struct docker_archive *archive,
                              const struct tar_member *member, enum compression *out,
                              struct error *err)
{
    owned(source) struct source *bytes = NULL;
    char magic[COMPRESSION_MAGIC_BYTES];
    size_t count;

    if (!tar_file_source(archive->file, member, &bytes, err) ||
        !source_read(bytes, magic, sizeof magic, &count, err))
        return false;
    *out = compression_guess(magic, count);
    return true;
}

static bool hash_member(const struct docker_archive *archive, const struct tar_member *member,
                        struct digest *out, struct error *err)
{
    owned(source) struct source *bytes = NULL;
    char buffer[64 * 1024];
    struct sha256 *hash = sha256_new();
    size_t count = 0;
    bool right = tar_file_source(archive->file, member, &bytes, err);

    while (right && (right = source_read(bytes, buffer, sizeof buffer, &count, err)) &&
           count > 0)
        sha256_add(hash, buffer, count);
    if (right)
        sha256_finish(hash, out->bytes);
    sha256_free(hash);
    return right;
}

/* A plain layer is named by its diff id; a compressed one, as containerd saves it, must be
 * hashed once. */
static bool describe_layer(const struct docker_archive *archive,
                           const struct tar_member *member, const char *diff_id,
                           struct descriptor *out, struct error *err)
{
    enum compression compression;

    if (!guess_compression(archive, member, &compression, err))
        return false;
    out->size = member->size;
    out->media_type = compression == COMPRESSION_GZIP   ? MEDIA_TYPE_OCI_LAYER_GZIP
                      : compression == COMPRESSION_ZSTD ? MEDIA_TYPE_OCI_LAYER_ZSTD
                                                        : MEDIA_TYPE_OCI_LAYER_TAR;
    if (compression != COMPRESSION_NONE)
        return hash_member(archive, member, &out->digest, err);
    return digest_parse(diff_id, &out->digest, err);
}

static bool add_layers(struct docker_archive *archive, const json_t *names,
                       const json_t *diff_ids, json_t *layers, struct error *err)
{
    size_t count = json_array_size(names);

    if (count > LAYERS_LIMIT)
        return error_set(err, ERROR_LIMIT, "%zu layers, more than %d", count, LAYERS_LIMIT);
    if (count != json_array_size(diff_ids))
        return error_set(err, ERROR_INVALID, "%zu layers but %zu diff ids", count,
                         json_array_size(diff_ids));
    for (size_t i = 0; i < count; i++) {
        const char *name = json_string_value(json_array_get(names, i));
        const char *diff_id = json_string_value(json_array_get(diff_ids, i));
        struct tar_member member;
        struct descriptor layer;
        if (!name || !diff_id)
            return error_set(err, ERROR_INVALID, "layer %zu has no name", i + 1);
        if (!tar_file_find(archive->file, name, &member, err) ||
            !describe_layer(archive, &member, diff_id, &layer, err))
            return error_wrap(err, "layer %zu", i + 1);
        hold_blob(archive, &layer, &member);
        json_array_append_new(layers, descriptor_write(&layer));
    }
    return true;
}

static bool make_manifest(struct docker_archive *archive, const json_t *entry,
                          struct document *out, struct error *err)
{
    owned(memory) char *bytes = NULL;
    json_owned json_t *config = NULL;
    json_owned json_t *layers = json_array();
    json_t *names;
    json_t *rootfs;
    json_t *diff_ids;
    const char *config_name;
    struct tar_member member;
    size_t count;

    if (!json_field_string(entry, "Config", &config_name, err) ||
        !json_field_array(entry, "Layers", &names, err) ||
        !tar_file_find(archive->file, config_name, &member, err) ||
        !tar_file_read(archive->file, config_name, MANIFEST_LIMIT, &bytes, &count, err))
        return false;
    if (!json_parse(bytes, count, &config, err) ||
        !json_field_object(config, "rootfs", &rootfs, err) ||
        !json_field_array(rootfs, "diff_ids", &diff_ids, err))
        return error_wrap(err, "'%.200s'", config_name);
    struct descriptor blob = {MEDIA_TYPE_OCI_CONFIG, digest_of(bytes, count), count};
    hold_blob(archive, &blob, &member);
    if (!add_layers(archive, names, diff_ids, layers, err))
        return false;
    json_owned json_t *manifest =
        json_pack("{s:i, s:s, s:o, s:O}", "schemaVersion", 2, "mediaType",
                  media_type_name(MEDIA_TYPE_OCI_MANIFEST), "config", descriptor_write(&blob),
                  "layers", layers);
    return document_write(manifest, out, err);
}

/* Docker writes "alpine:3.20", others "docker.io/library/alpine:3.20". */
static json_t *full_references(const json_t *tags)
{
    json_t *full = json_array();
    size_t i;
    const json_t *tag;

    json_array_foreach(tags, i, tag)
    {
        struct reference reference;
        struct error not_a_name;
        if (!json_is_string(tag) ||
            !reference_parse(json_string_value(tag), &reference, &not_a_name))
            continue;
        owned(memory) char *text = reference_format(&reference);
        json_array_append_new(full, json_string(text));
    }
    return full;
}

static bool read_images(struct docker_archive *archive, struct error *err)
{
    const char *path = tar_file_path(archive->file);
    owned(memory) char *bytes = NULL;
    json_owned json_t *entries = NULL;
    size_t count;

    if (!tar_file_read(archive->file, "manifest.json", MANIFEST_LIMIT, &bytes, &count, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_INVALID,
                         "'%.200s' is not a docker archive: it has no manifest.json", path);
    }
    if (!json_parse(bytes, count, &entries, err))
        return error_wrap(err, "manifest.json in '%.200s'", path);
    size_t images = json_array_size(entries);
    if (images == 0)
        return error_set(err, ERROR_INVALID, "manifest.json in '%.200s' lists no image", path);
    if (images > IMAGE_ARCHIVE_IMAGES_LIMIT)
        return error_set(err, ERROR_LIMIT, "'%.200s' has %zu images, more than %d", path,
                         images, IMAGE_ARCHIVE_IMAGES_LIMIT);
    archive->images = memory_new(images, sizeof *archive->images);
    for (size_t i = 0; i < images; i++) {
        const json_t *entry = json_array_get(entries, i);
        struct held_image *image = &archive->images[i];
        if (!make_manifest(archive, entry, &image->manifest, err))
            return error_wrap(err, "image %zu in '%.200s'", i + 1, path);
        image->tags = full_references(json_object_get(entry, "RepoTags"));
        archive->image_count++;
    }
    return true;
}

/* --- the store --- */

static bool archive_list_tags(struct store *self, json_t *tags, struct error *err)
{
    const struct docker_archive *archive = (struct docker_archive *)self;
    (void)err;

    for (size_t i = 0; i < archive->image_count; i++)
        json_array_extend(tags, archive->images[i].tags);
    return true;
}

static bool answers_to(const struct held_image *image, const char *name)
{
    size_t i;
    const json_t *tag;

    if (strcmp(name, digest_format(&image->manifest.descriptor.digest).text) == 0)
        return true;
    json_array_foreach(image->tags, i, tag)
    {
        if (strcmp(json_string_value(tag), name) == 0)
            return true;
    }
    return false;
}

static bool no_such_image(const struct docker_archive *archive, const char *name,
                          struct error *err)
{
    json_owned json_t *tags = json_array();
    owned(text) struct text list = {0};
    size_t i;
    const json_t *tag;

    for (i = 0; i < archive->image_count; i++)
        json_array_extend(tags, archive->images[i].tags);
    json_array_foreach(tags, i, tag)
    {
        if (list.length < 300)
            text_addf(&list, "%s%s", list.length ? ", " : "", json_string_value(tag));
    }
    const char *path = tar_file_path(archive->file);
    if (!name[0])
        return error_set(err, ERROR_NOT_FOUND,
                         "'%.200s' has %zu images; say which, docker-archive:<file>:<name>: %s",
                         path, archive->image_count, text_string(&list));
    return error_set(err, ERROR_NOT_FOUND, "no image '%.200s' in '%.200s'; there %s%s", name,
                     path, list.length ? "is " : "are no names", text_string(&list));
}

static bool archive_resolve(struct store *self, const char *name, struct document *out,
                            struct error *err)
{
    const struct docker_archive *archive = (struct docker_archive *)self;

    for (size_t i = 0; i < archive->image_count; i++) {
        const struct held_image *image = &archive->images[i];
        if (name[0] ? !answers_to(image, name) : archive->image_count > 1)
            continue;
        out->descriptor = image->manifest.descriptor;
        out->bytes = memory_copy_string(image->manifest.bytes);
        return true;
    }
    return no_such_image(archive, name, err);
}

static const struct held_blob *find_blob(const struct docker_archive *archive,
                                         const struct descriptor *blob)
{
    for (size_t i = 0; i < archive->blob_count; i++)
        if (digest_equal(&archive->blobs[i].descriptor.digest, &blob->digest))
            return &archive->blobs[i];
    return NULL;
}

static bool archive_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                             struct error *err)
{
    (void)err;
    *found = find_blob((struct docker_archive *)self, blob) != NULL;
    return true;
}

static bool archive_open_blob(struct store *self, const struct descriptor *blob,
                              struct source **out, struct error *err)
{
    const struct docker_archive *archive = (struct docker_archive *)self;
    const struct held_blob *held = find_blob(archive, blob);
    struct source *bytes;

    if (!held)
        return error_set(err, ERROR_NOT_FOUND, "it is not in '%.200s'",
                         tar_file_path(archive->file));
    if (!tar_file_source(archive->file, &held->member, &bytes, err))
        return false;
    *out = descriptor_verify(blob, bytes);
    return true;
}

static void archive_free(struct store *self)
{
    struct docker_archive *archive = (struct docker_archive *)self;

    for (size_t i = 0; i < archive->image_count; i++) {
        document_release(&archive->images[i].manifest);
        json_decref(archive->images[i].tags);
    }
    free(archive->images);
    free(archive->blobs);
    tar_file_free(archive->file);
    free(archive);
}

static const struct store_ops docker_archive_ops = {
    .resolve = archive_resolve,
    .has_blob = archive_has_blob,
    .open_blob = archive_open_blob,
    .put_blob = archive_refuse_blob,
    .put_manifest = archive_refuse_manifest,
    .list_tags = archive_list_tags,
    .free = archive_free,
};

bool docker_archive_open(const char *path, const char *folder, struct store **out,
                         struct error *err)
{
    struct docker_archive *archive = memory_new(1, sizeof *archive);
    owned(store) struct store *store = &archive->store;

    archive->store.ops = &docker_archive_ops;
    if (!tar_file_open(path, folder, &archive->file, err) || !read_images(archive, err))
        return false;
    *out = take(&store);
    return true;
}
