/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "layers/archive_refusal.h"
#include "layers/image_archive.h"
#include "layers/tar_file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/layout_index.h"

struct oci_archive {
    struct store store;
    struct tar_file *file;
    json_t *index;
};

static char *blob_name(const struct digest *digest)
{
    return text_format("blobs/sha256/%s", digest_format(digest).text + strlen("sha256:"));
}

static bool archive_resolve(struct store *self, const char *name, struct document *out,
                            struct error *err)
{
    struct oci_archive *archive = (struct oci_archive *)self;
    const char *path = tar_file_path(archive->file);
    owned(memory) char *bytes = NULL;
    struct descriptor entry = {0};
    size_t count;

    if (strncmp(name, "sha256:", 7) == 0) {
        if (!digest_parse(name, &entry.digest, err))
            return false;
    } else if (!layout_index_find(archive->index, path, name, &entry, err)) {
        return false;
    }
    struct digest_text digest = digest_format(&entry.digest);
    owned(memory) char *blob = blob_name(&entry.digest);
    if (!tar_file_read(archive->file, blob, MANIFEST_LIMIT, &bytes, &count, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_NOT_FOUND, "no manifest %s in '%.200s'", digest.text, path);
    }
    return document_read(&bytes, count, media_type_name(entry.media_type), digest.text, out,
                         err);
}

static bool archive_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                             struct error *err)
{
    owned(memory) char *name = blob_name(&blob->digest);
    struct tar_member member;
    struct error missing;
    (void)err;

    *found = tar_file_find(((struct oci_archive *)self)->file, name, &member, &missing) &&
             member.size == blob->size;
    return true;
}

static bool archive_open_blob(struct store *self, const struct descriptor *blob,
                              struct source **out, struct error *err)
{
    const struct tar_file *file = ((struct oci_archive *)self)->file;
    owned(memory) char *name = blob_name(&blob->digest);
    struct tar_member member;
    struct source *bytes;

    if (!tar_file_find(file, name, &member, err) ||
        !tar_file_source(file, &member, &bytes, err))
        return false;
    *out = descriptor_verify(blob, bytes);
    return true;
}

static bool archive_list_tags(struct store *self, json_t *tags, struct error *err)
{
    (void)err;
    layout_index_list(((struct oci_archive *)self)->index, tags);
    return true;
}

static void archive_free(struct store *self)
{
    struct oci_archive *archive = (struct oci_archive *)self;

    tar_file_free(archive->file);
    json_decref(archive->index);
    free(archive);
}

static const struct store_ops oci_archive_ops = {
    .resolve = archive_resolve,
    .has_blob = archive_has_blob,
    .open_blob = archive_open_blob,
    .put_blob = archive_refuse_blob,
    .put_manifest = archive_refuse_manifest,
    .list_tags = archive_list_tags,
    .free = archive_free,
};

bool oci_archive_open(const char *path, const char *folder, struct store **out,
                      struct error *err)
{
    owned(tar_file) struct tar_file *file = NULL;
    owned(memory) char *bytes = NULL;
    size_t count;
    json_t *index;

    if (!tar_file_open(path, folder, &file, err))
        return false;
    if (!tar_file_read(file, "index.json", MANIFEST_LIMIT, &bytes, &count, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_INVALID,
                         "'%.200s' is not an OCI archive: it has no index.json", path);
    }
    if (!layout_index_parse(bytes, count, path, &index, err))
        return false;
    struct oci_archive *archive = memory_new(1, sizeof *archive);
    archive->store.ops = &oci_archive_ops;
    archive->file = take(&file);
    archive->index = index;
    *out = &archive->store;
    return true;
}
