/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/decompress.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

#include "oci/base/memory.h"

enum { BLOCK_BYTES = 64 * 1024 };

enum compression compression_guess(const void *bytes, size_t count)
{
    if (count >= 2 && memcmp(bytes, "\x1f\x8b", 2) == 0)
        return COMPRESSION_GZIP;
    if (count >= 4 && memcmp(bytes, "\x28\xb5\x2f\xfd", 4) == 0)
        return COMPRESSION_ZSTD;
    return COMPRESSION_NONE;
}

/* libarchive's "raw" format: an archive of one nameless file, which leaves the filters alone.
 */
struct decompressing {
    struct source source;
    struct source *packed;
    struct archive *archive; /* NULL until something is read */
    uint64_t limit;
    uint64_t given;
    bool ended;
    bool source_failed;
    struct error *err; /* where next_block() reports, for the length of one call */
    char block[BLOCK_BYTES];
};

static la_ssize_t next_block(struct archive *archive, void *data, const void **bytes)
{
    struct decompressing *unpacking = data;
    size_t count;

    *bytes = unpacking->block;
    if (source_read(unpacking->packed, unpacking->block, sizeof unpacking->block, &count,
                    unpacking->err))
        return (la_ssize_t)count;
    unpacking->source_failed = true;
    archive_set_error(archive, EIO, "cannot read it");
    return -1;
}

static bool is_damaged(struct decompressing *unpacking, struct error *err)
{
    if (unpacking->source_failed)
        return false; /* what the source said is better than libarchive's echo of it */
    const char *reason = archive_error_string(unpacking->archive);
    return error_set(err, ERROR_INVALID, "decompress: %.200s", reason ? reason : "damaged");
}

static bool begin(struct decompressing *unpacking, struct error *err)
{
    struct archive_entry *entry;

    unpacking->archive = archive_read_new();
    archive_read_support_format_raw(unpacking->archive);
    archive_read_support_format_empty(unpacking->archive);
    archive_read_support_filter_gzip(unpacking->archive);
    archive_read_support_filter_zstd(unpacking->archive);
    if (archive_read_open(unpacking->archive, unpacking, NULL, next_block, NULL) != ARCHIVE_OK)
        return is_damaged(unpacking, err);
    int result = archive_read_next_header(unpacking->archive, &entry);
    unpacking->ended = result == ARCHIVE_EOF;
    return result >= ARCHIVE_WARN || is_damaged(unpacking, err);
}

/* Compressed bytes know where they end; a digest is only checked at the end of all bytes. */
static bool read_the_rest(struct decompressing *unpacking, struct error *err)
{
    size_t count;

    do {
        if (!source_read(unpacking->packed, unpacking->block, sizeof unpacking->block, &count,
                         err))
            return false;
    } while (count > 0);
    unpacking->ended = true;
    return true;
}

static bool decompress_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                            struct error *err)
{
    struct decompressing *unpacking = (struct decompressing *)self;

    unpacking->err = err;
    *count = 0;
    if (!unpacking->archive && !begin(unpacking, err))
        return false;
    if (unpacking->ended)
        return true;
    la_ssize_t got = archive_read_data(unpacking->archive, bytes, capacity);
    if (got < 0)
        return is_damaged(unpacking, err);
    if ((uint64_t)got > unpacking->limit - unpacking->given)
        return error_set(err, ERROR_LIMIT, "decompresses to more than %llu bytes",
                         (unsigned long long)unpacking->limit);
    unpacking->given += (uint64_t)got;
    *count = (size_t)got;
    return got > 0 || read_the_rest(unpacking, err);
}

static void decompress_free(struct source *self)
{
    struct decompressing *unpacking = (struct decompressing *)self;

    archive_read_free(unpacking->archive);
    source_free(unpacking->packed);
    free(unpacking);
}

static const struct source_ops decompress_ops = {
    .read = decompress_read,
    .free = decompress_free,
};

struct source *decompress_source(struct source *packed, uint64_t limit)
{
    struct decompressing *unpacking = memory_new(1, sizeof *unpacking);

    unpacking->source.ops = &decompress_ops;
    unpacking->packed = packed;
    unpacking->limit = limit;
    return &unpacking->source;
}
