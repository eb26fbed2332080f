/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tar.h"

#include <assert.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { BLOCK_BYTES = 512, COPY_BYTES = 64 * 1024 };

/* Eleven octal digits: one byte less than 8 GiB. */
static const uint64_t SIZE_MOST = 077777777777;

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

static bool write_padding(struct sink *out, uint64_t count, struct error *err)
{
    size_t rest = (size_t)(count % BLOCK_BYTES);

    return rest == 0 || sink_write(out, ZEROES, BLOCK_BYTES - rest, err);
}

/* Adds "<length> <name>=<value>\n", where the length counts its own digits too. */
static void add_record(struct text *records, const char *name, const char *value)
{
    size_t rest = strlen(name) + strlen(value) + strlen(" =\n");
    size_t length = rest + 1;

    while (length != rest + (size_t)snprintf(NULL, 0, "%zu", length))
        length = rest + (size_t)snprintf(NULL, 0, "%zu", length);
    text_addf(records, "%zu %s=%s\n", length, name, value);
}

static bool write_records(const struct text *records, time_t modified, struct sink *out,
                          struct error *err)
{
    struct header header = {.name = "PaxHeader"};

    fill_header(&header, 'x', 0644, records->length, modified);
    return sink_write(out, &header, sizeof header, err) &&
           sink_write(out, records->bytes, records->length, err) &&
           write_padding(out, records->length, err);
}

/* For readers that know no PAX: the start of the text, cut wherever it ends. */
static void put_start(char *field, size_t size, const char *text)
{
    size_t length = strlen(text);

    memcpy(field, text, length < size ? length : size);
}

/* Fills the header of the entry, and `records` with what does not fit there. */
static void describe(const struct tree_entry *entry, time_t modified, struct header *header,
                     struct text *records)
{
    static const char types[] = {
        [TREE_FOLDER] = '5', [TREE_FILE] = '0', [TREE_PROGRAM] = '0', [TREE_LINK] = '2'};
    owned(memory) char *path =
        text_format("%s%s", entry->path, entry->kind == TREE_FOLDER ? "/" : "");
    bool is_large = entry->size > SIZE_MOST;

    if (!put_path(header, path)) {
        add_record(records, "path", path);
        put_start(header->name, sizeof header->name, path);
    }
    if (entry->target) {
        put_start(header->link_name, sizeof header->link_name, entry->target);
        if (!is_ascii(entry->target) || strlen(entry->target) > sizeof header->link_name)
            add_record(records, "linkpath", entry->target);
    }
    if (is_large) {
        owned(memory) char *size = text_format("%" PRIu64, entry->size);
        add_record(records, "size", size);
    }
    fill_header(header, types[entry->kind], entry->mode, is_large ? 0 : entry->size, modified);
}

static bool write_head(const struct tree_entry *entry, time_t modified, struct sink *out,
                       struct error *err)
{
    struct header header = {0};
    owned(text) struct text records = {0};

    describe(entry, modified, &header, &records);
    return (records.length == 0 || write_records(&records, modified, out, err)) &&
           sink_write(out, &header, sizeof header, err);
}

/* Exactly the bytes announced. */
static bool write_content(struct source *bytes, uint64_t size, struct sink *out,
                          struct error *err)
{
    char buffer[COPY_BYTES];
    uint64_t written = 0;

    for (;;) {
        size_t count;
        if (!source_read(bytes, buffer, sizeof buffer, &count, err))
            return false;
        if (count > size - written || (count == 0 && written < size))
            return error_set(err, ERROR_INVALID, "its size is not the %llu bytes announced",
                             (unsigned long long)size);
        if (count == 0)
            return write_padding(out, size, err);
        if (!sink_write(out, buffer, count, err))
            return false;
        written += count;
    }
}

static bool write_entry(const struct tree_entry *entry, time_t modified, struct sink *out,
                        struct error *err)
{
    owned(source) struct source *content = NULL;

    if (!write_head(entry, modified, out, err))
        return false;
    if (entry->kind != TREE_FILE && entry->kind != TREE_PROGRAM)
        return true;
    return tree_entry_open(entry, &content, err) &&
           write_content(content, entry->size, out, err);
}

bool tar_write(struct tree *tree, time_t modified, struct sink *out, struct error *err)
{
    for (size_t i = 0; i < tree_entry_count(tree); i++) {
        struct tree_entry entry = tree_entry(tree, i);
        if (!write_entry(&entry, modified, out, err))
            return error_wrap(err, "tar '%.200s'", entry.path);
    }
    return tar_write_end(out, err);
}

bool tar_write_end(struct sink *out, struct error *err)
{
    return sink_write(out, ZEROES, sizeof ZEROES, err);
}

bool tar_write_folder(const char *path, time_t modified, struct sink *out, struct error *err)
{
    const struct tree_entry folder = {.path = path, .kind = TREE_FOLDER, .mode = 0755};

    return write_head(&folder, modified, out, err) || error_wrap(err, "tar '%.200s'", path);
}

bool tar_write_file(const char *path, struct source *bytes, uint64_t size, time_t modified,
                    struct sink *out, struct error *err)
{
    const struct tree_entry file = {
        .path = path, .kind = TREE_FILE, .mode = 0644, .size = size};

    return (write_head(&file, modified, out, err) && write_content(bytes, size, out, err)) ||
           error_wrap(err, "tar '%.200s'", path);
}
