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

/* --- a blob's bytes, wherever they come from -----------------------------------------------
 */

struct relay {
    struct source source;
    struct mirrored *mirrored;
    struct descriptor blob;
    struct source *bytes; /* may be NULL after a failure */
    uint64_t position;
    bool is_mirrors;        /* the source that is being read */
    bool has_mirrors_bytes; /* some of those read */
};

static bool open_at(struct store *store, const struct descriptor *blob, uint64_t offset,
                    struct source **out, struct error *err)
{
    return store->ops->open_blob_at(store, blob, offset, out, err);
}

static bool relay_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                       struct error *err)
{
    struct relay *relay = (struct relay *)self;

    while (!relay->bytes || !source_read(relay->bytes, bytes, capacity, count, err)) {
        if (!relay->is_mirrors)
            return false;
        atomic_store(&relay->mirrored->is_useless, true);
        relay->is_mirrors = false;
        source_free(relay->bytes);
        relay->bytes = NULL;
        if (!open_at(relay->mirrored->origin, &relay->blob, relay->position, &relay->bytes,
                     err))
            return false;
    }
    relay->position += *count;
    relay->has_mirrors_bytes |= relay->is_mirrors;
    return true;
}

static void relay_free(struct source *self)
{
    struct relay *relay = (struct relay *)self;

    source_free(relay->bytes);
    free(relay);
}

static const struct source_ops relay_ops = {.read = relay_read, .free = relay_free};

static bool relay_open(struct mirrored *mirrored, const struct descriptor *blob,
                       uint64_t offset, struct relay **out, struct error *err)
{
    struct error failure = {0};
    struct source *bytes = NULL;
    bool is_mirrors = false;

    if (!atomic_load(&mirrored->is_useless)) {
        is_mirrors = open_at(mirrored->mirror, blob, offset, &bytes, &failure);
        if (!is_mirrors)
            judge(mirrored, &failure);
    }
    if (!is_mirrors && !open_at(mirrored->origin, blob, offset, &bytes, err))
        return false;

    struct relay *relay = memory_new(1, sizeof *relay);
    *relay = (struct relay){
        {&relay_ops}, mirrored, *blob, bytes, offset, is_mirrors, .has_mirrors_bytes = false};
    *out = relay;
    return true;
}

static bool mirrored_open_blob_at(struct store *self, const struct descriptor *blob,
                                  uint64_t offset, struct source **out, struct error *err)
{
    struct relay *relay;

    if (!relay_open((struct mirrored *)self, blob, offset, &relay, err))
        return false;
    *out = &relay->source;
    return true;
}

/* --- a blob, checked ------------------------------------------------------------------------
 */

struct checked {
    struct source source;
    struct mirrored *mirrored;
    struct descriptor blob;
    struct source *bytes; /* NULL while the origin is to be asked */
    struct relay *relay;  /* below the bytes; NULL once the origin has been asked */
};

static bool checked_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct checked *checked = (struct checked *)self;

    return (checked->bytes ||
            store_open_blob(checked->mirrored->origin, &checked->blob, &checked->bytes, err)) &&
           source_read(checked->bytes, bytes, capacity, count, err);
}

/* The origin may be behind a mirror of its own. */
static bool checked_rewind(struct source *self)
{
    struct checked *checked = (struct checked *)self;

    if (!checked->relay || !checked->relay->has_mirrors_bytes)
        return checked->bytes && source_rewind(checked->bytes);
    atomic_store(&checked->mirrored->is_useless, true);
    source_free(checked->bytes);
    checked->bytes = NULL;
    checked->relay = NULL;
    return true;
}

static void checked_free(struct source *self)
{
    struct checked *checked = (struct checked *)self;

    source_free(checked->bytes);
    free(checked);
}

static const struct source_ops checked_ops = {
    .read = checked_read,
    .rewind = checked_rewind,
    .free = checked_free,
};

static bool mirrored_open_blob(struct store *self, const struct descriptor *blob,
                               struct source **out, struct error *err)
{
    struct mirrored *mirrored = (struct mirrored *)self;
    struct relay *relay;

    if (!relay_open(mirrored, blob, 0, &relay, err))
        return false;
    struct checked *checked = memory_new(1, sizeof *checked);
    *checked = (struct checked){.source.ops = &checked_ops,
                                .mirrored = mirrored,
                                .blob = *blob,
                                .bytes = descriptor_verify(blob, &relay->source),
                                .relay = relay};
    *out = &checked->source;
    return true;
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
    .open_blob_at = mirrored_open_blob_at,
    .put_blob = mirrored_put_blob,
    .put_manifest = mirrored_put_manifest,
    .home = mirrored_home,
    .free = mirrored_free,
    .is_far = true,
};

struct store *mirror_store(struct store *mirror, struct store *origin)
{
    struct mirrored *mirrored = memory_new(1, sizeof *mirrored);

    mirrored->store.ops = &mirrored_ops;
    mirrored->mirror = mirror;
    mirrored->origin = origin;
    return &mirrored->store;
}
