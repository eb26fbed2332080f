/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an object is.
 *
 *     https://photos.s3.eu-west-1.amazonaws.com/in/my%20file.jpg      Amazon's
 *     https://s3.eu-west-1.amazonaws.com/my.photos/in/my%20file.jpg   no certificate has a dot
 *     http://minio:9000/photos/in/my%20file.jpg                       anybody else's
 *
 * Bucket and region come out of events and become part of a host's name, so they may hold
 * nothing else.
 */

#include "oci/base/error.h"

/** The object's URL; `endpoint` is NULL for Amazon's own. An empty key is the bucket.
 *  `query`, which may be NULL, is added as it is. A new string, the caller's to free().
 *  ERROR_INVALID for what is no bucket and no region. */
bool s3_url(const char *endpoint, const char *region, const char *bucket, const char *key,
            const char *query, char **out, struct error *err) MUST_CHECK;

/** Whether the text may be a region: 1 to 63 of a-z, 0-9 and '-'. */
bool s3_region_is_plain(const char *region);
