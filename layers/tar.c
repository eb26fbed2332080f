/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tar.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { BLOCK_BYTES = 512 };

static const char ZEROES[2 * BLOCK_BYTES];

/* One header block, field by field as POSIX has it. */
struct header {
    char name[100];
    char mode[8];
    char uid[8];
    char gid[8];
    char size[12];
    char mtime[12];
    char checksum[8];
    char type;
    char link_name[100];
    char magic[6];
    char version[2];
    char user[32];
    char group[32];
    char device_major[8];
    char device_minor[8];
    char prefix[155];
    char padding[12];
};

static_assert(sizeof(struct header) == BLOCK_BYTES, "a header is one block");

/* Octal digits and a NUL, as many as the field takes. */
static void put_number(char *field, size_t size, uint64_t number)
{
    field[--size] = '\0';
    while (size > 0) {
        field[--size] = (char)('0' + number % 8);
        number /= 8;
    }
    assert(number == 0);
}

/* The sum of the header's bytes, its own field taken as blanks. */
static void put_checksum(struct header *header)
{
    const unsigned char *bytes = (const unsigned char *)header;
    unsigned int sum = 0;

    memset(header->checksum, ' ', sizeof header->checksum);
    for (size_t i = 0; i < sizeof *header; i++)
        sum += bytes[i];
    put_number(header->checksum, 7, sum); /* six digits, NUL, and the blank that stays */
}

static bool is_ascii(const char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text >= 0x80)
            return false;
    return true;
}

/* Puts the path into name and prefix, parted at a slash; false where it does not fit. */
static bool put_path(struct header *header, const char *path)
{
    size_t length = strlen(path);

    if (!is_ascii(path))
        return false;
    if (length <= sizeof header->name) {
        memcpy(header->name, path, length);
        return true;
    }
    for (const char *slash = path + length - sizeof header->name - 1; *slash; slash++) {
        size_t prefix = (size_t)(slash - path);
        if (*slash != '/' || slash[1] == '\0')
            continue;
        if (prefix == 0 || prefix > sizeof header->prefix)
            return false;
        memcpy(header->prefix, path, prefix);
        memcpy(header->name, slash + 1, length - prefix - 1);
        return true;
    }
    return false;
}

static void fill_header(struct header *header, char type, unsigned int mode, uint64_t size,
                        time_t modified)
{
    put_number(header->mode, sizeof header->mode, mode);
    put_number(header->uid, sizeof header->uid, 0);
    put_number(header->gid, sizeof header->gid, 0);
    put_number(header->size, sizeof header->size, size);
    put_number(header->mtime, sizeof header->mtime, (uint64_t)modified);
    put_number(header->device_major, sizeof header->device_major, 0);
    put_number(header->device_minor, sizeof header->device_minor, 0);
    header->type = type;
    memcpy(header->magic, "ustar", 6);
    memcpy(header->version, "00", 2);
    put_checksum(header);
}

static bool write_padded(struct sink *out, const void *bytes, size_t count, struct error *err)
{
    size_t rest = count % BLOCK_BYTES;

    if (count == 0)
        return true;
    return sink_write(out, bytes, count, err) &&
           (rest == 0 || sink_write(out, ZEROES, BLOCK_BYTES - rest, err));
}

/* "<length> path=<path>\n", where the length counts its own digits too. */
static char *pax_record(const char *path)
{
    size_t rest = strlen(" path=\n") + strlen(path);
    size_t length = rest + 1;

    while (length != rest + (size_t)snprintf(NULL, 0, "%zu", length))
        length = rest + (size_t)snprintf(NULL, 0, "%zu", length);
    return text_format("%zu path=%s\n", length, path);
}

static bool write_pax(const char *path, time_t modified, struct sink *out, struct error *err)
{
    owned(memory) char *record = pax_record(path);
    struct header header = {.name = "PaxHeader"};

    fill_header(&header, 'x', 0644, strlen(record), modified);
    return sink_write(out, &header, sizeof header, err) &&
           write_padded(out, record, strlen(record), err);
}

static bool write_entry(const struct tree_entry *entry, time_t modified, struct sink *out,
                        struct error *err)
{
    bool is_folder = entry->kind == TREE_FOLDER;
    owned(memory) char *path = text_format("%s%s", entry->path, is_folder ? "/" : "");
    struct header header = {0};

    if (!put_path(&header, path)) {
        if (!write_pax(path, modified, out, err))
            return false;
        /* For readers that know no PAX: the start of the path, cut wherever it ends. */
        memcpy(header.name, path,
               strlen(path) < sizeof header.name ? strlen(path) : sizeof header.name);
    }
    fill_header(&header, is_folder ? '5' : '0', entry->kind == TREE_FILE ? 0644 : 0755,
                entry->count, modified);
    return sink_write(out, &header, sizeof header, err) &&
           write_padded(out, entry->bytes, entry->count, err);
}

bool tar_write(const struct tree *tree, time_t modified, struct sink *out, struct error *err)
{
    for (size_t i = 0; i < tree_entry_count(tree); i++) {
        struct tree_entry entry = tree_entry(tree, i);
        if (!write_entry(&entry, modified, out, err))
            return error_wrap(err, "tar '%.200s'", entry.path);
    }
    return sink_write(out, ZEROES, sizeof ZEROES, err);
}
