/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/s3_transport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lambda/supervisor/certificates.h"
#include "lambda/supervisor/curl_parts.h"
#include "oci/base/memory.h"

enum {
    CONNECT_TIMEOUT_S = 10,
    SILENCE_S = 30,
    CLOCK_GRAIN_MS = 20, /* libcurl's clock is another one than that of deadlines */
    BUFFER_BYTES = 256 * 1024,
};

struct s3_transport {
    const char *const *environment;
    enum s3_trust trust;
    struct text certificates; /* empty until they are needed */
    CURL *curl;
    char reason[CURL_ERROR_SIZE];
};

/* One exchange under way. */
struct exchange {
    CURL *curl;
    const struct s3_request *request;
    struct s3_answer *answer;
    uint64_t sent;
    uint64_t range_start;
    bool has_range;
    bool begun;           /* the object's first bytes are here */
    struct error failure; /* of a file, and better than libcurl's words */
};

struct s3_transport *s3_transport_new(const char *const *environment, enum s3_trust trust)
{
    struct s3_transport *transport = memory_new(1, sizeof *transport);

    transport->environment = environment;
    transport->trust = trust;
    return transport;
}

void s3_transport_free(struct s3_transport *transport)
{
    if (!transport)
        return;
    curl_easy_cleanup(transport->curl);
    text_release(&transport->certificates);
    free(transport);
}

/* --- what libcurl calls ------------------------------------------------------------------ */

static size_t give_file(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    const struct s3_request *request = exchange->request;
    uint64_t left = request->from_count - exchange->sent;
    size_t wanted = size * count < left ? size * count : (size_t)left;
    if (wanted == 0)
        return 0;

    ssize_t got =
        pread(request->from, bytes, wanted, (off_t)(request->from_offset + exchange->sent));
    if (got > 0) {
        exchange->sent += (uint64_t)got;
        return (size_t)got;
    }
    if (got < 0)
        error_set_errno(&exchange->failure, "read the file");
    else
        error_set(&exchange->failure, ERROR_SYSTEM,
                  "the file became shorter while it was sent");
    return CURL_READFUNC_ABORT;
}

/* libcurl begins again when a connection it had kept turns out to be closed. */
static int rewind_file(void *context, curl_off_t offset, int origin)
{
    struct exchange *exchange = context;

    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > exchange->request->from_count)
        return CURL_SEEKFUNC_FAIL;
    exchange->sent = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* Where the object's bytes go: a server may leave a Range out of account. */
static bool find_start(struct exchange *exchange, long status)
{
    uint64_t wanted = exchange->request->into_offset;

    if (exchange->begun)
        return true;
    exchange->begun = true;
    if (status == 206 && (!exchange->has_range || exchange->range_start != wanted))
        return error_set(&exchange->failure, ERROR_NETWORK,
                         "the server answers with another part of the object");
    exchange->answer->received = status == 206 ? wanted : 0;
    return true;
}

static size_t write_object(struct exchange *exchange, const char *bytes, size_t count)
{
    struct s3_answer *answer = exchange->answer;

    for (size_t written = 0; written < count;) {
        ssize_t done = pwrite(exchange->request->into, bytes + written, count - written,
                              (off_t)answer->received);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0 && errno == ENOSPC) {
            error_set(&exchange->failure, ERROR_SYSTEM,
                      "no space is left in /tmp; give the function more ephemeral storage");
            return CURL_WRITEFUNC_ERROR;
        }
        if (done <= 0) {
            error_set_errno(&exchange->failure, "write the file");
            return CURL_WRITEFUNC_ERROR;
        }
        written += (size_t)done;
        answer->received += (uint64_t)done;
    }
    return count;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct text *document = &exchange->answer->document;
    long status = 0;

    count *= size;
    curl_easy_getinfo(exchange->curl, CURLINFO_RESPONSE_CODE, &status);
    if (exchange->request->into >= 0 && status / 100 == 2)
        return find_start(exchange, status) ? write_object(exchange, bytes, count)
                                            : CURL_WRITEFUNC_ERROR;
    size_t room = S3_DOCUMENT_LIMIT - document->length; /* its beginning is what matters */
    text_add_bytes(document, bytes, count < room ? count : room);
    return count;
}

/* Keeps the value if the line has this name; one that does not fit is none. */
static bool keep_header(const char *line, size_t count, const char *name, char *out,
                        size_t size)
{
    owned(memory) char *value = curl_parts_header(line, count, name);

    if (!value)
        return false;
    snprintf(out, size, "%s", strlen(value) < size ? value : "");
    return true;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct exchange *exchange = context;
    struct s3_answer *answer = exchange->answer;
    char range[80];

    count *= size;
    if (keep_header(bytes, count, "Content-Range", range, sizeof range)) {
        char *end = range;
        bool bytes_unit = strncmp(range, "bytes ", 6) == 0;
        exchange->range_start = bytes_unit ? strtoull(range + 6, &end, 10) : 0;
        exchange->has_range = bytes_unit && *end == '-';
    } else if (!keep_header(bytes, count, "ETag", answer->etag, sizeof answer->etag)) {
        keep_header(bytes, count, "X-Amz-Bucket-Region", answer->region, sizeof answer->region);
    }
    return count;
}

/* --- an exchange ---------------------------------------------------------------------------
 */

/* The milliseconds left; false when there are none. */
static bool time_left(const struct s3_request *request, long *left_ms, struct error *err)
{
    *left_ms = 0;
    if (request->deadline_ms == 0)
        return true;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t left = request->deadline_ms - ((int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000);
    if (left <= 0)
        return error_set(err, ERROR_LIMIT, "the function's time is up");
    *left_ms = (long)left;
    return true;
}

static bool set_certificates(struct s3_transport *transport, const struct s3_request *request,
                             struct error *err)
{
    CURL *curl = transport->curl;

    if (strncmp(request->url, "https:", 6) != 0)
        return true;
    if (transport->trust == S3_TRUST_BLINDLY) {
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 0L);
        return true;
    }
    struct text *pem = &transport->certificates;
    if (pem->length == 0 && !certificates_add(transport->environment,
                                              transport->trust == S3_TRUST_AMAZON, pem, err))
        return false;
    struct curl_blob blob = {pem->bytes, pem->length, CURL_BLOB_NOCOPY};
    curl_easy_setopt(curl, CURLOPT_CAINFO_BLOB, &blob);
    return true;
}

static struct curl_slist *header_list(const struct http_header *headers)
{
    /* No second round trip, no type of a form that we do not send. */
    struct curl_slist *list = curl_slist_append(NULL, "Expect:");
    list = curl_slist_append(list, "Content-Type:");

    for (size_t i = 0; i < HTTP_HEADERS_LIMIT && headers[i].name; i++) {
        owned(memory) char *line = text_format("%s: %s", headers[i].name, headers[i].value);
        list = curl_slist_append(list, line);
    }
    return list;
}

static void set_body(CURL *curl, const struct s3_request *request, struct exchange *exchange)
{
    if (request->from >= 0) {
        curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->from_count);
        curl_easy_setopt(curl, CURLOPT_READFUNCTION, give_file);
        curl_easy_setopt(curl, CURLOPT_READDATA, exchange);
        curl_easy_setopt(curl, CURLOPT_SEEKFUNCTION, rewind_file);
        curl_easy_setopt(curl, CURLOPT_SEEKDATA, exchange);
    } else if (request->document) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE,
                         (curl_off_t)strlen(request->document));
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->document);
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static bool prepare(struct s3_transport *transport, const struct s3_request *request,
                    struct exchange *exchange, struct error *err)
{
    long left_ms;
    if (!time_left(request, &left_ms, err))
        return false;
    if (!transport->curl)
        transport->curl = curl_easy_init();
    if (!transport->curl)
        abort(); /* out of memory is its only reason */

    CURL *curl = transport->curl;
    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, request->url);
    curl_easy_setopt(curl, CURLOPT_PATH_AS_IS, 1L); /* keys may have ".." in them */
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(curl, CURLOPT_UPLOAD_BUFFERSIZE, (long)BUFFER_BYTES);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENCE_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, transport->reason);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, curl_parts_socket);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, exchange);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, exchange);
    transport->reason[0] = '\0';
    set_body(curl, request, exchange);
    return set_certificates(transport, request, err);
}

static bool explain(const struct s3_transport *transport, const struct s3_request *request,
                    CURLcode result, struct error *err)
{
    const char *reason = transport->reason[0] ? transport->reason : curl_easy_strerror(result);
    long left_ms;

    switch (result) {
    case CURLE_PEER_FAILED_VERIFICATION:
        return error_set(
            err, ERROR_DENIED,
            "%s; SSL_CERT_FILE may name a file of the image with the certificate of "
            "its authority",
            reason);
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT:
        return error_set(err, ERROR_INVALID, "%s", reason);
    case CURLE_OPERATION_TIMEDOUT:
        if (!time_left(request, &left_ms, err))
            return false;
        if (request->deadline_ms > 0 && left_ms <= CLOCK_GRAIN_MS)
            return error_set(err, ERROR_LIMIT, "the function's time is up");
        return error_set(err, ERROR_NETWORK,
                         "%s; a function inside a VPC needs a way out to its storage", reason);
    default:
        return error_set(err, ERROR_NETWORK, "%s", reason);
    }
}

bool s3_transport_exchange(struct s3_transport *transport, const struct s3_request *request,
                           struct s3_answer *answer, struct error *err)
{
    struct exchange exchange = {.request = request, .answer = answer};
    long status = 0;

    *answer = (struct s3_answer){.received = request->into_offset};
    if (!prepare(transport, request, &exchange, err))
        return false;
    exchange.curl = transport->curl;

    struct curl_slist *headers = header_list(request->headers);
    curl_easy_setopt(transport->curl, CURLOPT_HTTPHEADER, headers);
    CURLcode result = curl_easy_perform(transport->curl);
    curl_slist_free_all(headers);

    curl_easy_getinfo(transport->curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    if (result == CURLE_OK)
        return true;
    if (exchange.failure.kind != ERROR_NONE) {
        *err = exchange.failure;
        return false;
    }
    return explain(transport, request, result, err);
}
