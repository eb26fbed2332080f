/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer_writer.h"

#include "layers/compression.h"
#include "layers/tar.h"
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
