/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/digest.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/hash.h"
#include "oci/base/memory.h"

static const char ALGORITHM[] = "sha256:";
static const char HEX[] = "0123456789abcdef";

enum { ALGORITHM_LENGTH = sizeof ALGORITHM - 1 };

static int hex_value(char c)
{
    const char *found = c ? strchr(HEX, c) : NULL;
    return found ? (int)(found - HEX) : -1;
}

bool digest_parse(const char *text, struct digest *out, struct error *err)
{
    if (strncmp(text, ALGORITHM, ALGORITHM_LENGTH) != 0)
        return error_set(err, ERROR_INVALID,
                         "digest '%.80s' is not sha256, which is the only one known here",
                         text);

    const char *hex = text + ALGORITHM_LENGTH;
    if (strlen(hex) != 2 * sizeof out->bytes)
        return error_set(err, ERROR_INVALID, "digest '%.80s' is not 64 digits long", text);

    for (size_t i = 0; i < sizeof out->bytes; i++) {
        int high = hex_value(hex[2 * i]);
        int low = hex_value(hex[2 * i + 1]);
        if (high < 0 || low < 0)
            return error_set(err, ERROR_INVALID, "digest '%s' is not lower-case hex", text);
        out->bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

struct digest_text digest_format(const struct digest *digest)
{
    struct digest_text out = {0};

    memcpy(out.text, ALGORITHM, ALGORITHM_LENGTH);
    for (size_t i = 0; i < sizeof digest->bytes; i++) {
        out.text[ALGORITHM_LENGTH + 2 * i] = HEX[digest->bytes[i] >> 4];
        out.text[ALGORITHM_LENGTH + 2 * i + 1] = HEX[digest->bytes[i] & 15];
    }
    return out;
}

struct digest_text digest_format_short(const struct digest *digest)
{
    struct digest_text out = digest_format(digest);

    out.text[ALGORITHM_LENGTH + 12] = '\0';
    return out;
}

struct digest digest_of(const void *bytes, size_t count)
{
    struct digest digest;
    struct sha256 *hash = sha256_new();

    sha256_add(hash, bytes, count);
    sha256_finish(hash, digest.bytes);
    sha256_free(hash);
    return digest;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

struct digest_sink {
    struct sink sink;
    struct sha256 *hash;
    uint64_t size;
    struct digest *digest_out;
    uint64_t *size_out;
};

static bool digest_sink_write(struct sink *self, const void *bytes, size_t count,
                              struct error *err)
{
    struct digest_sink *digest = (struct digest_sink *)self;

    sha256_add(digest->hash, bytes, count);
    digest->size += count;
    return sink_write(self->next, bytes, count, err);
}

static bool digest_sink_finish(struct sink *self, struct error *err)
{
    struct digest_sink *digest = (struct digest_sink *)self;
    (void)err;

    sha256_finish(digest->hash, digest->digest_out->bytes);
    if (digest->size_out)
        *digest->size_out = digest->size;
    return true;
}

static void digest_sink_free(struct sink *self)
{
    struct digest_sink *digest = (struct digest_sink *)self;

    sha256_free(digest->hash);
    free(digest);
}

static const struct sink_ops digest_sink_ops = {
    .write = digest_sink_write,
    .finish = digest_sink_finish,
    .free = digest_sink_free,
};

struct sink *digest_sink(struct sink *next, struct digest *digest, uint64_t *size)
{
    struct digest_sink *self = memory_new(1, sizeof *self);

    self->sink = (struct sink){.ops = &digest_sink_ops, .next = next};
    self->hash = sha256_new();
    self->digest_out = digest;
    self->size_out = size;
    return &self->sink;
}
