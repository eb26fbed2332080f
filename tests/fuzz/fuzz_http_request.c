/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request is the same in whatever pieces it arrives, and one that is complete can be written
 * the plain way and is then the same again. The first byte of the input is how long pieces are.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/local/http_request.h"
#include "oci/base/memory.h"

static size_t read_in_pieces(struct http_request *request, const char *bytes, size_t count,
                             size_t piece)
{
    size_t used = 0;

    while (used < count && request->state != REQUEST_COMPLETE &&
           request->state != REQUEST_BROKEN) {
        size_t left = count - used;
        size_t taken = http_request_add(request, bytes + used, left < piece ? left : piece);
        assert(taken > 0 && taken <= left);
        used += taken;
    }
    assert(request->head.length <= REQUEST_HEAD_LIMIT);
    assert(request->body.length <= REQUEST_BODY_LIMIT);
    assert(request->body.length <= request->body_size && request->body_size <= count);
    assert((request->state == REQUEST_BROKEN) == (request->status >= 400));
    return used;
}

static bool same_bytes(const struct text *a, const struct text *b)
{
    return a->length == b->length &&
           (a->length == 0 || memcmp(a->bytes, b->bytes, a->length) == 0);
}

static void are_the_same(const struct http_request *a, const struct http_request *b)
{
    assert(a->state == b->state && a->status == b->status && a->is_last == b->is_last);
    assert(strcmp(a->method, b->method) == 0 && a->body_size == b->body_size);
    assert(!a->target == !b->target && (!a->target || strcmp(a->target, b->target) == 0));
    assert(same_bytes(&a->body, &b->body));
}

/* What does not say how long the body is. */
static bool is_free(const char *name)
{
    return strcmp(name, "content-length") != 0 && strcmp(name, "transfer-encoding") != 0;
}

static void have_the_same_fields(const struct http_request *a, const struct http_request *b)
{
    const char *of_b = NULL;

    for (const char *of_a = NULL; (of_a = http_request_next_field(&a->fields, of_a));) {
        if (!is_free(of_a))
            continue;
        do
            of_b = http_request_next_field(&b->fields, of_b);
        while (of_b && !is_free(of_b));
        assert(of_b && strcmp(of_a, of_b) == 0);
        assert(strcmp(http_request_value(of_a), http_request_value(of_b)) == 0);
    }
}

static void reads_again(const struct http_request *request)
{
    owned(text) struct text text = {0};
    struct http_request again = {0};

    text_addf(&text, "%s %s HTTP/1.1\r\nContent-Length: %zu\r\n", request->method,
              request->target, request->body.length);
    for (const char *at = NULL; (at = http_request_next_field(&request->fields, at));)
        if (is_free(at))
            text_addf(&text, "%s: %s\r\n", at, http_request_value(at));
    text_add(&text, request->is_last ? "Connection: close\r\n\r\n" : "\r\n");
    if (text.length > REQUEST_HEAD_LIMIT)
        return;
    text_add_bytes(&text, text_string(&request->body), request->body.length);
    assert(read_in_pieces(&again, text.bytes, text.length, text.length) == text.length);
    are_the_same(request, &again);
    have_the_same_fields(request, &again);
    http_request_release(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    struct http_request whole = {0};
    struct http_request pieces = {0};

    if (count < 2)
        return 0;
    const char *rest = (const char *)bytes + 1;
    size_t used = read_in_pieces(&whole, rest, count - 1, count - 1);
    size_t used_again = read_in_pieces(&pieces, rest, count - 1, (size_t)bytes[0] + 1);

    are_the_same(&whole, &pieces);
    if (whole.state == REQUEST_COMPLETE)
        assert(same_bytes(&whole.fields, &pieces.fields) &&
               same_bytes(&whole.trailers, &pieces.trailers));
    assert(whole.state == REQUEST_BROKEN || used == used_again);
    if (whole.state == REQUEST_COMPLETE)
        reads_again(&whole);
    http_request_release(&whole);
    http_request_release(&pieces);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "\aGET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n\r\n",
        "\1POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 4\r\n"
        "Lambda-Runtime-Function-Error-Type: Runtime.X\r\nExpect: 100-continue\r\n\r\nbody",
        "\3POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        "4;x=y\r\nbody\r\n0\r\nTrailer: 1\r\n\r\n",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
