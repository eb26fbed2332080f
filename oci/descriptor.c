/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/descriptor.h"

#include <stdlib.h>

#include "oci/base/hash.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

bool descriptor_read(const json_t *json, struct descriptor *out, struct error *err)
{
    const char *media_type;
    const char *digest;
    struct descriptor read;

    if (!json_field_string(json, "mediaType", &media_type, err) ||
        !json_field_string(json, "digest", &digest, err) ||
        !json_field_size(json, "size", &read.size, err) ||
        !digest_parse(digest, &read.digest, err))
        return error_wrap(err, "descriptor");
    read.media_type = media_type_parse(media_type);
    *out = read;
    return true;
}

json_t *descriptor_write(const struct descriptor *descriptor)
{
    return json_pack("{s:s, s:s, s:I}", "mediaType", media_type_name(descriptor->media_type),
                     "digest", digest_format(&descriptor->digest).text, "size",
                     (json_int_t)descriptor->size);
}

struct verified_source {
    struct source source;
    struct source *inner;
    struct descriptor expected;
    struct sha256 *hash;
    uint64_t size;
    bool ended;
};

static bool check(struct verified_source *verified, struct error *err)
{
    struct digest found;

    if (verified->size != verified->expected.size)
        return error_set(err, ERROR_INVALID, "size is %llu bytes instead of %llu",
                         (unsigned long long)verified->size,
                         (unsigned long long)verified->expected.size);
    sha256_finish(verified->hash, found.bytes);
    if (!digest_equal(&found, &verified->expected.digest))
        return error_set(err, ERROR_INVALID, "content has digest %s instead of %s",
                         digest_format(&found).text,
                         digest_format(&verified->expected.digest).text);
    verified->ended = true;
    return true;
}

/* The last bytes are held against the digest before they are handed on, so that a reader who
 * counts and stops at the size has seen verified bytes too. */
static bool verified_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                          struct error *err)
{
    struct verified_source *verified = (struct verified_source *)self;

    *count = 0;
    if (verified->ended)
        return true;
    if (!source_read(verified->inner, bytes, capacity, count, err))
        return false;
    if (*count > verified->expected.size - verified->size)
        return error_set(err, ERROR_INVALID, "more than the %llu bytes announced",
                         (unsigned long long)verified->expected.size);
    sha256_add(verified->hash, bytes, *count);
    verified->size += *count;
    if (*count > 0 && verified->size < verified->expected.size)
        return true;
    return check(verified, err);
}

static void verified_free(struct source *self)
{
    struct verified_source *verified = (struct verified_source *)self;

    source_free(verified->inner);
    sha256_free(verified->hash);
    free(verified);
}

static const struct source_ops verified_source_ops = {
    .read = verified_read,
    .free = verified_free,
};

struct source *descriptor_verify(const struct descriptor *descriptor, struct source *source)
{
    struct verified_source *verified = memory_new(1, sizeof *verified);

    verified->source.ops = &verified_source_ops;
    verified->inner = source;
    verified->expected = *descriptor;
    verified->hash = sha256_new();
    return &verified->source;
}
