/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a .dockerignore leaves out: the first line is a path, the others are patterns. Without
 * exceptions, all that is inside something left out is left out, too.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "layers/ignore.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *text = fuzz_string(bytes, count);
    owned(ignore) struct ignore ignore = {0};
    struct error err = {0};
    char *end = strchr(text, '\n');

    if (!end)
        return 0;
    *end = '\0';
    if (!ignore_parse(end + 1, &ignore, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        return 0;
    }
    assert(ignore.count <= IGNORE_PATTERNS_LIMIT);
    owned(memory) char *inside = text_format("%s/inside", text);
    bool is_left_out = ignore_matches(&ignore, text);
    bool is_inside_left_out = ignore_matches(&ignore, inside);
    assert(!is_left_out || is_inside_left_out || ignore.has_exceptions || text[0] == '\0');
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {"a/b.c\n**/*.c\n!a\n", "x\n[a-c]?\\*\n# no\n",
                                        "d/e\nd/**\n", NULL};

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
