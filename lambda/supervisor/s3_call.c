/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/s3_call.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lambda/signer/xml_text.h"
#include "lambda/supervisor/s3_url.h"
#include "oci/base/hash.h"
#include "oci/base/memory.h"

enum {
    TRIES = 5,
    MOVES = 2, /* of one call from region to region */
    FIRST_WAIT_MS = 200,
    LONGEST_WAIT_MS = 5000,
    HASH_BYTES = 64 * 1024,
};

/* Codes of refusals that pass, beside those that a status tells. */
static const char *const passing[] = {
    "InternalError", "OperationAborted", "RequestTimeout",     "ServiceUnavailable",
    "SlowDown",      "Throttling",       "ThrottlingException"};

/* What a person may do about the others. */
static const struct {
    const char *code;
    const char *hint;
} hints[] = {
    {"AccessDenied", "may the function's role, or the key, do that there? Without "
                     "s3:ListBucket a missing object looks the same"},
    {"ExpiredToken", "the credentials are too old"},
    {"InvalidAccessKeyId", "the storage does not know the access key"},
    {"SignatureDoesNotMatch", "the secret key does not belong to the access key"},
    {"RequestTimeTooSkewed", "this machine's clock is wrong"},
};

/* --- refusals ------------------------------------------------------------------------------
 */

static bool is_passing(int status, const char *code)
{
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strcmp(code, passing[i]) == 0)
            return true;
    return status == 408 || status == 429 || status == 500 || (status >= 502 && status <= 504);
}

static enum error_kind kind_of(int status, const char *code)
{
    if (is_passing(status, code))
        return ERROR_NETWORK;
    switch (status) {
    case 401:
    case 403:
        return ERROR_DENIED;
    case 404:
        return ERROR_NOT_FOUND;
    case 412:
        return ERROR_CONFLICT;
    default:
        return ERROR_INVALID;
    }
}

bool s3_set_refusal(int status, const char *document, struct error *err)
{
    char code[100] = "";
    char message[400] = "";
    const char *hint = NULL;

    xml_text(document, "Code", code, sizeof code);
    xml_text(document, "Message", message, sizeof message);
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strcmp(code, hints[i].code) == 0)
            hint = hints[i].hint;
    return error_set(err, kind_of(status, code), "status %d%s%s%s%s%s%s", status,
                     *code ? " " : "", code, *message ? ": " : "", message, hint ? "; " : "",
                     hint ? hint : "");
}

/* The region a refusal points to; NULL when it is about something else. A new string. */
static char *other_region(const struct s3 *s3, const struct s3_answer *answer)
{
    char region[64] = "";

    if (answer->status / 100 != 3 && answer->status != 400)
        return NULL;
    if (*answer->region)
        memcpy(region, answer->region, sizeof region);
    else
        xml_text(text_string(&answer->document), "Region", region, sizeof region);
    return s3_region_is_plain(region) && strcmp(region, s3->region) != 0
               ? memory_copy_string(region)
               : NULL;
}

/* --- one exchange ----------------------------------------------------------------------------
 */

/* The hash of what is going to be sent. */
static bool hash_body(const struct s3_call *call, struct signer_hash *hash, struct error *err)
{
    const char *document = call->document ? call->document : "";
    if (call->from < 0) {
        *hash = signer_hash(document, strlen(document));
        return true;
    }

    struct sha256 *sha256 = sha256_new();
    owned(memory) char *buffer = memory_new(HASH_BYTES, 1);
    uint8_t bytes[SHA256_BYTES];
    uint64_t done = 0;
    ssize_t got = 1;
    while (done < call->from_count && got > 0) {
        uint64_t left = call->from_count - done;
        got = pread(call->from, buffer, left < HASH_BYTES ? (size_t)left : HASH_BYTES,
                    (off_t)(call->from_offset + done));
        if (got < 0)
            error_set_errno(err, "read the file");
        else if (got == 0)
            error_set(err, ERROR_SYSTEM, "the file became shorter while it was sent");
        else
            sha256_add(sha256, buffer, (size_t)got);
        done += got > 0 ? (uint64_t)got : 0;
    }
    sha256_finish(sha256, bytes);
    sha256_free(sha256);
    hex_encode(bytes, sizeof bytes, hash->text);
    return done == call->from_count;
}

/* Where the bucket is, as far as is known. */
static void go_to_bucket(struct s3 *s3, const struct s3_object *object)
{
    if (s3->bucket && strcmp(s3->bucket, object->bucket) == 0)
        return;
    free(s3->bucket);
    free(s3->region);
    s3->bucket = memory_copy_string(object->bucket);
    s3->region = memory_copy_string(object->region ? object->region : s3->account->region);
}

static bool exchange(struct s3 *s3, const struct s3_call *call, const struct signer_hash *hash,
                     struct s3_answer *answer, struct error *err)
{
    const struct aws_credentials *who = &s3->account->credentials;
    struct signer_scope scope = {s3->region, "s3", time(NULL)};
    struct signer_date date = signer_date(scope.now);
    struct http_header headers[HTTP_HEADERS_LIMIT] = {{NULL, NULL}};
    size_t count = 0;
    owned(memory) char *url = NULL;

    if (!s3_url(s3->account->endpoint, s3->region, call->object->bucket, call->object->key,
                call->query, &url, err))
        return false;
    headers[count++] = (struct http_header){"X-Amz-Date", date.text};
    headers[count++] = (struct http_header){"X-Amz-Content-Sha256", hash->text};
    if (who->session_token)
        headers[count++] = (struct http_header){"X-Amz-Security-Token", who->session_token};
    if (call->range)
        headers[count++] = (struct http_header){"Range", call->range};
    if (call->only_version)
        headers[count++] = (struct http_header){"If-Match", call->only_version};
    if (call->document)
        headers[count++] = (struct http_header){"Content-Type", "application/xml"};

    struct signer_request signed_parts = {call->method, url, headers};
    owned(memory) char *proof = signer_authorization(who, &scope, &signed_parts, hash->text);
    headers[count++] = (struct http_header){"Authorization", proof};

    struct s3_request request = {
        .method = call->method,
        .url = url,
        .headers = headers,
        .document = call->document,
        .from = call->from,
        .from_offset = call->from_offset,
        .from_count = call->from_count,
        .into = call->into,
        .into_offset = call->into_offset,
        .deadline_ms = s3->deadline_ms,
    };
    return s3_transport_exchange(s3->transport, &request, answer, err);
}

bool s3_call_once(struct s3 *s3, const struct s3_call *call, struct s3_answer *answer,
                  struct error *err)
{
    struct signer_hash hash;

    *answer = (struct s3_answer){.received = call->into_offset};
    if (!s3->account->credentials.access_key || !s3->account->credentials.secret_key)
        return error_set(err, ERROR_DENIED,
                         "no credentials: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, which "
                         "Lambda sets, are not there");
    if (!hash_body(call, &hash, err))
        return false;
    go_to_bucket(s3, call->object);
    for (int moves = 0;; moves++) {
        if (!exchange(s3, call, &hash, answer, err))
            return false;
        if (answer->status / 100 == 2)
            return true;
        char *region = moves < MOVES ? other_region(s3, answer) : NULL;
        if (!region)
            return s3_set_refusal(answer->status, text_string(&answer->document), err);
        free(s3->region);
        s3->region = region;
        text_release(&answer->document);
    }
}

/* --- patience
 * ---------------------------------------------------------------------------------- */

/* Somewhere up to a ceiling that doubles with each try, so that many who were refused together
 * do not come back together. */
static unsigned int wait_ms(unsigned int tries)
{
    unsigned int ceiling = (unsigned int)FIRST_WAIT_MS << tries;
    unsigned int chance = 0;

    if (ceiling > LONGEST_WAIT_MS)
        ceiling = LONGEST_WAIT_MS;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return ceiling;
    return 1 + chance % ceiling;
}

bool s3_may_try_again(const struct s3 *s3, unsigned int tries, const struct error *err)
{
    if (err->kind != ERROR_NETWORK || tries >= TRIES)
        return false;

    unsigned int wait = wait_ms(tries);
    struct timespec now, pause = {.tv_sec = wait / 1000, .tv_nsec = wait % 1000 * 1000000L};
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t then_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + wait;
    if (s3->deadline_ms > 0 && then_ms >= s3->deadline_ms)
        return false;
    while (nanosleep(&pause, &pause) != 0 && errno == EINTR)
        ;
    return true;
}

bool s3_call_patiently(struct s3 *s3, const struct s3_call *call, struct s3_answer *answer,
                       struct error *err)
{
    for (unsigned int tries = 1;; tries++) {
        if (s3_call_once(s3, call, answer, err))
            return true;
        text_release(&answer->document);
        if (!s3_may_try_again(s3, tries, err))
            return false;
    }
}
