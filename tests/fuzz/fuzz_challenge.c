/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The challenge that is picked can be written the tidy way, and is then picked again. Each line
 * of the input is a header.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/challenge.h"

enum { HEADERS = 8 };

static void add_quoted(struct text *text, const char *name, const char *value)
{
    text_addf(text, "%s%s=\"", strchr(text_string(text), '=') ? "," : " ", name);
    for (; *value; value++)
        text_addf(text, strchr("\"\\", *value) ? "\\%c" : "%c", *value);
    text_add(text, "\"");
}

static bool same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void reads_again(const struct challenge *challenge)
{
    owned(text) struct text text = {0};
    owned(challenge) struct challenge again = {0};

    text_add(&text, challenge->scheme == CHALLENGE_BEARER ? "Bearer" : "Basic");
    if (challenge->realm)
        add_quoted(&text, "realm", challenge->realm);
    if (challenge->service)
        add_quoted(&text, "service", challenge->service);

    char name[] = "www-authenticate";
    struct http_response_header header = {name, text.bytes};
    struct http_response response = {.headers = &header, .header_count = 1};
    challenge_read(&response, &again);
    assert(again.scheme == challenge->scheme);
    assert(same(again.realm, challenge->realm) && same(again.service, challenge->service));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *lines = fuzz_string(bytes, count);
    owned(challenge) struct challenge challenge = {0};
    struct http_response_header headers[HEADERS];
    struct http_response response = {.headers = headers};
    char name[] = "WWW-Authenticate";
    char *next = lines;

    for (char *line; response.header_count < HEADERS && (line = strsep(&next, "\n"));)
        headers[response.header_count++] = (struct http_response_header){name, line};
    challenge_read(&response, &challenge);

    if (challenge.scheme == CHALLENGE_NONE) {
        assert(!challenge.realm && !challenge.service);
        return 0;
    }
    assert(challenge.scheme != CHALLENGE_BEARER || challenge.realm);
    reads_again(&challenge);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "Bearer realm=\"https://a.b/token\",service=\"a\\\"b\",scope=\"repository:a:pull\"",
        "Negotiate YWJj==, Basic realm=b",
        "Digest realm=d, nonce=\"x\"\nBEARER  Realm = token ,\tSERVICE=s",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
