/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/bucket.h"

#include <stdio.h>
#include <string.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { PAUSE_S = 2, COUNT_LENGTH = 20 };

static const char XML[] = "application/xml";

void bucket_init(struct bucket *bucket, const struct aws *aws, const char *name)
{
    *bucket = (struct bucket){.aws = *aws, .name = name};
    snprintf(bucket->region, sizeof bucket->region, "%s", aws->region);
}

/* The path of an object, or of the bucket, and its query; a new string. */
static char *path_of(const struct bucket *bucket, const char *key, const char *query)
{
    owned(text) struct text path = {0};

    text_add(&path, "/");
    text_add_escaped(&path, bucket->name, "");
    if (*key)
        text_add(&path, "/");
    text_add_escaped(&path, key, "/");
    text_add(&path, query);
    return text_take(&path);
}

/* Where the bucket is, S3 itself says. */
static bool ask(struct bucket *bucket, const struct aws_call *call, const char *body,
                struct aws_answer *answer, struct refusal *refusal, struct error *err)
{
    for (bool moved = false;; moved = true) {
        bucket->aws.region = bucket->region;
        if (aws_send(&bucket->aws, call, body, strlen(body), answer, refusal, err))
            return true;
        if (moved || !*refusal->region || strcmp(refusal->region, bucket->region) == 0)
            return error_wrap(err, "bucket '%.80s'", bucket->name);
        snprintf(bucket->region, sizeof bucket->region, "%s", refusal->region);
    }
}

bool bucket_has(struct bucket *bucket, const char *folder, bool *found, struct error *err)
{
    owned(aws_answer) struct aws_answer answer = {0};
    owned(text) struct text query = {0};
    struct refusal refusal;
    char count[COUNT_LENGTH] = "";

    text_add(&query, "?list-type=2&max-keys=1&prefix=");
    text_add_escaped(&query, folder, "");
    owned(memory) char *path = path_of(bucket, "", text_string(&query));
    const struct aws_call call = {
        .service = "s3",
        .operation = "ListObjectsV2",
        .method = "GET",
        .path = path,
    };

    if (!ask(bucket, &call, "", &answer, &refusal, err))
        return false;
    *found = !*folder || (xml_text(answer.bytes, "KeyCount", count, sizeof count) &&
                          strcmp(count, "0") != 0);
    return true;
}

bool bucket_make(struct bucket *bucket, struct error *err)
{
    owned(aws_answer) struct aws_answer answer = {0};
    owned(memory) char *path = path_of(bucket, "", "");
    owned(memory) char *body =
        text_format("<CreateBucketConfiguration "
                    "xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><LocationConstraint>%s"
                    "</LocationConstraint></CreateBucketConfiguration>",
                    bucket->region);
    bool is_usual = strcmp(bucket->region, "us-east-1") == 0; /* which S3 wants unsaid */
    const struct aws_call call = {
        .service = "s3",
        .operation = "CreateBucket",
        .method = "PUT",
        .path = path,
        .content_type = XML,
    };
    struct refusal refusal;

    if (!ask(bucket, &call, is_usual ? "" : body, &answer, &refusal, err))
        return strcmp(refusal.code, "BucketAlreadyOwnedByYou") == 0;
    progress_step(bucket->aws.progress, "Bucket '%s' successfully created.", bucket->name);
    return true;
}

bool bucket_make_folder(struct bucket *bucket, const char *folder, struct error *err)
{
    owned(aws_answer) struct aws_answer answer = {0};
    owned(memory) char *path = path_of(bucket, folder, "");
    const struct aws_call call = {
        .service = "s3",
        .operation = "PutObject",
        .method = "PUT",
        .path = path,
        .headers = {{"Content-Type", "application/x-directory"}},
    };
    struct refusal refusal;

    if (!ask(bucket, &call, "", &answer, &refusal, err))
        return false;
    progress_step(bucket->aws.progress, "Folder '%s' created in bucket '%s'.", folder,
                  bucket->name);
    return true;
}

bool bucket_read_notification(struct bucket *bucket, char **xml, struct error *err)
{
    owned(aws_answer) struct aws_answer answer = {0};
    owned(memory) char *path = path_of(bucket, "", "?notification=");
    const struct aws_call call = {
        .service = "s3",
        .operation = "GetBucketNotificationConfiguration",
        .method = "GET",
        .path = path,
    };
    struct refusal refusal;

    if (!ask(bucket, &call, "", &answer, &refusal, err))
        return false;
    *xml = take(&answer.bytes);
    return true;
}

static bool is_of_permission(const struct refusal *refusal)
{
    return strstr(refusal->message, "Unable to validate the following destination") != NULL;
}

bool bucket_write_notification(struct bucket *bucket, const char *xml, bool is_less,
                               struct error *err)
{
    owned(memory) char *path = path_of(bucket, "", "?notification=");
    struct aws_call call = {
        .service = "s3",
        .operation = "PutBucketNotificationConfiguration",
        .method = "PUT",
        .path = path,
        .content_type = XML,
    };
    struct refusal refusal;

    if (is_less)
        call.headers[0] = (struct http_header){"X-Amz-Skip-Destination-Validation", "true"};
    for (int waited_s = 0;; waited_s += PAUSE_S) {
        owned(aws_answer) struct aws_answer answer = {0};
        if (ask(bucket, &call, xml, &answer, &refusal, err))
            return true;
        if (!is_of_permission(&refusal) || waited_s >= BUCKET_VALIDATION_WAIT_S)
            return false;
        if (waited_s == 0)
            progress_step(bucket->aws.progress,
                          "Waiting for S3 to know that it may call the function");
        clock_sleep(bucket->aws.clock, PAUSE_S * 1000);
    }
}
