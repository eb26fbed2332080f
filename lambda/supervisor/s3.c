/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/s3.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lambda/supervisor/s3_call.h"
#include "oci/base/memory.h"

void s3_account_release(struct s3_account *account)
{
    free(account->name);
    free(account->endpoint);
    free(account->region);
    aws_credentials_release(&account->credentials);
    *account = (struct s3_account){0};
}

struct s3 *s3_new(const struct s3_account *account, const char *const *environment,
                  int64_t deadline_ms)
{
    struct s3 *s3 = memory_new(1, sizeof *s3);
    enum s3_trust trust = account->unverified ? S3_TRUST_BLINDLY
                          : account->endpoint ? S3_TRUST_IMAGE
                                              : S3_TRUST_AMAZON;

    s3->account = account;
    s3->transport = s3_transport_new(environment, trust);
    s3->deadline_ms = deadline_ms;
    return s3;
}

void s3_free(struct s3 *s3)
{
    if (!s3)
        return;
    s3_transport_free(s3->transport);
    free(s3->bucket);
    free(s3->region);
    free(s3);
}

/* What there is of an object so far. */
struct download {
    int file;
    uint64_t received;
    char version[128]; /* its ETag; "" when the server has none */
};

/* One try for the rest. */
static bool get_rest(struct s3 *s3, const struct s3_object *object, struct download *download,
                     struct error *err)
{
    char range[40];
    bool resumes = download->received > 0 && *download->version;
    struct s3_call call = {
        .method = "GET",
        .object = object,
        .from = -1,
        .into = download->file,
        .into_offset = resumes ? download->received : 0,
    };
    if (resumes) {
        snprintf(range, sizeof range, "bytes=%" PRIu64 "-", download->received);
        call.range = range;
        call.only_version = download->version;
    }
    owned(s3_answer) struct s3_answer answer = {0};
    bool complete = s3_call_once(s3, &call, &answer, err);

    download->received = answer.received;
    if (answer.status / 100 == 2)
        memcpy(download->version, answer.etag, sizeof download->version);
    if (!complete && (answer.status == 412 || answer.status == 416)) {
        /* Somebody has put another object there: from its beginning, then. */
        download->received = 0;
        return error_set(err, ERROR_NETWORK, "the object changed while it was read");
    }
    return complete;
}

static bool get(struct s3 *s3, const struct s3_object *object, int file, struct error *err)
{
    struct download download = {.file = file};

    for (unsigned int tries = 1;; tries++) {
        uint64_t before = download.received;
        if (get_rest(s3, object, &download, err))
            break;
        if (download.received > before)
            tries = 1; /* a line that breaks off now and then brings it all the same */
        if (!s3_may_try_again(s3, tries, err))
            return false;
    }
    if (ftruncate(file, (off_t)download.received) != 0)
        return error_set_errno(err, "write the file");
    return true;
}

bool s3_download(struct s3 *s3, const struct s3_object *object, const char *file,
                 struct error *err)
{
    int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd < 0)
        return error_set_errno(err, "make '%.200s'", file);

    bool complete = get(s3, object, fd, err);
    if (close(fd) != 0 && complete)
        complete = error_set_errno(err, "write '%.200s'", file);
    if (!complete)
        unlink(file);
    return complete || error_wrap(err, "s3://%.80s/%.300s", object->bucket, object->key);
}
