/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layers_compress.h"

#include "layers/compression.h"
#include "layers/decompress.h"
#include "oci/base/memory.h"
#include "oci/base/work.h"

enum { WORKERS = 4 };

struct compressing {
    const struct image *image;
    struct store *from;
    struct layout *workspace;
    struct progress *progress;
    struct descriptor *results; /* one per layer */
};

static bool may_be_smaller(const struct descriptor *blob)
{
    enum media_type type = media_type_to_oci(blob->media_type);

    return type == MEDIA_TYPE_OCI_LAYER_TAR || type == MEDIA_TYPE_OCI_LAYER_ZSTD;
}

/* Plain bytes on their way, counted, unless another layer has failed. */
struct watched {
    struct source source;
    struct source *inner;
    struct work *work;
    struct progress *progress;
    int task;
};

static bool watched_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct watched *watched = (struct watched *)self;

    if (work_stopped(watched->work))
        return error_set(err, ERROR_SYSTEM, "stopped, since another layer failed");
    if (!source_read(watched->inner, bytes, capacity, count, err))
        return false;
    progress_advance(watched->progress, watched->task, *count);
    return true;
}

static const struct source_ops watched_ops = {.read = watched_read};

static bool compress_bytes(const struct compressing *compressing, struct work *work,
                           const struct layer *layer, struct descriptor *out,
                           struct digest *diff_id, struct error *err)
{
    struct progress *progress = compressing->progress;
    owned(source) struct source *bytes = NULL;
    owned(sink) struct sink *sink = NULL;

    if (!store_open_blob(compressing->from, &layer->blob, &bytes, err) ||
        !layout_blob_sink(compressing->workspace, out, &sink, err))
        return false;
    bytes = decompress_source(take(&bytes), (uint64_t)LAYER_GIB_LIMIT << 30);
    sink = digest_sink(gzip_sink(take(&sink)), diff_id, NULL);
    bool is_plain = media_type_to_oci(layer->blob.media_type) == MEDIA_TYPE_OCI_LAYER_TAR;
    int task =
        progress_begin(progress, "compressed", digest_format_short(&layer->blob.digest).text,
                       is_plain ? layer->blob.size : 0);
    struct watched watched = {{&watched_ops}, bytes, work, progress, task};
    bool written = stream_copy(&watched.source, sink, err) && sink_finish(take(&sink), err);
    progress_end(progress, task, written);
    return written;
}

static bool compress_layer(void *context, struct work *work, size_t piece, struct error *err)
{
    struct compressing *compressing = context;
    const struct layer *layer = image_layer(compressing->image, piece);
    struct descriptor *out = &compressing->results[piece];
    struct digest diff_id;

    *out = layer->blob;
    if (!may_be_smaller(&layer->blob))
        return true;
    out->media_type = layer->blob.media_type == MEDIA_TYPE_DOCKER_LAYER_TAR
                          ? MEDIA_TYPE_DOCKER_LAYER_GZIP
                          : MEDIA_TYPE_OCI_LAYER_GZIP;
    if (!compress_bytes(compressing, work, layer, out, &diff_id, err))
        return error_wrap(err, "layer %zu", piece + 1);
    if (!digest_equal(&diff_id, &layer->diff_id))
        return error_set(err, ERROR_INVALID, "layer %zu has diff id %s instead of %s",
                         piece + 1, digest_format(&diff_id).text,
                         digest_format(&layer->diff_id).text);
    return true;
}

bool layers_compress(struct store *from, const struct image *image, struct layout *workspace,
                     struct progress *progress, struct image **out, struct error *err)
{
    size_t count = image_layer_count(image);
    owned(memory) struct descriptor *results = memory_new(count, sizeof *results);
    struct compressing compressing = {.image = image,
                                      .from = from,
                                      .workspace = workspace,
                                      .progress = progress,
                                      .results = results};

    return work_run(count, WORKERS, compress_layer, &compressing, err) &&
           image_replace_blobs(image, results, from, layout_store(workspace), out, err);
}
