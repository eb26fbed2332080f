/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Platforms that are understood can be written, as text and as JSON, and then are the same.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/platform_spec.h"

static bool same(const struct platform_spec *a, const struct platform_spec *b)
{
    return strcmp(a->os, b->os) == 0 && strcmp(a->architecture, b->architecture) == 0 &&
           strcmp(a->variant, b->variant) == 0;
}

static void reads_again(const struct platform_spec *platform)
{
    struct platform_spec again;
    struct error err;

    json_owned json_t *json = platform_spec_write(platform);
    assert(platform_spec_read(json, &again, &err) && same(&again, platform));
    assert(platform_spec_parse(platform_spec_format(platform).text, &again, &err));
    assert(same(&again, platform) && platform_spec_matches(&again, platform));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *text = fuzz_string(bytes, count);
    struct platform_spec platforms[PLATFORMS_LIMIT];
    struct error err = {0};
    size_t found = 0;

    if (!platform_spec_parse_list(text, platforms, &found, &err)) {
        assert(err.kind == ERROR_USAGE || err.kind == ERROR_LIMIT);
        return 0;
    }
    assert(found > 0 && found <= PLATFORMS_LIMIT);
    for (size_t i = 0; i < found; i++) {
        reads_again(&platforms[i]);
        for (size_t j = 0; j < i; j++)
            assert(!same(&platforms[i], &platforms[j]));
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {"linux/amd64,linux/arm64/v8",
                                        "linux/x86_64,linux/aarch64", "windows/386/a", NULL};

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
