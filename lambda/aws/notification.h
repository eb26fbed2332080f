/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom a bucket calls when objects arrive, as the document that S3 keeps of it.
 *
 * The document is written as a whole, so what others have in it must come back as it
 * was: it is changed as text, entry by entry, and whatever this file does not know
 * stays where it stands. An entry counts as one of skiff's kind when it is for all of
 * s3:ObjectCreated:* and has no filter but a prefix.
 *
 * Source: Amazon S3 API reference, PutBucketNotificationConfiguration; user guide,
 * "Configuring event notifications using object key name filtering"
 */

#include <jansson.h>

#include "oci/base/error.h"

/* A bucket that calls nobody. */
extern const char NOTIFICATION_NONE[];

/* What is to become of a function's entries. All borrowed. */
struct notification_change {
    const char *function;   /* its ARN */
    const json_t *wanted;   /* folders, "in/"; "" is the whole bucket. NULL: none */
    const json_t *unwanted; /* likewise */
    bool removes_all;       /* whatever calls the function, also one of its versions */
};

/** The document `xml` with the change made; a new string, the caller's to free(), or NULL when
 *  it is as wanted. ERROR_INVALID when it is no such document. */
bool notification_edit(const char *xml, const struct notification_change *change, char **out,
                       struct error *err) MUST_CHECK;
