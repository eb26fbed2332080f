/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/function_repository.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static bool repository_resolve(struct store *self, const char *name, struct document *out,
                               struct error *err)
{
    struct function_repository *repository = (struct function_repository *)self;
    bool is_digest = strncmp(name, "sha256:", strlen("sha256:")) == 0;

    return store_resolve(repository->images, is_digest ? name : repository->tag, out, err);
}

static bool repository_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                                struct error *err)
{
    struct function_repository *repository = (struct function_repository *)self;

    return repository->images->ops->has_blob(repository->images, blob, found, err);
}

static bool repository_open_blob(struct store *self, const struct descriptor *blob,
                                 struct source **out, struct error *err)
{
    struct function_repository *repository = (struct function_repository *)self;

    return store_open_blob(repository->images, blob, out, err);
}

static bool repository_put_blob(struct store *self, const struct descriptor *blob,
                                struct source *bytes, struct error *err)
{
    struct function_repository *repository = (struct function_repository *)self;

    return repository->images->ops->put_blob(repository->images, blob, bytes, err);
}

char *function_repository_next_tag(const char *tag)
{
    return text_format("%s.next", tag);
}

static bool repository_put_manifest(struct store *self, const char *tag,
                                    const struct document *manifest, struct error *err)
{
    struct function_repository *repository = (struct function_repository *)self;
    owned(memory) char *next = function_repository_next_tag(repository->tag);

    return store_put_manifest(repository->images, tag ? next : NULL, manifest, err);
}

static void repository_free(struct store *self)
{
    (void)self; /* its owner's */
}

static const struct store_ops repository_ops = {
    .resolve = repository_resolve,
    .has_blob = repository_has_blob,
    .open_blob = repository_open_blob,
    .put_blob = repository_put_blob,
    .put_manifest = repository_put_manifest,
    .free = repository_free,
};

void function_repository_init(struct function_repository *repository, struct layout *layout,
                              const char *name)
{
    *repository = (struct function_repository){
        .store = {.ops = &repository_ops},
        .images = layout_store(layout),
        .tag = memory_copy_string(name),
    };
}

void function_repository_release(struct function_repository *repository)
{
    free(repository->tag);
    *repository = (struct function_repository){0};
}

bool function_repository_settle(struct layout *layout, const char *name, struct error *err)
{
    struct store *images = layout_store(layout);
    owned(memory) char *next = function_repository_next_tag(name);
    owned(document) struct document pushed = {0};

    if (!store_resolve(images, next, &pushed, err))
        return err->kind == ERROR_NOT_FOUND; /* it is an image that was there */
    return store_put_manifest(images, name, &pushed, err) &&
           layout_remove_tag(layout, next, err);
}
