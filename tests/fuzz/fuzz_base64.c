/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever is encoded decodes to itself, and what decodes at all has one spelling that we
 * write.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static void decodes_to(const char *text, const void *expected, size_t expected_count)
{
    owned(memory) char *bytes = NULL;
    struct error err;
    size_t count;

    assert(base64_decode(text, &bytes, &count, &err));
    assert(count == expected_count && bytes[count] == '\0');
    assert(count == 0 || memcmp(bytes, expected, count) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *text = fuzz_string(bytes, count);
    owned(memory) char *coded = base64_encode(bytes, count);
    owned(memory) char *decoded = NULL;
    struct error err = {0};
    size_t decoded_count;

    assert(strlen(coded) == (count + 2) / 3 * 4);
    decodes_to(coded, bytes, count);

    if (!base64_decode(text, &decoded, &decoded_count, &err)) {
        assert(err.kind == ERROR_INVALID);
        return 0;
    }
    size_t digits = 0;
    for (const char *at = text; *at; at++)
        digits += !strchr("=\r\n", *at);
    assert(digits % 4 != 1 && decoded_count == digits * 3 / 4);
    owned(memory) char *again = base64_encode(decoded, decoded_count);
    decodes_to(again, decoded, decoded_count);
    return 0;
}
