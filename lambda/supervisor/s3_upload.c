/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Files up to 64 MiB go in one request; larger ones in parts, each of which can be sent again
 * alone. Parts show only when all of them are there, and are thrown away when they never
 * will be.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lambda/signer/xml_text.h"
#include "lambda/supervisor/s3_call.h"
#include "oci/base/memory.h"

enum {
    MIB = 1024 * 1024,
    WHOLE_LIMIT = 64 * MIB,
    PART_BYTES = 16 * MIB,
    PARTS_LIMIT = 10000, /* S3's */
    UPLOAD_ID_LIMIT = 1024,
    ABORT_S = 3, /* is always left for throwing parts away */
};

struct upload {
    struct s3 *s3;
    const struct s3_object *object;
    int file;
    uint64_t size;
    char *id;          /* of a multipart upload, encoded for a query */
    struct text parts; /* the document that ends it */
};

static bool put_whole(const struct upload *upload, struct error *err)
{
    owned(s3_answer) struct s3_answer answer = {0};
    const struct s3_call call = {
        .method = "PUT",
        .object = upload->object,
        .from = upload->file,
        .from_count = upload->size,
        .into = -1,
    };

    return s3_call_patiently(upload->s3, &call, &answer, err);
}

static bool begin(struct upload *upload, struct error *err)
{
    char id[UPLOAD_ID_LIMIT];
    owned(s3_answer) struct s3_answer answer = {0};
    const struct s3_call call = {
        .method = "POST",
        .object = upload->object,
        .query = "uploads",
        .document = "",
        .from = -1,
        .into = -1,
    };

    if (!s3_call_patiently(upload->s3, &call, &answer, err))
        return false;
    if (!xml_text(text_string(&answer.document), "UploadId", id, sizeof id) || !*id)
        return error_set(err, ERROR_INVALID, "the storage gives the upload no name");
    struct text encoded = {0};
    text_add_escaped(&encoded, id, "");
    upload->id = text_take(&encoded);
    return true;
}

/* An ETag goes back as it came, for XML. */
static void add_part(struct text *parts, unsigned int number, const char *etag)
{
    text_addf(parts, "<Part><PartNumber>%u</PartNumber><ETag>", number);
    for (; *etag; etag++) {
        if (strchr("&<>\"", *etag))
            text_addf(parts, "&#%d;", *etag);
        else
            text_add_bytes(parts, etag, 1);
    }
    text_add(parts, "</ETag></Part>");
}

static bool put_parts(struct upload *upload, struct error *err)
{
    uint64_t part_bytes = PART_BYTES;
    while (upload->size > part_bytes * PARTS_LIMIT)
        part_bytes *= 2;

    text_add(&upload->parts, "<CompleteMultipartUpload>");
    uint64_t offset = 0;
    for (unsigned int number = 1; offset < upload->size; number++) {
        uint64_t left = upload->size - offset;
        owned(memory) char *query =
            text_format("partNumber=%u&uploadId=%s", number, upload->id);
        const struct s3_call call = {
            .method = "PUT",
            .object = upload->object,
            .query = query,
            .from = upload->file,
            .from_offset = offset,
            .from_count = left < part_bytes ? left : part_bytes,
            .into = -1,
        };
        owned(s3_answer) struct s3_answer answer = {0};
        if (!s3_call_patiently(upload->s3, &call, &answer, err))
            return error_wrap(err, "part %u", number);
        add_part(&upload->parts, number, answer.etag);
        offset += call.from_count;
    }
    text_add(&upload->parts, "</CompleteMultipartUpload>");
    return true;
}

/* S3 says 200 before it knows: what matters is in the document. */
static bool complete_once(const struct upload *upload, const struct s3_call *call,
                          struct error *err)
{
    owned(s3_answer) struct s3_answer answer = {0};

    if (!s3_call_once(upload->s3, call, &answer, err))
        return false;
    const char *document = text_string(&answer.document);
    return !strstr(document, "<Error>") || s3_set_refusal(answer.status, document, err);
}

static bool complete(const struct upload *upload, struct error *err)
{
    owned(memory) char *query = text_format("uploadId=%s", upload->id);
    const struct s3_call call = {
        .method = "POST",
        .object = upload->object,
        .query = query,
        .document = upload->parts.bytes,
        .from = -1,
        .into = -1,
    };

    for (unsigned int tries = 1;; tries++) {
        if (complete_once(upload, &call, err))
            return true;
        if (tries > 1 && err->kind == ERROR_NOT_FOUND)
            return true; /* the answer to the try before was lost, not the object */
        if (!s3_may_try_again(upload->s3, tries, err))
            return false;
    }
}

/* Parts that never become an object are paid for. */
static void throw_away(const struct upload *upload)
{
    int64_t deadline_ms = upload->s3->deadline_ms;
    struct error unheard;
    owned(s3_answer) struct s3_answer answer = {0};
    owned(memory) char *query = text_format("uploadId=%s", upload->id);
    const struct s3_call call = {
        .method = "DELETE",
        .object = upload->object,
        .query = query,
        .from = -1,
        .into = -1,
    };

    if (deadline_ms > 0)
        upload->s3->deadline_ms += ABORT_S * 1000;
    if (!s3_call_patiently(upload->s3, &call, &answer, &unheard))
        text_release(&answer.document); /* a rule of the bucket may do it later */
    upload->s3->deadline_ms = deadline_ms;
}

static bool put_in_parts(struct upload *upload, struct error *err)
{
    if (!begin(upload, err))
        return false;
    bool done = put_parts(upload, err) && complete(upload, err);
    if (!done)
        throw_away(upload);
    free(upload->id);
    text_release(&upload->parts);
    return done;
}

bool s3_upload(struct s3 *s3, const struct s3_object *object, const char *file,
               struct error *err)
{
    struct upload upload = {.s3 = s3, .object = object};
    struct stat status;

    upload.file = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (upload.file < 0)
        return error_set_errno(err, "open '%.300s'", file);
    bool done = fstat(upload.file, &status) == 0 && S_ISREG(status.st_mode);
    if (!done)
        error_set(err, ERROR_INVALID, "'%.300s' is not a regular file", file);
    if (done) {
        upload.size = (uint64_t)status.st_size;
        done = upload.size > WHOLE_LIMIT ? put_in_parts(&upload, err) : put_whole(&upload, err);
        if (!done)
            error_wrap(err, "s3://%.80s/%.300s", object->bucket, object->key);
    }
    close(upload.file);
    return done;
}
