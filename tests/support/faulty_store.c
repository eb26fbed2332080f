/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/faulty_store.h"

/* Copies run in several threads: the countdown is one step. */
static bool call(struct faulty_store *faulty, struct error *err)
{
    if (__atomic_load_n(&faulty->calls_left, __ATOMIC_SEQ_CST) < 0)
        return true;
    if (__atomic_fetch_sub(&faulty->calls_left, 1, __ATOMIC_SEQ_CST) > 0)
        return true;
    __atomic_store_n(&faulty->calls_left, 0, __ATOMIC_SEQ_CST);
    return error_set(err, ERROR_NETWORK, "no answer");
}

static bool faulty_resolve(struct store *self, const char *name, struct document *out,
                           struct error *err)
{
    struct faulty_store *faulty = (struct faulty_store *)self;

    return call(faulty, err) && store_resolve(faulty->inner, name, out, err);
}

static bool faulty_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                            struct error *err)
{
    struct faulty_store *faulty = (struct faulty_store *)self;

    return call(faulty, err) && faulty->inner->ops->has_blob(faulty->inner, blob, found, err);
}

static bool faulty_open_blob(struct store *self, const struct descriptor *blob,
                             struct source **out, struct error *err)
{
    struct faulty_store *faulty = (struct faulty_store *)self;

    return call(faulty, err) && store_open_blob(faulty->inner, blob, out, err);
}

static bool faulty_put_blob(struct store *self, const struct descriptor *blob,
                            struct source *bytes, struct error *err)
{
    struct faulty_store *faulty = (struct faulty_store *)self;
    char half[16];
    size_t count;

    if (!call(faulty, err)) {
        struct error ignored;
        bool read = source_read(bytes, half, sizeof half, &count, &ignored);
        (void)read;
        return false;
    }
    __atomic_fetch_add(&faulty->puts, 1, __ATOMIC_SEQ_CST);
    return faulty->inner->ops->put_blob(faulty->inner, blob, bytes, err);
}

static bool faulty_put_manifest(struct store *self, const char *tag,
                                const struct document *manifest, struct error *err)
{
    struct faulty_store *faulty = (struct faulty_store *)self;

    return call(faulty, err) && store_put_manifest(faulty->inner, tag, manifest, err);
}

static void faulty_free(struct store *self)
{
    (void)self; /* the caller's own */
}

static const struct store_ops faulty_ops = {
    .resolve = faulty_resolve,
    .has_blob = faulty_has_blob,
    .open_blob = faulty_open_blob,
    .put_blob = faulty_put_blob,
    .put_manifest = faulty_put_manifest,
    .free = faulty_free,
};

void faulty_store_init(struct faulty_store *faulty, struct store *inner)
{
    *faulty = (struct faulty_store){.store.ops = &faulty_ops, .inner = inner, .calls_left = -1};
}
