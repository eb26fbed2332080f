/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A bucket of S3, as far as deploying needs one: it is made when missing, gets
 * folders, and is told whom to call.
 *
 * A bucket is in one region, and S3 says which when it is asked elsewhere: it is
 * followed there. Nothing is ever removed from a bucket.
 *
 * Source: Amazon S3 API reference, CreateBucket, ListObjectsV2, PutObject,
 * GetBucketNotificationConfiguration, PutBucketNotificationConfiguration
 */

#include "lambda/aws/aws.h"

enum { BUCKET_VALIDATION_WAIT_S = 30 }; /* until S3 knows of a permission just given */

struct bucket {
    struct aws aws; /* a copy of the caller's, which asks where the bucket is */
    char region[REFUSAL_REGION_LIMIT];
    const char *name; /* borrowed */
};

/** A bucket to look for in `aws`'s region, as whom `aws` asks. */
void bucket_init(struct bucket *bucket, const struct aws *aws, const char *name);

/** Whether anything in the bucket begins with `folder`, "in/"; with "" whether it is there, and
 *  then always so. ERROR_NOT_FOUND without the bucket. */
bool bucket_has(struct bucket *bucket, const char *folder, bool *found,
                struct error *err) MUST_CHECK;

/** Makes the bucket, private, in its region. That it is the caller's already is fine.
 *  ERROR_CONFLICT when it is somebody else's. */
bool bucket_make(struct bucket *bucket, struct error *err) MUST_CHECK;

/** Puts the empty object that people see as a folder. */
bool bucket_make_folder(struct bucket *bucket, const char *folder,
                        struct error *err) MUST_CHECK;

/** The document of its notifications (lambda/aws/notification.h); a new string, the caller's to
 *  free(). ERROR_NOT_FOUND without the bucket. */
bool bucket_read_notification(struct bucket *bucket, char **xml, struct error *err) MUST_CHECK;

/** Writes it. S3 tries whether it may call those it did not call before, and is given a while
 *  to hear of a new permission; where there are none (`is_less`) nobody is tried. */
bool bucket_write_notification(struct bucket *bucket, const char *xml, bool is_less,
                               struct error *err) MUST_CHECK;
