/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/image_root.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "lambda/local/sandbox.h"
#include "layers/unpack.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Passes bytes on and tells how many. */
struct counted_source {
    struct source source;
    struct source *inner;
    struct progress *progress;
    int task;
};

static bool counted_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct counted_source *counted = (struct counted_source *)self;

    if (!source_read(counted->inner, bytes, capacity, count, err))
        return false;
    progress_advance(counted->progress, counted->task, *count);
    return true;
}

static void counted_free(struct source *self)
{
    (void)self; /* on its user's stack */
}

static const struct source_ops counted_ops = {.read = counted_read, .free = counted_free};

static bool unpack_blob(struct store *store, const struct descriptor *blob, const char *root,
                        struct unpacked *so_far, struct progress *progress, struct error *err)
{
    owned(source) struct source *bytes = NULL;
    struct digest_text name = digest_format_short(&blob->digest);

    if (blob->media_type == MEDIA_TYPE_FOREIGN_LAYER)
        return error_set(err, ERROR_INVALID, "layer %s: its bytes are not in the image",
                         name.text);
    if (!store_open_blob(store, blob, &bytes, err))
        return error_wrap(err, "layer %s", name.text);

    struct counted_source counted = {
        .source.ops = &counted_ops,
        .inner = bytes,
        .progress = progress,
        .task = progress_begin(progress, "unpacked", name.text, blob->size),
    };
    bool unpacked = unpack_layer(&counted.source, root, so_far, err);
    progress_end(progress, counted.task, unpacked);
    return unpacked || error_wrap(err, "layer %s", name.text);
}

static bool unpack_image(struct store *store, const struct image *image, const char *root,
                         struct progress *progress, struct error *err)
{
    struct unpacked so_far = {0};

    if (chmod(root, 0755) != 0)
        return error_set_errno(err, "make '%.200s'", root);
    for (size_t i = 0; i < image_layer_count(image); i++)
        if (!unpack_blob(store, &image_layer(image, i)->blob, root, &so_far, progress, err))
            return false;
    return sandbox_prepare_root(root, err);
}

char *image_root_path(const char *folder, const struct digest *manifest)
{
    return text_format("%s/roots/%s", folder, digest_format(manifest).text + strlen("sha256:"));
}

bool image_root_make(const char *folder, struct store *store, const struct image *image,
                     struct progress *progress, struct error *err)
{
    owned(memory) char *path =
        image_root_path(folder, &image_document(image)->descriptor.digest);
    owned(memory) char *roots = text_format("%s/roots", folder);
    owned(memory) char *fresh = NULL;
    struct error trouble;

    if (file_exists(path))
        return true;
    if (!folder_make_temporary(roots, ".new-", &fresh, err))
        return false;
    progress_step(progress, "Unpacking the image, once for all runs.");
    bool made = unpack_image(store, image, fresh, progress, err);
    if (made && rename(fresh, path) != 0)
        made = error_set_errno(err, "make '%.200s'", path);
    if (!made && !folder_remove(fresh, &trouble))
        progress_warn(progress, "%s", trouble.text);
    return made;
}
