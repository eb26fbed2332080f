/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An image's name that is understood can be written in full, and then means the same.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/location.h"

static void is_within_the_spec(const struct reference *reference)
{
    static const char word[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    struct digest digest;
    struct error err;

    /* What ends up in a URL. */
    assert(reference->host[0] && !strpbrk(reference->host, "/@?#% \t\r\n"));
    assert(strspn(reference->repository, "abcdefghijklmnopqrstuvwxyz0123456789._-/") ==
           strlen(reference->repository));
    assert(!strstr(reference->repository, "..") && !strstr(reference->repository, "//"));
    assert(reference->tag[0] || reference->has_digest);
    if (reference->tag[0])
        assert(strchr(word, reference->tag[0]) || reference->tag[0] == '_');
    assert(digest_parse(reference->name, &digest, &err) == reference->has_digest);
}

static bool same_reference(const struct reference *a, const struct reference *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->repository, b->repository) == 0 &&
           strcmp(a->tag, b->tag) == 0 && a->has_digest == b->has_digest &&
           (!a->has_digest || digest_equal(&a->digest, &b->digest));
}

static bool same(const struct location *a, const struct location *b)
{
    return a->kind == b->kind && strcmp(location_name(a), location_name(b)) == 0 &&
           (a->kind == LOCATION_REGISTRY ? same_reference(&a->reference, &b->reference)
                                         : strcmp(a->path, b->path) == 0);
}

static void means_the_same_in_full(const struct location *location)
{
    owned(memory) char *full = location_format(location);
    owned(location) struct location again = {0};
    struct error err;

    assert(location_parse(full, &again, &err));
    assert(same(&again, location));
    owned(memory) char *full_again = location_format(&again);
    assert(strcmp(full, full_again) == 0);
    if (location->kind == LOCATION_REGISTRY)
        is_within_the_spec(&location->reference);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *text = fuzz_string(bytes, count);
    owned(location) struct location from = {0};
    owned(location) struct location to = {0};
    struct error err = {0};

    if (!location_parse(text, &from, &err)) {
        assert(err.kind == ERROR_USAGE && err.text[0]);
        assert(!location_parse_destination(text, &to, &err));
        return 0;
    }
    means_the_same_in_full(&from);
    if (!location_parse_destination(text, &to, &err)) {
        assert(err.kind == ERROR_USAGE && strstr(text, "sha256:"));
        return 0;
    }
    means_the_same_in_full(&to);
    /* A docker archive's images have whole references for names, or none. */
    if (to.kind != LOCATION_DOCKER_ARCHIVE)
        assert(location_name(&to)[0] && !strchr(location_name(&to), ':'));
    return 0;
}

#define DIGEST "@sha256:1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "alpine",
        "user/image_name:3.20",
        "index.docker.io/a" DIGEST,
        "localhost:5000/a/b-c__d.e:v1" DIGEST,
        "[::1]:5000/a",
        "Host-1.example:65535/a",
        "oci:build/image:v1",
        "oci:a:b/c" DIGEST,
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
