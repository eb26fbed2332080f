/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scripted_http.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

enum { BODY_LIMIT = 64 * 1024 };

static const char *sent_header(const struct http_request *request, const char *name)
{
    for (size_t i = 0; i < HTTP_HEADERS_LIMIT && request->headers[i].name; i++)
        if (strcmp(request->headers[i].name, name) == 0)
            return request->headers[i].value;
    return NULL;
}

static bool take_body(const struct http_request *request, const char *expected,
                      struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count;

    if (!request->body)
        return true;
    owned(sink) struct sink *sink = memory_sink(BODY_LIMIT, &bytes, &count);
    if (!stream_copy(request->body, sink, err) || !sink_finish(take(&sink), err))
        return false;
    assert_int_equal(count, request->body_size);
    if (expected) {
        assert_int_equal(count, strlen(expected));
        assert_memory_equal(bytes, expected, count);
    }
    return true;
}

static void check_header(const struct http_request *request, const char *name,
                         const char *expected)
{
    const char *sent = sent_header(request, name);

    if (expected && sent)
        assert_string_equal(sent, expected);
    else if (sent || expected)
        fail_msg("%s: %s is '%s' instead of '%s'", request->url, name, sent ? sent : "",
                 expected ? expected : "");
}

static bool is_asked_by(const struct scripted_exchange *exchange,
                        const struct http_request *request)
{
    return strcmp(request->method, exchange->method) == 0 &&
           strstr(request->url, exchange->url);
}

static void check_request(const struct scripted_exchange *expected,
                          const struct http_request *request)
{
    size_t length = strlen(request->url);
    size_t tail = strlen(expected->url);

    assert_string_equal(request->method, expected->method);
    if (tail > length || strcmp(request->url + length - tail, expected->url) != 0)
        fail_msg("%s %s does not end in '%s'", request->method, request->url, expected->url);
    check_header(request, "Authorization", expected->authorization);
    check_header(request, "Range", expected->range);
}

/* A body that breaks off after its bytes. */
struct cut_source {
    struct source source;
    struct source *bytes;
};

static bool cut_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                     struct error *err)
{
    struct cut_source *cut = (struct cut_source *)self;

    if (!source_read(cut->bytes, bytes, capacity, count, err))
        return false;
    return *count > 0 || error_set(err, ERROR_NETWORK, "cut off in the script");
}

static void cut_free(struct source *self)
{
    struct cut_source *cut = (struct cut_source *)self;

    source_free(cut->bytes);
    free(cut);
}

static const struct source_ops cut_ops = {.read = cut_read, .free = cut_free};

static struct source *cut_source(struct source *bytes)
{
    struct cut_source *cut = memory_new(1, sizeof *cut);

    *cut = (struct cut_source){{&cut_ops}, bytes};
    return &cut->source;
}

/* The exchange that is the request's; NULL for the one that is broken on purpose. */
static const struct scripted_exchange *find_turn(struct scripted_http *scripted,
                                                 const struct http_request *request)
{
    const struct scripted_exchange *next = NULL;

    pthread_mutex_lock(&scripted->lock);
    for (;;) {
        if (scripted->done == scripted->count)
            fail_msg("%s %s comes after the script's end", request->method, request->url);
        next = &scripted->script[scripted->done];
        if (!next->meanwhile || is_asked_by(next, request))
            break;
        pthread_cond_wait(&scripted->next, &scripted->lock);
    }
    check_request(next, request);
    free(scripted->accept);
    const char *accept = sent_header(request, "Accept");
    scripted->accept = accept ? memory_copy_string(accept) : NULL;
    if (scripted->done == scripted->breaks_at)
        next = NULL;
    else
        scripted->done++;
    pthread_cond_broadcast(&scripted->next);
    pthread_mutex_unlock(&scripted->lock);
    return next;
}

static bool play(struct http *self, const struct http_request *request,
                 struct http_response *out, struct error *err)
{
    struct scripted_http *scripted = (struct scripted_http *)self;
    const struct scripted_exchange *next = find_turn(scripted, request);

    if (!next)
        return error_set(err, ERROR_NETWORK, "%s: broken on purpose", request->url);
    if (next->status == 0)
        return error_set(err, next->failure ? next->failure : ERROR_NETWORK,
                         "%s: no answer in the script", request->url);
    if (!take_body(request, next->body, err))
        return false;

    const char *answer = next->answer ? next->answer : "";
    *out = (struct http_response){
        .status = next->status,
        .url = memory_copy_string(next->moved ? next->moved : request->url),
        .body = memory_source(answer, strlen(answer)),
        .headers = memory_new(SCRIPTED_HEADERS, sizeof *out->headers),
    };
    if (next->cut)
        out->body = cut_source(out->body);
    for (size_t i = 0; i < SCRIPTED_HEADERS && next->headers[i].name; i++) {
        out->headers[i].name = memory_copy_string(next->headers[i].name);
        out->headers[i].value = memory_copy_string(next->headers[i].value);
        out->header_count++;
    }
    return true;
}

static void leave(struct http *self)
{
    (void)self; /* belongs to the test */
}

static bool play_again(struct http *self, unsigned int tries,
                       const struct http_response *refusal)
{
    const struct scripted_http *scripted = (const struct scripted_http *)self;
    (void)refusal;

    return tries <= scripted->patience;
}

static const struct http_ops scripted_ops = {
    .exchange = play,
    .try_again = play_again,
    .free = leave,
};

void scripted_http_init(struct scripted_http *scripted, const struct scripted_exchange *script,
                        size_t count)
{
    *scripted = (struct scripted_http){
        .http.ops = &scripted_ops,
        .script = script,
        .count = count,
        .breaks_at = SIZE_MAX,
    };
    pthread_mutex_init(&scripted->lock, NULL);
    pthread_cond_init(&scripted->next, NULL);
}

void scripted_http_release(struct scripted_http *scripted)
{
    pthread_mutex_destroy(&scripted->lock);
    pthread_cond_destroy(&scripted->next);
    free(scripted->accept);
    if (scripted->breaks_at == SIZE_MAX)
        assert_int_equal(scripted->done, scripted->count);
}
