/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A blob's way into a repository: POST opens an upload, one PUT fills it.
 *
 * The PUT carries the whole blob with its length, which every registry takes,
 * ECR among them. The POST may offer a sibling repository to take the blob from;
 * where the registry does not want to, it opens an upload all the same.
 *
 * Spec: distribution-spec v1.1, spec.md#pushing-blobs
 */

#include "oci/descriptor.h"
#include "registry/session.h"

/* Where uploads of one repository go. */
struct upload_target {
    struct session *session;
    const char *repository;
    const char *scope; /* that allows it */
};

/** Opens an upload of the blob. Unless `from` is NULL, it first asks to mount the blob from
 * that repository: where that is done, `*location` is NULL. It is the caller's to free(). */
bool upload_open(const struct upload_target *target, const struct descriptor *blob,
                 const char *from, char **location, struct error *err) MUST_CHECK;

/** Sends the blob to where an upload was opened; it is there once this returns true. */
bool upload_send(const struct upload_target *target, const struct descriptor *blob,
                 const char *location, struct source *bytes, struct error *err) MUST_CHECK;
