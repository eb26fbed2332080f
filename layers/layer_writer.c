/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/layer_writer.h"

#include "layers/compression.h"
#include "layers/tar.h"
#include "oci/base/memory.h"

bool layer_write(const struct tree *tree, time_t modified, struct layout *workspace,
                 struct layer *out, struct error *err)
{
    struct layer layer = {.blob.media_type = MEDIA_TYPE_OCI_LAYER_GZIP};
    owned(sink) struct sink *sink = NULL;

    if (!layout_blob_sink(workspace, &layer.blob, &sink, err))
        return error_wrap(err, "layer");
    sink = digest_sink(gzip_sink(take(&sink)), &layer.diff_id, NULL);
    if (!tar_write(tree, modified, sink, err) || !sink_finish(take(&sink), err))
        return error_wrap(err, "layer");
    *out = layer;
    return true;
}
