/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The verbs that an archive, as a store to read from, has none of.
 */

#include "oci/store.h"

bool archive_refuse_blob(struct store *self, const struct descriptor *blob,
                         struct source *bytes, struct error *err) MUST_CHECK;
bool archive_refuse_manifest(struct store *self, const char *tag,
                             const struct document *manifest, struct error *err) MUST_CHECK;
