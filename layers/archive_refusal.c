/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/archive_refusal.h"

static bool refuse(struct error *err)
{
    return error_set(err, ERROR_INVALID, "an archive is not changed in its place");
}

bool archive_refuse_blob(struct store *self, const struct descriptor *blob,
                         struct source *bytes, struct error *err)
{
    (void)self, (void)blob, (void)bytes;
    return refuse(err);
}

bool archive_refuse_manifest(struct store *self, const char *tag,
                             const struct document *manifest, struct error *err)
{
    (void)self, (void)tag, (void)manifest;
    return refuse(err);
}
