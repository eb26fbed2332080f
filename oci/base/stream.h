/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bytes in motion.
 *
 * A source is read from; a sink is written to. Sinks stack: each one does its
 * single thing to the bytes and hands them to the next, so a layer's way to
 * disk is written from the far end to the near one:
 *
 *     struct sink *out = layout_blob_sink(layout);            fourth: store
 *     out = digest_sink(out, &blob.digest, &blob.size);       third: digest, compressed
 *     out = gzip_sink(out);                                   second: compress
 *     out = digest_sink(out, &layer.diff_id, NULL);           first: digest, plain
 *
 * A stack ends in one of two ways. sink_finish() flushes every sink from near
 * to far and makes the result visible. sink_free() without it leaves no trace:
 * no file, no blob. Either way the whole stack is released.
 */

#include <stddef.h>
#include <stdint.h>

#include "oci/base/error.h"

struct source;
struct sink;

struct source_ops {
    /* Reads up to `capacity` bytes; a `count` of 0 means the end. */
    bool (*read)(struct source *self, void *bytes, size_t capacity, size_t *count,
                 struct error *err);
    bool (*rewind)(struct source *self); /* may be NULL: the bytes come once */
    void (*free)(struct source *self);
};

/* Never forward finish or free to the next sink: the stack is walked for you. */
struct sink_ops {
    bool (*write)(struct sink *self, const void *bytes, size_t count, struct error *err);
    bool (*finish)(struct sink *self, struct error *err); /* may be NULL: nothing to flush */
    void (*free)(struct sink *self);
};

/* First member of every source and every sink. */
struct source {
    const struct source_ops *ops;
};
struct sink {
    const struct sink_ops *ops;
    struct sink *next; /* owned; NULL at the far end */
};

bool source_read(struct source *source, void *bytes, size_t capacity, size_t *count,
                 struct error *err) MUST_CHECK;
void source_free(struct source *source);

/** Begins again at the first byte. False where that cannot be: many sources give their bytes
 *  once, and one that has failed stays so unless it knows another place to get them from. */
bool source_rewind(struct source *source) MUST_CHECK;

bool sink_write(struct sink *sink, const void *bytes, size_t count,
                struct error *err) MUST_CHECK;
bool sink_finish(struct sink *sink, struct error *err) MUST_CHECK;
void sink_free(struct sink *sink);

/** Moves everything from one to the other; neither is finished or freed. */
bool stream_copy(struct source *from, struct sink *to, struct error *err) MUST_CHECK;

/** A sink into memory. Fails with ERROR_LIMIT beyond `limit` bytes; *bytes is
 *  set by sink_finish(), is the caller's to free() and ends in an uncounted NUL. */
struct sink *memory_sink(size_t limit, char **bytes, size_t *count);

/** A source over bytes that outlive it. */
struct source *memory_source(const void *bytes, size_t count);

static inline void source_cleanup(struct source **variable)
{
    source_free(*variable);
}
static inline void sink_cleanup(struct sink **variable)
{
    sink_free(*variable);
}
