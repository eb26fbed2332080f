/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layout.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/layout_index.h"

static const char VERSION_FILE[] = "{\"imageLayoutVersion\":\"1.0.0\"}";

enum { COLLECT_DEPTH = 8 };

struct layout {
    struct store store;
    char *path;
    bool is_new; /* its folder was made for it */
};

static char *blob_path(const struct layout *layout, const struct digest *digest)
{
    return text_format("%s/blobs/sha256/%s", layout->path, digest_format(digest).text + 7);
}

/* Changes of index.json take turns, between processes too. Returns a descriptor to close. */
static int lock(const struct layout *layout)
{
    owned(memory) char *path = text_format("%s/oci-layout", layout->path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    while (fd >= 0 && flock(fd, LOCK_EX) != 0 && errno == EINTR)
        ;
    return fd;
}

static void unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

static bool index_load(const struct layout *layout, json_t **out, struct error *err)
{
    owned(memory) char *path = text_format("%s/index.json", layout->path);
    owned(memory) char *bytes = NULL;
    size_t count;

    return file_read(path, MANIFEST_LIMIT, &bytes, &count, err) &&
           layout_index_parse(bytes, count, path, out, err);
}

static bool index_save(const struct layout *layout, const json_t *index, struct error *err)
{
    owned(memory) char *path = text_format("%s/index.json", layout->path);
    owned(memory) char *bytes = json_text(index);

    return file_write(path, 0644, bytes, strlen(bytes), err);
}

static bool layout_resolve(struct store *self, const char *name, struct document *out,
                           struct error *err)
{
    struct layout *layout = (struct layout *)self;
    json_owned json_t *index = NULL;
    owned(memory) char *bytes = NULL;
    struct descriptor entry = {0};
    size_t count;

    if (strncmp(name, "sha256:", 7) == 0) {
        if (!digest_parse(name, &entry.digest, err))
            return false;
    } else if (!index_load(layout, &index, err) ||
               !layout_index_find(index, layout->path, name, &entry, err)) {
        return false;
    }

    owned(memory) char *path = blob_path(layout, &entry.digest);
    if (!file_read(path, MANIFEST_LIMIT, &bytes, &count, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_NOT_FOUND, "no manifest %s in '%.200s'",
                         digest_format(&entry.digest).text, layout->path);
    }
    return document_read(&bytes, count, media_type_name(entry.media_type),
                         digest_format(&entry.digest).text, out, err);
}

static bool layout_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                            struct error *err)
{
    owned(memory) char *path = blob_path((struct layout *)self, &blob->digest);
    struct stat status;
    (void)err;

    *found = stat(path, &status) == 0 && (uint64_t)status.st_size == blob->size;
    return true;
}

static bool layout_open_blob(struct store *self, const struct descriptor *blob,
                             struct source **out, struct error *err)
{
    struct layout *layout = (struct layout *)self;
    owned(memory) char *path = blob_path(layout, &blob->digest);
    struct source *file;

    if (!file_source(path, &file, err)) {
        if (err->kind != ERROR_NOT_FOUND)
            return false;
        return error_set(err, ERROR_NOT_FOUND, "it is not in '%.200s'", layout->path);
    }
    *out = descriptor_verify(blob, file);
    return true;
}

struct blob_place {
    const struct layout *layout;
    const struct digest *digest;
};

static char *place_blob(void *context)
{
    const struct blob_place *place = context;

    return blob_path(place->layout, place->digest);
}

static bool layout_put_blob(struct store *self, const struct descriptor *blob,
                            struct source *bytes, struct error *err)
{
    struct layout *layout = (struct layout *)self;
    struct blob_place place = {layout, &blob->digest};
    owned(memory) char *folder = text_format("%s/blobs/sha256", layout->path);
    owned(source) struct source *none = memory_source("", 0);
    owned(sink) struct sink *file = NULL;

    return file_sink(folder, 0644, place_blob, &place, &file, err) &&
           stream_copy(bytes ? bytes : none, file, err) && sink_finish(take(&file), err);
}

static bool layout_put_manifest(struct store *self, const char *tag,
                                const struct document *manifest, struct error *err)
{
    struct layout *layout = (struct layout *)self;
    const struct descriptor *descriptor = &manifest->descriptor;
    owned(memory) char *path = blob_path(layout, &descriptor->digest);

    if (!file_write(path, 0644, manifest->bytes, (size_t)descriptor->size, err))
        return false;
    if (!tag)
        return true;

    json_owned json_t *index = NULL;
    int turn = lock(layout);
    bool put = index_load(layout, &index, err);
    if (put) {
        layout_index_put(index, tag, descriptor);
        put = index_save(layout, index, err);
    }
    unlock(turn);
    return put;
}

static bool layout_list_tags(struct store *self, json_t *tags, struct error *err)
{
    json_owned json_t *index = NULL;

    if (!index_load((struct layout *)self, &index, err))
        return false;
    layout_index_list(index, tags);
    return true;
}

static void keep_open(struct store *self)
{
    (void)self; /* freed with its layout */
}

static const struct store_ops layout_ops = {
    .resolve = layout_resolve,
    .has_blob = layout_has_blob,
    .open_blob = layout_open_blob,
    .put_blob = layout_put_blob,
    .put_manifest = layout_put_manifest,
    .list_tags = layout_list_tags,
    .free = keep_open,
};

static bool is_empty(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    int names = 0;

    if (!folder)
        return errno == ENOENT;
    while ((entry = readdir(folder)))
        names += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return names == 0;
}

/* oci-layout comes last: with it the folder is a layout. */
static bool layout_make(const char *path, struct error *err)
{
    owned(memory) char *blobs = text_format("%s/blobs/sha256", path);
    owned(memory) char *index = text_format("%s/index.json", path);
    owned(memory) char *version = text_format("%s/oci-layout", path);
    const char *empty =
        "{\"manifests\":[],\"mediaType\":\"application/vnd.oci.image.index.v1+json\","
        "\"schemaVersion\":2}";

    return folder_make(blobs, err) && file_write(index, 0644, empty, strlen(empty), err) &&
           file_write(version, 0644, VERSION_FILE, strlen(VERSION_FILE), err);
}

/* Where not even one blob came, nothing stays. */
static void unmake_empty(const char *path)
{
    owned(memory) char *blobs = text_format("%s/blobs", path);
    owned(memory) char *sha256 = text_format("%s/sha256", blobs);
    owned(memory) char *index = text_format("%s/index.json", path);
    owned(memory) char *version = text_format("%s/oci-layout", path);

    if (rmdir(sha256) == 0 && rmdir(blobs) == 0 && unlink(version) == 0 && unlink(index) == 0)
        rmdir(path);
}

bool layout_open(const char *path, bool make, struct layout **out, struct error *err)
{
    owned(memory) char *version = text_format("%s/oci-layout", path);
    bool is_new = make && !file_exists(path);

    if (!file_exists(version)) {
        if (!make && is_empty(path))
            return error_set(err, ERROR_NOT_FOUND, "no image layout at '%.200s'", path);
        if (!make || !is_empty(path))
            return error_set(err, ERROR_INVALID,
                             "'%.200s' is not an image layout: it has no file oci-layout",
                             path);
        if (!layout_make(path, err))
            return false;
    }

    struct layout *layout = memory_new(1, sizeof *layout);
    layout->store.ops = &layout_ops;
    layout->path = memory_copy_string(path);
    layout->is_new = is_new;
    *out = layout;
    return true;
}

void layout_free(struct layout *layout)
{
    if (!layout)
        return;
    if (layout->is_new)
        unmake_empty(layout->path);
    free(layout->path);
    free(layout);
}

struct store *layout_store(struct layout *layout)
{
    return &layout->store;
}

struct new_blob {
    struct sink sink;
    struct blob_place place;
};

static bool new_blob_write(struct sink *self, const void *bytes, size_t count,
                           struct error *err)
{
    return sink_write(self->next, bytes, count, err);
}

static void new_blob_free(struct sink *self)
{
    free(self);
}

static const struct sink_ops new_blob_ops = {
    .write = new_blob_write,
    .free = new_blob_free,
};

/* The sink in front only keeps the place alive until the file behind it has asked for it. */
bool layout_blob_sink(struct layout *layout, struct descriptor *blob, struct sink **out,
                      struct error *err)
{
    owned(memory) char *folder = text_format("%s/blobs/sha256", layout->path);
    owned(memory) struct new_blob *fresh = memory_new(1, sizeof *fresh);
    struct sink *file;

    fresh->place = (struct blob_place){layout, &blob->digest};
    if (!file_sink(folder, 0644, place_blob, &fresh->place, &file, err))
        return false;
    fresh->sink = (struct sink){.ops = &new_blob_ops,
                                .next = digest_sink(file, &blob->digest, &blob->size)};
    *out = &take(&fresh)->sink;
    return true;
}

bool layout_remove_tag(struct layout *layout, const char *tag, struct error *err)
{
    json_owned json_t *index = NULL;
    int turn = lock(layout);
    bool removed = index_load(layout, &index, err);

    if (removed && layout_index_remove(index, tag))
        removed = index_save(layout, index, err);
    unlock(turn);
    return removed;
}

/* Notes the names of all blobs under a document: JSON objects make handy sets. */
static bool mark(struct layout *layout, const char *name, json_t *marked, int depth,
                 struct error *err)
{
    owned(document) struct document document = {0};
    json_owned json_t *json = NULL;
    size_t i;
    json_t *child;

    if (depth > COLLECT_DEPTH)
        return error_set(err, ERROR_LIMIT, "index nested deeper than %d levels", COLLECT_DEPTH);
    json_object_set_new(marked, name + 7, json_true());
    if (!layout_resolve(&layout->store, name, &document, err) ||
        !document_parse(&document, &json, err))
        return err->kind == ERROR_NOT_FOUND; /* an index may name what was never copied */

    json_array_foreach(json_object_get(json, "manifests"), i, child)
    {
        const char *digest = json_optional_string(child, "digest");
        if (digest && strlen(digest) > 7 && !mark(layout, digest, marked, depth + 1, err))
            return false;
    }
    json_array_foreach(json_object_get(json, "layers"), i, child)
    {
        const char *digest = json_optional_string(child, "digest");
        if (digest && strlen(digest) > 7)
            json_object_set_new(marked, digest + 7, json_true());
    }
    const char *config = json_optional_string(json_object_get(json, "config"), "digest");
    if (config && strlen(config) > 7)
        json_object_set_new(marked, config + 7, json_true());
    return true;
}

static bool sweep(const struct layout *layout, const json_t *marked, struct error *err)
{
    owned(memory) char *path = text_format("%s/blobs/sha256", layout->path);
    DIR *folder = opendir(path);
    const struct dirent *entry;

    if (!folder)
        return error_set_errno(err, "open '%.200s'", path);
    while ((entry = readdir(folder)))
        if (entry->d_name[0] != '.' && !json_object_get(marked, entry->d_name))
            unlinkat(dirfd(folder), entry->d_name, 0);
    closedir(folder);
    return true;
}

bool layout_collect(struct layout *layout, struct error *err)
{
    json_owned json_t *index = NULL;
    json_owned json_t *marked = json_object();
    size_t i;
    const json_t *entry;
    int turn = lock(layout);
    bool right = index_load(layout, &index, err);

    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        const char *digest = json_optional_string(entry, "digest");
        if (right && digest && strlen(digest) > 7)
            right = mark(layout, digest, marked, 0, err);
    }
    right = right && sweep(layout, marked, err);
    unlock(turn);
    return right;
}
