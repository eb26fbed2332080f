/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static bool is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

/* RFC 3986, section 5.2, less its dots. */
static char *resolve_location(const char *base, const char *location)
{
    owned(memory) char *origin = http_url_origin(base);

    if (is_url(location))
        return memory_copy_string(location);
    if (strncmp(location, "//", 2) == 0)
        return text_format("%.*s%s", (int)(strchr(base, ':') + 1 - base), base, location);
    if (*location == '/')
        return text_format("%s%s", origin, location);

    size_t length = strcspn(base, "?#");
    while (length > 0 && base[length - 1] != '/')
        length--;
    return text_format("%.*s%s", (int)length, base, location);
}

static bool read_location(const struct http_request *request,
                          const struct http_response *response, char **out, struct error *err)
{
    owned(memory) char *people = http_url_for_people(request->url);
    const char *location = http_header(response, "Location");

    if (!location || !*location)
        return error_set(err, ERROR_INVALID,
                         "%s %.300s: opened an upload and did not say where", request->method,
                         people);
    owned(memory) char *url = resolve_location(request->url, location);
    if (strncmp(request->url, "https:", 6) == 0 && strncmp(url, "https:", 6) != 0)
        return error_set(err, ERROR_INVALID,
                         "%s %.300s: opened an upload that is not reached by https",
                         request->method, people);
    *out = take(&url);
    return true;
}

bool upload_open(const struct upload_target *target, const struct descriptor *blob,
                 const char *from, char **location, struct error *err)
{
    owned(text) struct text path = {0};

    text_addf(&path, "/v2/%s/blobs/uploads/", target->repository);
    if (from) {
        text_addf(&path, "?mount=%s&from=", digest_format(&blob->digest).text);
        text_add_escaped(&path, from, "/");
    }
    owned(memory) char *url = session_url(target->session, text_string(&path));
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "POST", .url = url};

    *location = NULL;
    if (!session_exchange(target->session, target->scope, &request, NULL, 0, &response, err))
        return false;
    if (from && response.status == 201)
        return true;
    if (response.status != 202)
        return session_error(target->session, &request, &response, err);
    return read_location(&request, &response, location, err);
}

bool upload_is_done(const struct upload_target *target, const struct descriptor *blob,
                    bool *found, struct error *err)
{
    owned(memory) char *path =
        text_format("/v2/%s/blobs/%s", target->repository, digest_format(&blob->digest).text);
    owned(memory) char *url = session_url(target->session, path);
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "HEAD", .url = url};

    if (!session_exchange(target->session, target->scope, &request, NULL, 0, &response, err))
        return false;
    if (response.status != 200 && response.status != 404)
        return session_error(target->session, &request, &response, err);
    *found = response.status == 200;
    return true;
}

/* How one try to send a blob ended, unless it succeeded. */
enum failure {
    FAILURE_FINAL,
    FAILURE_PASSING, /* another upload may have more luck */
    FAILURE_OF_PUT,  /* the registry wants a PATCH */
};

static enum failure judge(const struct http_request *request, int status,
                          const struct registry_reason *reason)
{
    bool unsupported = status == 405 || status == 415 || status == 501 ||
                       strcmp(reason->code, "UNSUPPORTED") == 0;
    bool whole = request->body && strcmp(request->method, "PUT") == 0;

    if (unsupported)
        return whole ? FAILURE_OF_PUT : FAILURE_FINAL;
    /* Whoever lets the upload be opened and says 401 later means that the token has aged. */
    bool passing = http_status_may_pass(status) || status == 401 ||
                   strcmp(reason->code, "BLOB_UPLOAD_UNKNOWN") == 0;
    return passing ? FAILURE_PASSING : FAILURE_FINAL;
}

/* Sends `request`, and the bytes with it. */
static bool send_request(const struct upload_target *target, struct http_request *request,
                         struct http_response *response, enum failure *failure,
                         struct error *err)
{
    struct registry_reason reason;

    request->once = true;
    request->answers_late = true; /* some move a large blob to its place first */
    http_add_header(request, "Content-Type", "application/octet-stream");
    if (!session_exchange(target->session, target->scope, request, NULL, 0, response, err)) {
        *failure = err->kind == ERROR_NETWORK ? FAILURE_PASSING : FAILURE_FINAL;
        return false;
    }
    if (response->status == 201)
        return true;
    bool patched = strcmp(request->method, "PATCH") == 0 &&
                   (response->status == 202 || response->status == 204);
    if (patched)
        return true;
    registry_reason_read(response, &reason);
    *failure = judge(request, response->status, &reason);
    return session_reason_error(target->session, request, response->status, &reason, err);
}

/* ECR says 201 to a PATCH, others 202; where it goes on is said only where it has changed. */
static bool send_patch(const struct upload_target *target, const struct descriptor *blob,
                       char **location, struct source *bytes, struct http_response *response,
                       enum failure *failure, struct error *err)
{
    owned(memory) char *url = take(location);
    struct http_request request = {
        .method = "PATCH", .url = url, .body = bytes, .body_size = blob->size};

    if (!send_request(target, &request, response, failure, err))
        return false;
    *failure = FAILURE_FINAL;
    if (http_header(response, "Location"))
        return read_location(&request, response, location, err);
    *location = take(&url);
    return true;
}

static bool send_blob(const struct upload_target *target, const struct descriptor *blob,
                      char **location, struct source *bytes, struct http_response *response,
                      enum failure *failure, struct error *err)
{
    bool patches = atomic_load(target->patches);

    if (patches && !send_patch(target, blob, location, bytes, response, failure, err))
        return false;
    http_response_release(response);
    owned(memory) char *url =
        text_format("%s%sdigest=%s", *location, strchr(*location, '?') ? "&" : "?",
                    digest_format(&blob->digest).text);
    struct http_request request = {.method = "PUT", .url = url};
    if (!patches) {
        request.body = bytes;
        request.body_size = blob->size;
    }
    return send_request(target, &request, response, failure, err);
}

/* Makes ready for another try, and waits for its time; `err` stays what it is if there is to be
 * none. */
static bool begin_again(const struct upload_target *target, struct source *bytes,
                        const struct http_response *refusal, enum failure failure,
                        unsigned int tries)
{
    if (failure == FAILURE_FINAL || !source_rewind(bytes))
        return false;
    if (failure == FAILURE_PASSING)
        return session_try_again(target->session, tries, refusal);
    /* Once only: from here on no PUT has a body. */
    atomic_store(target->patches, true);
    return true;
}

bool upload_blob(const struct upload_target *target, const struct descriptor *blob,
                 char *location, struct source *bytes, struct error *err)
{
    owned(memory) char *upload = location;

    for (unsigned int tries = 1;; tries++) {
        owned(http_response) struct http_response response = {0};
        enum failure failure;
        bool done = false;

        if (!upload && !upload_open(target, NULL, NULL, &upload, err))
            return false;
        if (send_blob(target, blob, &upload, bytes, &response, &failure, err))
            return true;
        if (!begin_again(target, bytes, &response, failure, tries))
            return false;
        /* The blob may have arrived, and only the answer been lost. */
        if (failure == FAILURE_PASSING && !upload_is_done(target, blob, &done, err))
            return false;
        if (done)
            return true;
        free(take(&upload));
    }
}
