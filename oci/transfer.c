/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/transfer.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/base/work.h"

enum { AT_HAND_LIMIT = 16 * 1024 }; /* bytes that are sent without asking: a usual config */

/* A store's blob, opened anew when it is wanted from the beginning. */
struct blob_source {
    struct source source;
    struct store *store;
    const struct descriptor *blob;
    struct source *bytes; /* NULL while it is not open */
    bool failed;
};

static bool blob_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                      struct error *err)
{
    struct blob_source *source = (struct blob_source *)self;

    source->failed = (!source->bytes &&
                      !store_open_blob(source->store, source->blob, &source->bytes, err)) ||
                     !source_read(source->bytes, bytes, capacity, count, err);
    return !source->failed;
}

static bool blob_rewind(struct source *self)
{
    struct blob_source *source = (struct blob_source *)self;

    if (source->failed)
        return source->bytes && source_rewind(source->bytes);
    source_free(source->bytes);
    source->bytes = NULL;
    return true;
}

static void blob_free(struct source *self)
{
    struct blob_source *source = (struct blob_source *)self;

    source_free(source->bytes);
    free(source);
}

static const struct source_ops blob_ops = {
    .read = blob_read,
    .rewind = blob_rewind,
    .free = blob_free,
};

/* Both are borrowed. */
static bool blob_open(struct store *store, const struct descriptor *blob,
                      struct blob_source **out, struct error *err)
{
    struct source *bytes;

    if (!store_open_blob(store, blob, &bytes, err))
        return false;
    struct blob_source *source = memory_new(1, sizeof *source);
    *source = (struct blob_source){{&blob_ops}, store, blob, bytes, false};
    *out = source;
    return true;
}

/* Both ends of a way, each opened with a round trip of its own. */
struct way {
    struct store *from;
    struct store *to;
    const struct descriptor *blob;
    struct blob_source *source;
};

static bool open_end(void *context, struct work *work, size_t piece, struct error *err)
{
    struct way *way = context;
    struct digest_text name = digest_format(&way->blob->digest);
    (void)work;

    if (piece == 0 && !blob_open(way->from, way->blob, &way->source, err))
        return error_wrap(err, "read blob %s", name.text);
    if (piece == 1 && !way->to->ops->expect_blob(way->to, way->blob, err))
        return error_wrap(err, "blob %s", name.text);
    return true;
}

/* What is at hand is opened at once; what is not, while the far side gets ready. */
static bool open_ends(struct way *way, bool is_at_hand, bool is_cheap, struct error *err)
{
    bool is_expected = way->to->ops->expect_blob && !is_cheap;

    return work_run(is_expected ? 2 : 1, is_at_hand ? 1 : 2, open_end, way, err);
}

static bool carry(struct way *way, struct source *(*watch)(void *context, struct source *bytes),
                  void *context, struct error *err)
{
    owned(source) struct source *bytes = watch(context, &way->source->source);

    while (!way->to->ops->put_blob(way->to, way->blob, bytes, err))
        if (!way->source->failed || !source_rewind(bytes))
            return error_wrap(err, "blob %s", digest_format(&way->blob->digest).text);
    return true;
}

bool transfer_blob(struct store *from, struct store *to, const struct descriptor *blob,
                   struct source *(*watch)(void *context, struct source *bytes), void *context,
                   enum blob_way *way, struct error *err)
{
    struct digest_text name = digest_format(&blob->digest);
    struct store *home = store_home(from, blob);
    bool is_at_hand = !home->ops->is_far;
    bool found = home == to;

    *way = BLOB_MOUNTED;
    if (!found && to->ops->mount_blob && !to->ops->mount_blob(to, home, blob, &found, err))
        return error_wrap(err, "mount blob %s", name.text);
    if (found && home != to)
        return true;

    *way = BLOB_WAS_THERE;
    bool is_cheap = to->ops->is_far && is_at_hand && blob->size <= AT_HAND_LIMIT;
    if (!found && !is_cheap && !to->ops->has_blob(to, blob, &found, err))
        return error_wrap(err, "blob %s", name.text);
    if (found)
        return true;

    *way = BLOB_CARRIED;
    struct way ends = {.from = from, .to = to, .blob = blob};
    if (open_ends(&ends, is_at_hand, is_cheap, err))
        return carry(&ends, watch, context, err);
    if (ends.source)
        source_free(&ends.source->source);
    return false;
}
