/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_curl.h"

#include <assert.h>
#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/http_curl_failure.h"
#include "registry/http_curl_request.h"

enum {
    HELD_LIMIT = HTTP_CURL_PIECE_BYTES, /* of an answer that nobody has read yet */
    HEAD_LIMIT = 64 * 1024,             /* of one answer, all headers together */
    IDLE_LIMIT = 16,
    POLL_MS = 1000,
};

struct http_curl {
    struct http http;
    struct http_curl_settings settings;

    pthread_mutex_t lock; /* for what follows */
    struct transfer *idle;
    size_t idle_count;
    size_t active;
};

/*
 * One exchange under way, and the source of its answer's body. It has a curl_multi of its own,
 * driven only while somebody waits for it: so a body nobody reads is left in the network, and
 * the body of one exchange can be read from inside another's callback. Between exchanges it
 * waits in the pool with its connections.
 */
struct transfer {
    struct source body;
    struct http_curl *owner;
    struct transfer *next_idle;
    CURL *easy;
    CURLM *multi;
    char *origin; /* whom alone it asks, and likely has a connection to */

    char *what; /* "GET https://host/path", for errors */
    struct curl_slist *headers;
    struct authorities *trusted;
    char reason[CURL_ERROR_SIZE];
    struct error failure; /* raised inside a callback, and better than libcurl's words */

    struct source *upload;
    uint64_t upload_left;

    bool follows_redirects;
    struct http_response head;
    size_t head_bytes;
    bool head_ended;

    char *wanted; /* where somebody waits for bytes: they need not be held first */
    size_t wanted_capacity;
    size_t wanted_count;
    char *buffer; /* what arrived and was not read yet: [start, end); NULL: nothing ever was */
    size_t start;
    size_t end;
    bool paused;

    bool ended;
    CURLcode result;
};

static pthread_once_t libcurl_once = PTHREAD_ONCE_INIT;

static void start_libcurl(void)
{
    must(curl_global_init(CURL_GLOBAL_DEFAULT));
}

/* --- what libcurl calls ------------------------------------------------------------------ */

static void forget_head(struct transfer *transfer)
{
    http_response_release(&transfer->head);
    transfer->head_bytes = 0;
}

static void add_header(struct http_response *head, const char *line, size_t length)
{
    const char *colon = memchr(line, ':', length);
    if (!colon)
        return;

    const char *value = colon + 1;
    const char *end = line + length;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;

    head->headers = memory_resize(head->headers, head->header_count + 1, sizeof *head->headers);
    head->headers[head->header_count++] = (struct http_response_header){
        .name = text_format("%.*s", (int)(colon - line), line),
        .value = text_format("%.*s", (int)(end - value), value),
    };
}

/* An interim answer and one that libcurl is going to follow are not the one we wait for. */
static void end_head(struct transfer *transfer)
{
    long status = 0;

    must(curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status));
    const char *location = http_header(&transfer->head, "Location");
    bool followed =
        transfer->follows_redirects && status >= 300 && status < 400 && location && *location;
    if (status < 200 || followed)
        return;
    transfer->head.status = (int)status;
    transfer->head_ended = true;
}

static size_t on_header(char *line, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    if (transfer->head_ended)
        return length; /* trailers */
    if (length >= 5 && memcmp(line, "HTTP/", 5) == 0)
        forget_head(transfer);
    transfer->head_bytes += length;
    if (transfer->head_bytes > HEAD_LIMIT) {
        error_set(&transfer->failure, ERROR_LIMIT,
                  "%s: the answer's headers are larger than %d bytes", transfer->what,
                  HEAD_LIMIT);
        return 0;
    }

    size_t used = length;
    while (used > 0 && (line[used - 1] == '\r' || line[used - 1] == '\n'))
        used--;
    if (used == 0)
        end_head(transfer);
    else if (memcmp(line, "HTTP/", used < 5 ? used : 5) != 0)
        add_header(&transfer->head, line, used);
    return length;
}

/* Straight to whoever waits, as much as goes in there; the rest is held. */
static size_t give(struct transfer *transfer, const char *bytes, size_t length)
{
    bool is_next = transfer->end == 0 && transfer->wanted_capacity > transfer->wanted_count;
    size_t room = is_next ? transfer->wanted_capacity - transfer->wanted_count : 0;
    size_t given = length < room ? length : room;

    if (given > 0)
        memcpy(transfer->wanted + transfer->wanted_count, bytes, given);
    transfer->wanted_count += given;
    return given;
}

static void hold(struct transfer *transfer, const char *bytes, size_t length)
{
    if (!transfer->buffer)
        transfer->buffer = memory_new(HELD_LIMIT, sizeof(char));
    memcpy(transfer->buffer + transfer->end, bytes, length);
    transfer->end += length;
}

/* libcurl would go on reading: what another piece like this one has no room for would be copied
 * twice, and what cannot be held would be kept for us. */
static void pause_when_full(struct transfer *transfer, size_t length)
{
    if (transfer->end == 0 && transfer->wanted_capacity - transfer->wanted_count >= length)
        return;
    transfer->paused = curl_easy_pause(transfer->easy, CURLPAUSE_RECV) == CURLE_OK;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t length = size * count;

    assert(length <= HELD_LIMIT);
    if (length > HELD_LIMIT - transfer->end) {
        transfer->paused = true;
        return CURL_WRITEFUNC_PAUSE;
    }
    size_t given = give(transfer, bytes, length);
    if (given < length)
        hold(transfer, bytes + given, length - given);
    pause_when_full(transfer, length);
    return length;
}

static size_t on_upload(char *bytes, size_t size, size_t count, void *context)
{
    struct transfer *transfer = context;
    size_t capacity = size * count;
    size_t got;

    if (transfer->upload_left == 0)
        return 0;
    if (!transfer->upload)
        return CURL_READFUNC_ABORT; /* the exchange is over, its body no longer ours */
    if (capacity > transfer->upload_left)
        capacity = (size_t)transfer->upload_left;
    if (!source_read(transfer->upload, bytes, capacity, &got, &transfer->failure))
        return CURL_READFUNC_ABORT;
    if (got == 0) {
        error_set(&transfer->failure, ERROR_INVALID,
                  "%s: what is to be sent ends %llu bytes early", transfer->what,
                  (unsigned long long)transfer->upload_left);
        return CURL_READFUNC_ABORT;
    }
    transfer->upload_left -= got;
    return got;
}

/* Before each handshake, a proxy's too. */
static CURLcode on_encryption(CURL *easy, void *ssl_ctx, void *context)
{
    struct transfer *transfer = context;

    (void)easy;
    if (trust_give(transfer->trusted, ssl_ctx, &transfer->failure))
        return CURLE_OK;
    error_wrap(&transfer->failure, "%s", transfer->what);
    return CURLE_ABORTED_BY_CALLBACK;
}

/* --- driving one transfer ---------------------------------------------------------------- */

static void end_transfer(struct transfer *transfer, CURLcode result)
{
    transfer->ended = true;
    transfer->result = result;
}

static void perform(struct transfer *transfer)
{
    int count;

    if (curl_multi_perform(transfer->multi, &count) != CURLM_OK)
        abort(); /* out of memory, or a handle of ours is broken */
    for (;;) {
        CURLMsg *message = curl_multi_info_read(transfer->multi, &count);
        if (!message)
            return;
        if (message->msg == CURLMSG_DONE)
            end_transfer(transfer, message->data.result);
    }
}

static void wait_for_network(struct transfer *transfer)
{
    if (curl_multi_poll(transfer->multi, NULL, 0, POLL_MS, NULL) != CURLM_OK)
        abort();
}

/* Success counts only once everything was sent; a refusal may come before. */
static bool has_answered(const struct transfer *transfer)
{
    bool may_stop = transfer->upload_left == 0 || transfer->head.status >= 300;

    return transfer->head_ended && may_stop && transfer->failure.kind == ERROR_NONE;
}

static bool explain(struct transfer *transfer, struct error *err)
{
    if (transfer->failure.kind != ERROR_NONE) {
        *err = transfer->failure;
        return false;
    }
    if (transfer->result == CURLE_OK)
        return error_set(err, ERROR_NETWORK, "%s: answered before everything was sent",
                         transfer->what);
    return http_curl_explain(transfer->result, transfer->reason, transfer->what,
                             http_header(&transfer->head, "Location"), err);
}

static void resume(struct transfer *transfer)
{
    if (!transfer->paused || transfer->ended)
        return;
    transfer->paused = false;
    CURLcode code = curl_easy_pause(transfer->easy, CURLPAUSE_CONT);
    if (code != CURLE_OK)
        end_transfer(transfer, code);
}

/* Waits until there is more; what fits is in `bytes` then. Nothing may be held. */
static size_t receive(struct transfer *transfer, void *bytes, size_t capacity)
{
    transfer->wanted = bytes;
    transfer->wanted_capacity = capacity;
    transfer->wanted_count = 0;
    resume(transfer);
    while (transfer->wanted_count + transfer->end == 0 && !transfer->ended) {
        perform(transfer);
        if (transfer->wanted_count + transfer->end == 0 && !transfer->ended)
            wait_for_network(transfer);
    }
    transfer->wanted_capacity = 0;
    return transfer->wanted_count;
}

static size_t take_held(struct transfer *transfer, void *bytes, size_t capacity)
{
    size_t held = transfer->end - transfer->start;
    size_t count = held < capacity ? held : capacity;

    memcpy(bytes, transfer->buffer + transfer->start, count);
    transfer->start += count;
    if (transfer->start == transfer->end)
        transfer->start = transfer->end = 0;
    return count;
}

static bool body_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                      struct error *err)
{
    struct transfer *transfer = (struct transfer *)self;

    *count = transfer->end > 0 ? take_held(transfer, bytes, capacity)
                               : receive(transfer, bytes, capacity);
    return *count > 0 || transfer->result == CURLE_OK || explain(transfer, err);
}

/* --- the pool ---------------------------------------------------------------------------- */

static void transfer_free(struct transfer *transfer)
{
    curl_multi_cleanup(transfer->multi);
    curl_easy_cleanup(transfer->easy);
    free(transfer->origin);
    free(transfer);
}

/* Makes it ready for the pool. A transfer that has not ended loses its connection. */
static void transfer_clear(struct transfer *transfer)
{
    curl_multi_remove_handle(transfer->multi, transfer->easy);
    curl_easy_reset(transfer->easy);
    curl_slist_free_all(transfer->headers);
    forget_head(transfer);
    free(transfer->what);
    free(transfer->buffer);
    *transfer = (struct transfer){
        .body = transfer->body,
        .owner = transfer->owner,
        .easy = transfer->easy,
        .multi = transfer->multi,
        .origin = transfer->origin,
    };
}

static void body_free(struct source *self)
{
    struct transfer *transfer = (struct transfer *)self;
    struct http_curl *curl = transfer->owner;

    if (!transfer->ended && transfer->end == 0) {
        resume(transfer);
        perform(transfer); /* the end may have arrived unread, and saves the connection */
    }
    /* What failed has no connection worth keeping, and an easy handle of libcurl's whose
     * connection never came about refuses to be set up again. */
    bool failed = transfer->result != CURLE_OK;
    transfer_clear(transfer);

    pthread_mutex_lock(&curl->lock);
    curl->active--;
    bool keep = !failed && curl->idle_count < IDLE_LIMIT;
    if (keep) {
        transfer->next_idle = curl->idle;
        curl->idle = transfer;
        curl->idle_count++;
    }
    pthread_mutex_unlock(&curl->lock);
    if (!keep)
        transfer_free(transfer);
}

static const struct source_ops body_ops = {
    .read = body_read,
    .free = body_free,
};

static struct transfer *transfer_new(struct http_curl *curl)
{
    struct transfer *transfer = memory_new(1, sizeof *transfer);

    transfer->body.ops = &body_ops;
    transfer->owner = curl;
    transfer->easy = curl_easy_init();
    transfer->multi = curl_multi_init();
    if (!transfer->easy || !transfer->multi)
        abort();
    return transfer;
}

static struct transfer *take_idle(struct http_curl *curl, struct transfer **place)
{
    struct transfer *transfer = *place;

    *place = transfer->next_idle;
    transfer->next_idle = NULL;
    curl->idle_count--;
    return transfer;
}

/* One that has talked to the same host, and may still be connected. No other would do: its
 * connections may lead here too, by a redirect, and trust authorities of where that came from.
 */
static struct transfer *check_out(struct http_curl *curl, const char *url)
{
    owned(memory) char *origin = http_url_origin(url);
    struct transfer *transfer = NULL;
    struct transfer *unwanted = NULL;

    pthread_mutex_lock(&curl->lock);
    curl->active++;
    struct transfer **place = &curl->idle;
    while (*place && strcmp((*place)->origin, origin) != 0)
        place = &(*place)->next_idle;
    if (*place)
        transfer = take_idle(curl, place);
    else if (curl->idle_count == IDLE_LIMIT)
        unwanted = take_idle(curl, &curl->idle);
    pthread_mutex_unlock(&curl->lock);

    if (unwanted)
        transfer_free(unwanted);
    if (!transfer) {
        transfer = transfer_new(curl);
        transfer->origin = take(&origin);
    }
    return transfer;
}

/* --- an exchange ------------------------------------------------------------------------- */

static bool prepare(struct transfer *transfer, const struct http_request *request,
                    struct error *err)
{
    CURL *easy = transfer->easy;
    owned(memory) char *url = http_url_for_people(request->url);

    transfer->what = text_format("%s %s", request->method, url);
    transfer->upload = request->body;
    transfer->upload_left = request->body ? request->body_size : 0;
    transfer->follows_redirects = http_curl_follows_redirects(request);

    must(curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->reason));
    must(curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header));
    must(curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body));
    must(curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_upload));
    must(curl_easy_setopt(easy, CURLOPT_READDATA, transfer));
    must(curl_easy_setopt(easy, CURLOPT_SSL_CTX_DATA, transfer));
    if (curl_easy_setopt(easy, CURLOPT_SSL_CTX_FUNCTION, on_encryption) != CURLE_OK)
        return error_set(err, ERROR_SYSTEM,
                         "the libcurl here encrypts with %s: skiff needs "
                         "one that uses OpenSSL",
                         curl_version_info(CURLVERSION_NOW)->ssl_version);
    if (!http_curl_set_request(easy, &transfer->owner->settings, request, &transfer->headers,
                               &transfer->trusted, err))
        return error_wrap(err, "%s", transfer->what);
    if (curl_multi_add_handle(transfer->multi, easy) != CURLM_OK)
        abort();
    return true;
}

static bool curl_transport_exchange(struct http *self, const struct http_request *request,
                                    struct http_response *out, struct error *err)
{
    struct http_curl *curl = (struct http_curl *)self;
    struct transfer *transfer = check_out(curl, request->url);

    if (!prepare(transfer, request, err)) {
        transfer->ended = true;
        body_free(&transfer->body);
        return false;
    }
    while (!has_answered(transfer) && !transfer->ended) {
        uint64_t left = transfer->upload_left;
        perform(transfer);
        /* What has just sent something can likely send more. */
        if (!has_answered(transfer) && !transfer->ended && transfer->upload_left == left)
            wait_for_network(transfer);
    }
    transfer->upload = NULL;
    if (!has_answered(transfer)) {
        explain(transfer, err);
        body_free(&transfer->body);
        return false;
    }

    const char *url = NULL;
    must(curl_easy_getinfo(transfer->easy, CURLINFO_EFFECTIVE_URL, &url));
    *out = transfer->head;
    out->url = memory_copy_string(url ? url : request->url);
    out->body = &transfer->body;
    transfer->head = (struct http_response){0};
    return true;
}

/* --- the transport ----------------------------------------------------------------------- */

static void curl_transport_free(struct http *self)
{
    struct http_curl *curl = (struct http_curl *)self;

    assert(curl->active == 0);
    while (curl->idle) {
        struct transfer *transfer = curl->idle;
        curl->idle = transfer->next_idle;
        transfer_free(transfer);
    }
    pthread_mutex_destroy(&curl->lock);
    http_curl_settings_release(&curl->settings);
    free(curl);
}

static const struct http_ops curl_transport_ops = {
    .exchange = curl_transport_exchange,
    .free = curl_transport_free,
};

struct http *http_curl(const struct http_curl_options *options)
{
    pthread_once(&libcurl_once, start_libcurl);

    struct http_curl *curl = memory_new(1, sizeof *curl);

    curl->http.ops = &curl_transport_ops;
    http_curl_settings_read(options, &curl->settings);
    pthread_mutex_init(&curl->lock, NULL);
    return &curl->http;
}
