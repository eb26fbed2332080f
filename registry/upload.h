/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A blob's way into a repository: POST opens an upload, one PUT fills it.
 *
 * The PUT carries the whole blob with its length, which nearly every registry
 * takes, ECR among them; those that refuse it get a PATCH with the bytes and an
 * empty PUT. The POST may offer a sibling repository to take the blob from; where
 * the registry does not want to, it opens an upload all the same.
 *
 * What an upload that broke holds cannot be known for sure: another one is
 * begun, unless the blob turns out to have arrived.
 *
 * Spec: distribution-spec v1.1, spec.md#pushing-blobs
 */

#include <stdatomic.h>

#include "oci/descriptor.h"
#include "registry/session.h"

/* Where uploads of one repository go. */
struct upload_target {
    struct session *session;
    const char *repository;
    const char *scope;    /* that allows it */
    atomic_bool *patches; /* whether it has refused an upload in one PUT */
};

/** Opens an upload, good for any blob. Unless `from` is NULL, it first asks to mount `blob`
 * from that repository: where that is done, `*location` is NULL. It is the caller's to free().
 */
bool upload_open(const struct upload_target *target, const struct descriptor *blob,
                 const char *from, char **location, struct error *err) MUST_CHECK;

/** Sends the blob to `location`, which it takes over, or, when that is NULL, to an upload it
 *  opens; the blob is there once this returns true. Tries again if the bytes rewind. */
bool upload_blob(const struct upload_target *target, const struct descriptor *blob,
                 char *location, struct source *bytes, struct error *err) MUST_CHECK;

/** Asks whether the repository has the blob. */
bool upload_is_done(const struct upload_target *target, const struct descriptor *blob,
                    bool *found, struct error *err) MUST_CHECK;
