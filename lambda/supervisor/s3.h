/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Objects in S3, and in whatever speaks like it.
 *
 *     struct s3 *s3 = s3_new(&account, environment, deadline_ms);
 *     s3_download(s3, &object, "/tmp/tmpAbCdEf/photo.jpg", err);
 *     s3_upload(s3, &object, "/tmp/tmpGhIjKl/result.jpg", err);
 *
 * Both stream. What the network breaks off is taken up again where it ended, busy servers are
 * asked again after a while, and a bucket that turns out to be in another region is looked for
 * there: all within the time there is. Nothing half-done stays behind in the bucket.
 *
 * Spec: https://docs.aws.amazon.com/AmazonS3/latest/API/
 */

#include <stdbool.h>
#include <stdint.h>

#include "lambda/signer/signer.h"
#include "oci/base/error.h"

/* Whose storage, where. All owned. */
struct s3_account {
    char *name;     /* for people: "s3", "minio.mine" */
    char *endpoint; /* "https://host:port"; NULL: Amazon's own, which depends on the region */
    char *region;
    struct aws_credentials credentials;
    bool unverified; /* any certificate will do */
};

/* All borrowed. */
struct s3_object {
    const char *bucket;
    const char *key;
    const char *region; /* of the bucket; NULL: the account's */
};

struct s3;

/** A client for the account, which it borrows like `environment`. `deadline_ms` is since 1970;
 *  0: none. It is not shared between threads. */
struct s3 *s3_new(const struct s3_account *account, const char *const *environment,
                  int64_t deadline_ms);
void s3_free(struct s3 *s3);

/** Brings the object into a new file. ERROR_NOT_FOUND, ERROR_DENIED, ERROR_LIMIT when the time
 *  is up, ERROR_NETWORK, ERROR_SYSTEM; then there is no file. */
bool s3_download(struct s3 *s3, const struct s3_object *object, const char *file,
                 struct error *err) MUST_CHECK;

/** Makes a regular file an object, whole or not at all. Fails like s3_download(). */
bool s3_upload(struct s3 *s3, const struct s3_object *object, const char *file,
               struct error *err) MUST_CHECK;

void s3_account_release(struct s3_account *account);

static inline void s3_cleanup(struct s3 **variable)
{
    s3_free(*variable);
}
