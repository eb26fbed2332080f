/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Manifests and indexes, from a registry and to it.
 *
 * Spec: distribution-spec v1.1, spec.md#pulling-manifests, #pushing-manifests
 */

#include "oci/store.h"
#include "registry/session.h"

/* All are borrowed. */
struct manifest_place {
    struct session *session;
    const char *repository; /* without the host */
    const char *scope;      /* good for what is going to be done */
};

/** Fetches what a tag or digest names, again where the answer breaks off. ERROR_NOT_FOUND,
 *  ERROR_INVALID for other bytes than announced, ERROR_LIMIT beyond MANIFEST_LIMIT. */
bool manifest_get(const struct manifest_place *place, const char *name, struct document *out,
                  struct error *err) MUST_CHECK;

/** Puts it under the tag; NULL: under its digest alone. A tag that may not change and names
 *  these bytes is success, ERROR_CONFLICT when it names others. */
bool manifest_put(const struct manifest_place *place, const char *tag,
                  const struct document *manifest, struct error *err) MUST_CHECK;
