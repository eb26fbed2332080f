/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer_writer.h"

#include "layers/compression.h"
#include "layers/tar.h"
#include "layers/unpack.h"
#include "oci/base/memory.h"

bool layer_write_as(struct tree *tree, enum layer_compression compression, time_t modified,
                    struct layout *workspace, struct layer *out, struct error *err)
{
    bool is_zstd = compression == LAYER_ZSTD;
    struct layer layer = {.blob.media_type =
                              is_zstd ? MEDIA_TYPE_OCI_LAYER_ZSTD : MEDIA_TYPE_OCI_LAYER_GZIP};
    owned(sink) struct sink *sink = NULL;

    if (!layout_blob_sink(workspace, &layer.blob, &sink, err))
        return error_wrap(err, "layer");
    sink = is_zstd ? zstd_sink(take(&sink)) : gzip_sink(take(&sink));
    sink = digest_sink(take(&sink), &layer.diff_id, NULL);
    if (!tar_write(tree, modified, sink, err) || !sink_finish(take(&sink), err))
        return error_wrap(err, "layer");
    *out = layer;
    return true;
}

bool layer_write(struct tree *tree, time_t modified, struct layout *workspace,
                 struct layer *out, struct error *err)
{
    return layer_write_as(tree, LAYER_GZIP, modified, workspace, out, err);
}

/* Passes on no more than a function's image may have: a small blob can hold much. */
struct limited_source {
    struct source source;
    struct source *inner;
    uint64_t left;
};

static bool limited_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct limited_source *limited = (struct limited_source *)self;

    if (!source_read(limited->inner, bytes, capacity, count, err))
        return false;
    if (*count > limited->left)
        return error_set(err, ERROR_LIMIT, "it unpacks to more than %d MiB", UNPACK_MIB_LIMIT);
    limited->left -= *count;
    return true;
}

static void limited_free(struct source *self)
{
    source_free(((struct limited_source *)self)->inner);
}

static const struct source_ops limited_ops = {.read = limited_read, .free = limited_free};

static bool recompress(struct store *from, const struct layer *layer, struct layout *workspace,
                       struct descriptor *out, struct error *err)
{
    struct descriptor blob = {.media_type = MEDIA_TYPE_OCI_LAYER_GZIP};
    struct digest diff_id;
    owned(source) struct source *compressed = NULL;
    owned(sink) struct sink *sink = NULL;

    if (!store_open_blob(from, &layer->blob, &compressed, err) ||
        !layout_blob_sink(workspace, &blob, &sink, err))
        return false;
    struct limited_source limited = {
        .source.ops = &limited_ops,
        .inner = decompressed_source(take(&compressed)),
        .left = (uint64_t)UNPACK_MIB_LIMIT << 20,
    };
    sink = digest_sink(gzip_sink(take(&sink)), &diff_id, NULL);
    bool copied = stream_copy(&limited.source, sink, err);
    source_free(&limited.source);
    if (!copied || !sink_finish(take(&sink), err))
        return false;
    if (!digest_equal(&diff_id, &layer->diff_id))
        return error_set(err, ERROR_INVALID, "it unpacks to %s, but its image says %s",
                         digest_format(&diff_id).text, digest_format(&layer->diff_id).text);
    *out = blob;
    return true;
}

bool layer_recompress(struct store *from, const struct layer *layer, struct layout *workspace,
                      struct descriptor *out, struct error *err)
{
    return recompress(from, layer, workspace, out, err) ||
           error_wrap(err, "layer %s", digest_format(&layer->blob.digest).text);
}
