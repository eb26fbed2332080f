/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/decompress.h"
#include "layers/image_archive.h"
#include "layers/tar.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/image.h"

/* What comes together is a layout; the archive is written from it. */
struct archive_writer {
    struct store store;
    char *path;
    char *folder; /* the layout's, ours to remove */
    struct layout *layout;
};

static const char *const BLOB_FOLDERS[] = {"blobs", "blobs/sha256"};

/* --- what both forms have --- */

static int by_digest(const void *a, const void *b)
{
    const struct descriptor *one = a;
    const struct descriptor *other = b;

    return memcmp(one->digest.bytes, other->digest.bytes, sizeof one->digest.bytes);
}

/* The blobs by name, each one once. */
static bool write_blobs(struct archive_writer *writer, struct descriptor *blobs, size_t count,
                        struct sink *out, struct error *err)
{
    struct store *store = layout_store(writer->layout);

    qsort(blobs, count, sizeof *blobs, by_digest);
    for (size_t i = 0; i < sizeof BLOB_FOLDERS / sizeof *BLOB_FOLDERS; i++)
        if (!tar_write_folder(BLOB_FOLDERS[i], 0, out, err))
            return false;
    for (size_t i = 0; i < count; i++) {
        owned(source) struct source *bytes = NULL;
        struct digest_text digest = digest_format(&blobs[i].digest);
        owned(memory) char *name = text_format("blobs/sha256/%s", digest.text + 7);
        if (i > 0 && digest_equal(&blobs[i].digest, &blobs[i - 1].digest))
            continue;
        if (!store_open_blob(store, &blobs[i], &bytes, err) ||
            !tar_write_file(name, bytes, blobs[i].size, 0, out, err))
            return false;
    }
    return true;
}

static bool write_text(const char *name, const char *text, struct sink *out, struct error *err)
{
    owned(source) struct source *bytes = memory_source(text, strlen(text));

    return tar_write_file(name, bytes, strlen(text), 0, out, err);
}

static char *place(void *context)
{
    const struct archive_writer *writer = context;

    return memory_copy_string(writer->path);
}

static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? text_format("%.*s", (int)(slash - path + 1), path) : memory_copy_string(".");
}

static bool open_file(struct archive_writer *writer, struct sink **out, struct error *err)
{
    owned(memory) char *folder = folder_of(writer->path);

    return file_sink(folder, 0644, place, writer, out, err);
}

/* --- an OCI archive --- */

struct blob_list {
    struct descriptor *blobs;
    size_t count;
};

static void add_blob(struct blob_list *list, const struct descriptor *blob)
{
    list->blobs = memory_resize(list->blobs, list->count + 1, sizeof *list->blobs);
    list->blobs[list->count++] = *blob;
}

static bool add_described(struct blob_list *list, const json_t *json, struct error *err)
{
    struct descriptor blob;

    if (!descriptor_read(json, &blob, err))
        return false;
    add_blob(list, &blob);
    return true;
}

/* Notes a document and, below it, all that the copy has brought: everything it lists. */
static bool collect(struct archive_writer *writer, const char *name, struct blob_list *list,
                    struct error *err)
{
    owned(document) struct document document = {0};
    json_owned json_t *json = NULL;
    size_t i;
    const json_t *child;

    if (!store_resolve(layout_store(writer->layout), name, &document, err) ||
        !document_parse(&document, &json, err))
        return false;
    add_blob(list, &document.descriptor);
    json_array_foreach(json_object_get(json, "manifests"), i, child)
    {
        const char *digest = json_optional_string(child, "digest");
        if (!collect(writer, digest ? digest : "", list, err))
            return false;
    }
    json_array_foreach(json_object_get(json, "layers"), i, child)
    {
        if (!add_described(list, child, err))
            return false;
    }
    child = json_object_get(json, "config");
    return !child || add_described(list, child, err);
}

static bool write_layout_file(const struct archive_writer *writer, const char *name,
                              struct sink *out, struct error *err)
{
    owned(memory) char *path = text_format("%s/%s", writer->folder, name);
    owned(memory) char *text = NULL;
    size_t count;

    return file_read(path, MANIFEST_LIMIT, &text, &count, err) &&
           write_text(name, text, out, err);
}

static bool write_oci(struct archive_writer *writer, const struct document *top,
                      struct error *err)
{
    struct blob_list list = {0};
    owned(sink) struct sink *out = NULL;

    bool written = collect(writer, digest_format(&top->descriptor.digest).text, &list, err) &&
                   open_file(writer, &out, err) &&
                   write_blobs(writer, list.blobs, list.count, out, err);
    free(list.blobs);
    return written && write_layout_file(writer, "index.json", out, err) &&
           write_layout_file(writer, "oci-layout", out, err) && tar_write_end(out, err) &&
           sink_finish(take(&out), err);
}

/* --- a docker archive --- */

/* The layer as its diff id names it. */
static bool make_plain(struct archive_writer *writer, const struct layer *layer,
                       struct descriptor *out, struct error *err)
{
    owned(source) struct source *bytes = NULL;
    owned(sink) struct sink *plain = NULL;

    if (!store_open_blob(layout_store(writer->layout), &layer->blob, &bytes, err))
        return false;
    bytes = decompress_source(take(&bytes), (uint64_t)LAYER_GIB_LIMIT << 30);
    if (!layout_blob_sink(writer->layout, out, &plain, err) ||
        !stream_copy(bytes, plain, err) || !sink_finish(take(&plain), err))
        return false;
    if (!digest_equal(&out->digest, &layer->diff_id))
        return error_set(err, ERROR_INVALID, "content has diff id %s instead of %s",
                         digest_format(&out->digest).text, digest_format(&layer->diff_id).text);
    return true;
}

static char *member_name(const struct digest *digest)
{
    return text_format("blobs/sha256/%s", digest_format(digest).text + 7);
}

static char *docker_manifest(const char *reference, const struct descriptor *config,
                             const struct image *image)
{
    owned(memory) char *config_name = member_name(&config->digest);
    json_owned json_t *layers = json_array();
    json_t *tags = reference[0] ? json_pack("[s]", reference) : json_null();

    for (size_t i = 0; i < image_layer_count(image); i++) {
        owned(memory) char *name = member_name(&image_layer(image, i)->diff_id);
        json_array_append_new(layers, json_string(name));
    }
    json_owned json_t *json = json_pack("[{s:s, s:o, s:O}]", "Config", config_name, "RepoTags",
                                        tags, "Layers", layers);
    return json_text(json);
}

static bool write_docker(struct archive_writer *writer, const char *reference,
                         const struct document *manifest, struct error *err)
{
    owned(image) struct image *image = NULL;
    owned(sink) struct sink *out = NULL;

    if (!image_open(layout_store(writer->layout),
                    digest_format(&manifest->descriptor.digest).text, NULL, &image, err))
        return false;
    size_t count = image_layer_count(image) + 1;
    owned(memory) struct descriptor *blobs = memory_new(count, sizeof *blobs);
    blobs[0] = *image_config_descriptor(image);
    for (size_t i = 1; i < count; i++)
        if (!make_plain(writer, image_layer(image, i - 1), &blobs[i], err))
            return error_wrap(err, "layer %zu", i);

    owned(memory) char *list = docker_manifest(reference, &blobs[0], image);
    return open_file(writer, &out, err) && write_blobs(writer, blobs, count, out, err) &&
           write_text("manifest.json", list, out, err) && tar_write_end(out, err) &&
           sink_finish(take(&out), err);
}

/* --- the store --- */

static struct store *below(struct store *self)
{
    return layout_store(((struct archive_writer *)self)->layout);
}

static bool writer_resolve(struct store *self, const char *name, struct document *out,
                           struct error *err)
{
    return store_resolve(below(self), name, out, err);
}

static bool writer_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                            struct error *err)
{
    return below(self)->ops->has_blob(below(self), blob, found, err);
}

static bool writer_open_blob(struct store *self, const struct descriptor *blob,
                             struct source **out, struct error *err)
{
    return store_open_blob(below(self), blob, out, err);
}

static bool writer_put_blob(struct store *self, const struct descriptor *blob,
                            struct source *bytes, struct error *err)
{
    return below(self)->ops->put_blob(below(self), blob, bytes, err);
}

static bool oci_put_manifest(struct store *self, const char *tag,
                             const struct document *manifest, struct error *err)
{
    struct archive_writer *writer = (struct archive_writer *)self;

    return store_put_manifest(below(self), tag, manifest, err) &&
           (!tag || write_oci(writer, manifest, err) ||
            error_wrap(err, "write '%.200s'", writer->path));
}

static bool docker_put_manifest(struct store *self, const char *tag,
                                const struct document *manifest, struct error *err)
{
    struct archive_writer *writer = (struct archive_writer *)self;

    return store_put_manifest(below(self), NULL, manifest, err) &&
           (!tag || write_docker(writer, tag, manifest, err) ||
            error_wrap(err, "write '%.200s'", writer->path));
}

static void writer_free(struct store *self)
{
    struct archive_writer *writer = (struct archive_writer *)self;
    struct error ignored;

    layout_free(writer->layout);
    /* What could not be removed lies in the caller's folder, and goes with it. */
    if (writer->folder && !folder_remove(writer->folder, &ignored))
        ignored.kind = ERROR_NONE;
    free(writer->folder);
    free(writer->path);
    free(writer);
}

static const struct store_ops oci_writer_ops = {
    .resolve = writer_resolve,
    .has_blob = writer_has_blob,
    .open_blob = writer_open_blob,
    .put_blob = writer_put_blob,
    .put_manifest = oci_put_manifest,
    .free = writer_free,
};

static const struct store_ops docker_writer_ops = {
    .resolve = writer_resolve,
    .has_blob = writer_has_blob,
    .open_blob = writer_open_blob,
    .put_blob = writer_put_blob,
    .put_manifest = docker_put_manifest,
    .free = writer_free,
    .holds_one_image = true,
};

/* Said before anything is carried. */
static bool check_place(const char *path, struct error *err)
{
    owned(memory) char *folder = folder_of(path);
    struct stat status;

    if (stat(folder, &status) != 0 || !S_ISDIR(status.st_mode))
        return error_set(err, ERROR_NOT_FOUND, "no folder '%.200s' to put the archive in",
                         folder);
    if (stat(path, &status) == 0 && !S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "'%.200s' is there and not a regular file", path);
    return faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0 ||
           error_set_errno(err, "write in '%.200s'", folder);
}

static bool create(const char *path, const char *folder, const struct store_ops *ops,
                   struct store **out, struct error *err)
{
    struct archive_writer *writer = memory_new(1, sizeof *writer);
    owned(store) struct store *store = &writer->store;

    writer->store.ops = ops;
    writer->path = memory_copy_string(path);
    if (!check_place(path, err) ||
        !folder_make_temporary(folder, "archive-", &writer->folder, err) ||
        !layout_open(writer->folder, true, &writer->layout, err))
        return false;
    *out = take(&store);
    return true;
}

bool oci_archive_create(const char *path, const char *folder, struct store **out,
                        struct error *err)
{
    return create(path, folder, &oci_writer_ops, out, err);
}

bool docker_archive_create(const char *path, const char *folder, struct store **out,
                           struct error *err)
{
    return create(path, folder, &docker_writer_ops, out, err);
}
