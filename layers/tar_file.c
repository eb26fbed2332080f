/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tar_file.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/decompress.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { BLOCK_BYTES = 64 * 1024, TAR_BLOCK_BYTES = 512 };

struct entry {
    char *name;
    char *target; /* of a link, the tidy name it leads to; NULL for a file */
    struct tar_member member;
};

struct tar_file {
    char *path;
    int fd; /* the plain archive */
    uint64_t size;
    struct entry *entries; /* by name */
    size_t count;
    size_t capacity;
};

/* --- reading from some place of the file on --- */

struct cursor {
    const struct tar_file *file;
    uint64_t position;
    struct archive *archive;
    char block[BLOCK_BYTES];
};

static la_ssize_t next_block(struct archive *archive, void *data, const void **bytes)
{
    struct cursor *cursor = data;
    ssize_t got;

    do
        got = pread(cursor->file->fd, cursor->block, sizeof cursor->block,
                    (off_t)cursor->position);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        archive_set_error(archive, errno, "%s", strerror(errno));
    else
        cursor->position += (uint64_t)got;
    *bytes = cursor->block;
    return got;
}

/* Not beyond the end, where an archive cut off is noticed. */
static la_int64_t skip_bytes(struct archive *archive, void *data, la_int64_t count)
{
    struct cursor *cursor = data;
    uint64_t left = cursor->file->size - cursor->position;
    (void)archive;

    if ((uint64_t)count > left)
        count = (la_int64_t)left;
    cursor->position += (uint64_t)count;
    return count;
}

static bool is_broken(const struct cursor *cursor, struct error *err)
{
    const char *reason = archive_error_string(cursor->archive);

    return error_set(err, ERROR_INVALID,
                     "'%.200s' is not a tar archive, or a broken one: %.200s",
                     cursor->file->path, reason ? reason : "unreadable");
}

static bool cursor_open(const struct tar_file *file, uint64_t position, struct cursor **out,
                        struct error *err)
{
    struct cursor *cursor = memory_new(1, sizeof *cursor);

    *out = cursor;
    cursor->file = file;
    cursor->position = position;
    cursor->archive = archive_read_new();
    archive_read_support_format_tar(cursor->archive);
    archive_read_support_format_empty(cursor->archive);
    archive_read_set_read_callback(cursor->archive, next_block);
    archive_read_set_skip_callback(cursor->archive, skip_bytes);
    archive_read_set_callback_data(cursor->archive, cursor);
    return archive_read_open1(cursor->archive) == ARCHIVE_OK || is_broken(cursor, err);
}

static void cursor_cleanup(struct cursor **variable)
{
    if (!*variable)
        return;
    archive_read_free((*variable)->archive);
    free(*variable);
}

/* --- names --- */

static bool add_parts(struct text *path, const char *name, bool may_climb, struct error *err)
{
    while (*name) {
        size_t part = strcspn(name, "/");
        if (part == 2 && memcmp(name, "..", 2) == 0) {
            if (!may_climb || path->length == 0)
                return error_set(err, ERROR_INVALID, "it leads out of the archive with '..'");
            while (path->length > 0 && path->bytes[--path->length] != '/')
                ;
            path->bytes[path->length] = '\0';
        } else if (part > 0 && !(part == 1 && *name == '.')) {
            if (path->length + part + 1 > TAR_FILE_NAME_LIMIT)
                return error_set(err, ERROR_LIMIT, "a name longer than %d bytes",
                                 TAR_FILE_NAME_LIMIT);
            if (path->length > 0)
                text_add(path, "/");
            text_add_bytes(path, name, part);
        }
        name += part + (name[part] == '/');
    }
    return true;
}

/* The tidy form of `name` seen from `folder`, a tidy name whose last part does not count (NULL:
 * from the top, which ".." may not be used for). */
static bool tidy_name(const char *folder, const char *name, char **out, struct error *err)
{
    owned(text) struct text path = {0};
    const char *slash = folder ? strrchr(folder, '/') : NULL;

    if (*name == '/')
        return error_set(err, ERROR_INVALID, "'%.200s' is an absolute name", name);
    if (slash)
        text_add_bytes(&path, folder, (size_t)(slash - folder));
    if (!add_parts(&path, name, folder != NULL, err))
        return error_wrap(err, "'%.200s'", name);
    *out = text_take(&path);
    return true;
}

/* --- going through it --- */

static bool describe_member(const struct cursor *cursor, struct archive_entry *header,
                            struct entry *out, struct error *err)
{
    const char *hard_link = archive_entry_hardlink(header);
    const char *symbolic_link = archive_entry_symlink(header);
    int64_t size = archive_entry_size(header);

    if (hard_link)
        return tidy_name(NULL, hard_link, &out->target, err);
    if (archive_entry_filetype(header) == AE_IFLNK)
        return tidy_name(out->name, symbolic_link ? symbolic_link : "", &out->target, err);
    if (archive_entry_filetype(header) != AE_IFREG)
        return error_set(err, ERROR_INVALID, "neither a file, a folder nor a link");
    if (archive_entry_sparse_count(header) > 0)
        return error_set(err, ERROR_INVALID, "a file with holes");

    int64_t offset = archive_read_header_position(cursor->archive);
    if (size < 0 || offset < 0 || (uint64_t)offset + TAR_BLOCK_BYTES > cursor->file->size ||
        (uint64_t)size > cursor->file->size - (uint64_t)offset - TAR_BLOCK_BYTES)
        return error_set(err, ERROR_INVALID, "the archive is cut off");
    out->member = (struct tar_member){(uint64_t)offset, (uint64_t)size};
    return true;
}

static void entry_release(struct entry *entry)
{
    free(entry->name);
    free(entry->target);
}

static bool add_member(struct tar_file *file, const struct cursor *cursor,
                       struct archive_entry *header, struct error *err)
{
    const char *given = archive_entry_pathname(header);
    struct entry entry = {0};

    if (!given)
        return error_set(err, ERROR_INVALID, "a name that cannot be read");
    if (!tidy_name(NULL, given, &entry.name, err))
        return false;
    if (archive_entry_filetype(header) == AE_IFDIR && !archive_entry_hardlink(header)) {
        entry_release(&entry);
        return true;
    }
    if (!describe_member(cursor, header, &entry, err)) {
        entry_release(&entry);
        return error_wrap(err, "'%.200s'", given);
    }
    if (file->count == file->capacity) {
        file->capacity = file->capacity ? 2 * file->capacity : 64;
        file->entries = memory_resize(file->entries, file->capacity, sizeof *file->entries);
    }
    file->entries[file->count++] = entry;
    return true;
}

static int by_name(const void *a, const void *b)
{
    const struct entry *one = a;
    const struct entry *other = b;

    return strcmp(one->name, other->name);
}

static bool scan(struct tar_file *file, struct error *err)
{
    __attribute__((cleanup(cursor_cleanup))) struct cursor *cursor = NULL;
    size_t seen = 0;

    if (!cursor_open(file, 0, &cursor, err))
        return false;
    for (;;) {
        struct archive_entry *header;
        int result = archive_read_next_header(cursor->archive, &header);
        if (result == ARCHIVE_EOF)
            break;
        if (result < ARCHIVE_WARN)
            return is_broken(cursor, err);
        if (seen++ == TAR_FILE_MEMBERS_LIMIT)
            return error_set(err, ERROR_LIMIT, "'%.200s' has more than %d members", file->path,
                             TAR_FILE_MEMBERS_LIMIT);
        if (!add_member(file, cursor, header, err))
            return error_wrap(err, "'%.200s'", file->path);
    }
    if (file->count > 0)
        qsort(file->entries, file->count, sizeof *file->entries, by_name);
    for (size_t i = 1; i < file->count; i++)
        if (strcmp(file->entries[i - 1].name, file->entries[i].name) == 0)
            return error_set(err, ERROR_INVALID, "'%.200s' has '%.200s' twice", file->path,
                             file->entries[i].name);
    return true;
}

/* --- the file --- */

struct fd_sink {
    struct sink sink;
    int fd;
    const char *path;
};

static bool fd_sink_write(struct sink *self, const void *bytes, size_t count, struct error *err)
{
    const struct fd_sink *out = (const struct fd_sink *)self;
    const char *left = bytes;

    while (count > 0) {
        ssize_t written = write(out->fd, left, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, "decompress '%.200s'", out->path);
        left += written;
        count -= (size_t)written;
    }
    return true;
}

static const struct sink_ops fd_sink_ops = {.write = fd_sink_write};

/* Puts the plain archive in the place of the compressed one. */
static bool decompress(struct tar_file *file, const char *folder, struct error *err)
{
    owned(memory) char *temporary = text_format("%s/archive-XXXXXX", folder);
    owned(source) struct source *packed = NULL;

    if (!file_source(file->path, &packed, err))
        return false;
    int fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
        return error_set_errno(err, "write in '%.200s'", folder);
    unlink(temporary);
    close(file->fd);
    file->fd = fd;
    packed = decompress_source(take(&packed), (uint64_t)TAR_FILE_GIB_LIMIT << 30);
    struct fd_sink plain = {.sink.ops = &fd_sink_ops, .fd = fd, .path = file->path};
    return stream_copy(packed, &plain.sink, err) || error_wrap(err, "'%.200s'", file->path);
}

static bool open_plain(struct tar_file *file, const char *folder, struct error *err)
{
    unsigned char magic[COMPRESSION_MAGIC_BYTES];
    struct stat status;

    file->fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file->fd < 0) {
        bool missing = errno == ENOENT || errno == ENOTDIR;
        error_set_errno(err, "open '%.200s'", file->path);
        err->kind = missing ? ERROR_NOT_FOUND : ERROR_SYSTEM;
        return false;
    }
    if (fstat(file->fd, &status) != 0 || !S_ISREG(status.st_mode))
        return error_set(err, ERROR_INVALID, "'%.200s' is not a regular file", file->path);
    ssize_t got = pread(file->fd, magic, sizeof magic, 0);
    if (got > 0 && compression_guess(magic, (size_t)got) != COMPRESSION_NONE &&
        !decompress(file, folder, err))
        return false;
    if (fstat(file->fd, &status) != 0)
        return error_set_errno(err, "read '%.200s'", file->path);
    file->size = (uint64_t)status.st_size;
    return true;
}

bool tar_file_open(const char *path, const char *folder, struct tar_file **out,
                   struct error *err)
{
    owned(tar_file) struct tar_file *file = memory_new(1, sizeof *file);

    file->path = memory_copy_string(path);
    if (!open_plain(file, folder, err) || !scan(file, err))
        return false;
    *out = take(&file);
    return true;
}

void tar_file_free(struct tar_file *file)
{
    if (!file)
        return;
    if (file->fd >= 0)
        close(file->fd);
    for (size_t i = 0; i < file->count; i++)
        entry_release(&file->entries[i]);
    free(file->entries);
    free(file->path);
    free(file);
}

const char *tar_file_path(const struct tar_file *file)
{
    return file->path;
}

/* --- members --- */

bool tar_file_find(const struct tar_file *file, const char *name, struct tar_member *out,
                   struct error *err)
{
    owned(memory) char *tidy = NULL;

    if (!tidy_name(NULL, name, &tidy, err))
        return error_wrap(err, "'%.200s'", file->path);
    struct entry wanted = {.name = tidy};
    for (int links = 0; links <= TAR_FILE_LINKS_LIMIT; links++) {
        const struct entry *found =
            file->count == 0
                ? NULL
                : bsearch(&wanted, file->entries, file->count, sizeof *file->entries, by_name);
        if (!found)
            return error_set(err, ERROR_NOT_FOUND, "no '%.200s' in '%.200s'", name, file->path);
        if (!found->target) {
            *out = found->member;
            return true;
        }
        wanted.name = found->target;
    }
    return error_set(err, ERROR_INVALID, "'%.200s' in '%.200s': more than %d links", name,
                     file->path, TAR_FILE_LINKS_LIMIT);
}

struct member_source {
    struct source source;
    struct cursor *cursor;
};

static bool member_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                        struct error *err)
{
    const struct member_source *member = (const struct member_source *)self;
    la_ssize_t got = archive_read_data(member->cursor->archive, bytes, capacity);

    if (got < 0)
        return is_broken(member->cursor, err);
    *count = (size_t)got;
    return true;
}

static void member_free(struct source *self)
{
    struct member_source *member = (struct member_source *)self;

    cursor_cleanup(&member->cursor);
    free(member);
}

static const struct source_ops member_ops = {.read = member_read, .free = member_free};

/* Started at the member's header, so that libarchive finds its content as it did before. */
bool tar_file_source(const struct tar_file *file, const struct tar_member *member,
                     struct source **out, struct error *err)
{
    __attribute__((cleanup(cursor_cleanup))) struct cursor *cursor = NULL;
    struct archive_entry *header;

    if (!cursor_open(file, member->offset, &cursor, err))
        return false;
    int result = archive_read_next_header(cursor->archive, &header);
    if (result == ARCHIVE_EOF || result < ARCHIVE_WARN)
        return is_broken(cursor, err);
    struct member_source *source = memory_new(1, sizeof *source);
    source->source.ops = &member_ops;
    source->cursor = take(&cursor);
    *out = &source->source;
    return true;
}

bool tar_file_read(const struct tar_file *file, const char *name, size_t limit, char **bytes,
                   size_t *count, struct error *err)
{
    owned(source) struct source *source = NULL;
    struct tar_member member;

    if (!tar_file_find(file, name, &member, err) ||
        !tar_file_source(file, &member, &source, err))
        return false;
    owned(sink) struct sink *sink = memory_sink(limit, bytes, count);
    if (!stream_copy(source, sink, err) || !sink_finish(take(&sink), err))
        return error_wrap(err, "'%.200s' in '%.200s'", name, file->path);
    return true;
}
