/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/mirror.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "oci/base/memory.h"

struct mirrored {
    struct store store;
    struct store *mirror;
    struct store *origin;
    atomic_bool is_useless; /* the mirror */
};

static void judge(struct mirrored *mirrored, const struct error *failure)
{
    if (failure->kind != ERROR_NOT_FOUND)
        atomic_store(&mirrored->is_useless, true);
}

static bool mirrored_resolve(struct store *self, const char *name, struct document *out,
                             struct error *err)
{
    struct mirrored *mirrored = (struct mirrored *)self;
    struct error failure = {0};

    if (!atomic_load(&mirrored->is_useless)) {
        if (store_resolve(mirrored->mirror, name, out, &failure))
            return true;
        judge(mirrored, &failure);
    }
    return store_resolve(mirrored->origin, name, out, err);
}

static bool mirrored_open_blob(struct store *self, const struct descriptor *blob,
                               struct source **out, struct error *err)
{
    struct mirrored *mirrored = (struct mirrored *)self;
    struct error failure = {0};

    if (!atomic_load(&mirrored->is_useless)) {
        if (store_open_blob(mirrored->mirror, blob, out, &failure))
            return true;
        judge(mirrored, &failure);
    }
    return store_open_blob(mirrored->origin, blob, out, err);
}

/* Where a blob is to be mounted from. The mirror need not have it: then it is carried. */
static struct store *mirrored_home(struct store *self, const struct descriptor *blob)
{
    struct mirrored *mirrored = (struct mirrored *)self;
    struct store *origin = mirrored->origin;

    if (!atomic_load(&mirrored->is_useless))
        return mirrored->mirror;
    return origin->ops->home ? origin->ops->home(origin, blob) : origin;
}

static bool mirrored_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                              struct error *err)
{
    struct store *origin = ((struct mirrored *)self)->origin;

    return origin->ops->has_blob(origin, blob, found, err);
}

static bool mirrored_put_blob(struct store *self, const struct descriptor *blob,
                              struct source *bytes, struct error *err)
{
    (void)self, (void)blob, (void)bytes;
    return error_set(err, ERROR_INVALID, "a repository behind its mirror is read only");
}

static bool mirrored_put_manifest(struct store *self, const char *tag,
                                  const struct document *manifest, struct error *err)
{
    (void)self, (void)tag, (void)manifest;
    return error_set(err, ERROR_INVALID, "a repository behind its mirror is read only");
}

static void mirrored_free(struct store *self)
{
    free(self);
}

static const struct store_ops mirrored_ops = {
    .resolve = mirrored_resolve,
    .has_blob = mirrored_has_blob,
    .open_blob = mirrored_open_blob,
    .put_blob = mirrored_put_blob,
    .put_manifest = mirrored_put_manifest,
    .home = mirrored_home,
    .free = mirrored_free,
};

struct store *mirror_store(struct store *mirror, struct store *origin)
{
    struct mirrored *mirrored = memory_new(1, sizeof *mirrored);

    mirrored->store.ops = &mirrored_ops;
    mirrored->mirror = mirror;
    mirrored->origin = origin;
    return &mirrored->store;
}
