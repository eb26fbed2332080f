/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the event, the request made of it is one: nothing leaves its line, and nothing says
 * how long it is but its body.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

#include "lambda/supervisor/request.h"
#include "oci/base/memory.h"

static void check_printable(const char *text, const char *also)
{
    for (const char *c = text; *c; c++)
        assert(((unsigned char)*c > ' ' && *c != 0x7F) || strchr(also, *c));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(request) struct request request = {0};
    struct error err = {0};

    if (!request_read((const char *)bytes, count, &request, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        return 0;
    }
    check_printable(request.method, "");
    check_printable(request.target, "");
    assert(request.method[0] && request.target[0] == '/');
    assert(!strchr(request.target, '#'));
    for (const char *c = request.target; *c; c++)
        assert((unsigned char)*c < 0x7F);
    assert(request.header_count <= REQUEST_HEADERS_LIMIT + 1); /* and the cookies */
    for (size_t i = 0; i < request.header_count; i++) {
        check_printable(request.headers[i].name, "");
        check_printable(request.headers[i].value, " \t");
        assert(request.headers[i].name[0] && !strchr(request.headers[i].name, ':'));
        assert(!request_is_hop_header(request.headers[i].name));
    }
    assert(request.body || request.body_count == 0);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"httpMethod\":\"POST\",\"path\":\"/a/%20b\",\"headers\":{\"Host\":\"x\"},"
        "\"multiValueHeaders\":{\"X-A\":[\"1\",\"2\"]},\"queryStringParameters\":{\"q\":\"v\"},"
        "\"multiValueQueryStringParameters\":{\"q\":[\"v\",\"w\"]},\"body\":\"words\"}",
        "{\"requestContext\":{\"http\":{\"method\":\"PUT\"}},\"rawPath\":\"/p\","
        "\"rawQueryString\":\"a=1\",\"headers\":{\"x\":\"y\"},\"cookies\":[\"a=1\",\"b=2\"],"
        "\"body\":\"UE5H\",\"isBase64Encoded\":true}",
        "{\"httpMethod\":\"GET\",\"requestContext\":{\"elb\":{}},\"path\":\"/\","
        "\"queryStringParameters\":{\"q\":\"%20\"}}",
        "{\"detail\":1}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
