/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/unpack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <locale.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "layers/inode_set.h"
#include "oci/base/memory.h"

enum {
    BLOCK_BYTES = 64 * 1024,
    RESOLVE_TRIES = 100,
    REMOVE_DEPTH = 2 * UNPACK_DEPTH_LIMIT,
};

#define WHITEOUT ".wh."
#define OPAQUE ".wh..wh..opq"

struct unpacking {
    int root;
    struct source *layer;
    struct archive *archive;
    struct inode_set own; /* made or kept by this layer: whiteouts are for those below */
    struct unpacked *so_far;
    struct error *err; /* where next_block() reports */
    bool source_failed;
    const char *wanted; /* unpack_file()'s path and limit, and what it has found */
    size_t limit;
    char *bytes;
    size_t count;
    char block[BLOCK_BYTES];
};

static inline void fd_cleanup(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* Opens a folder of the image, following its links as if the image's root were "/". */
static int open_inside(int root, const char *path)
{
    struct open_how how = {
        .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC,
        .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
    };
    int fd;

    /* The kernel gives up on a ".." when anything is renamed meanwhile, anywhere. */
    for (int tries = 0; tries < RESOLVE_TRIES; tries++) {
        fd = (int)syscall(SYS_openat2, root, *path ? path : ".", &how, sizeof how);
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR))
            break;
    }
    return fd;
}

/* Tidies a name of the archive into "a/b/c"; "" is the root itself. */
static bool tidy_path(const char *name, char path[PATH_MAX], struct error *err)
{
    size_t length = 0;
    int depth = 0;

    while (*name) {
        size_t part = strcspn(name, "/");
        if (part == 2 && memcmp(name, "..", 2) == 0)
            return error_set(err, ERROR_INVALID, "the name climbs with '..'");
        bool counts = part > 0 && !(part == 1 && *name == '.');
        if (counts && (length + part + 2 > PATH_MAX || part > NAME_MAX))
            return error_set(err, ERROR_LIMIT, "the name is too long");
        if (counts && ++depth > UNPACK_DEPTH_LIMIT)
            return error_set(err, ERROR_LIMIT, "more than %d folders deep", UNPACK_DEPTH_LIMIT);
        if (counts) {
            if (length > 0)
                path[length++] = '/';
            memcpy(path + length, name, part);
            length += part;
        }
        name += part + (name[part] == '/');
    }
    path[length] = '\0';
    return true;
}

/* Notes that this layer has put `name` here. */
static void note_own(struct unpacking *unpacking, int folder, const char *name)
{
    struct stat status;

    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        inode_set_add(&unpacking->own, status.st_ino);
}

/* Opens the folder `path`, making what is missing of it. */
static int open_parent(struct unpacking *unpacking, char *path)
{
    int folder = open_inside(unpacking->root, path);
    if (folder >= 0 || errno != ENOENT || !*path)
        return folder;

    char *slash = strrchr(path, '/');
    const char *name = slash ? slash + 1 : path;
    char name_copy[NAME_MAX + 1];
    strcpy(name_copy, name); /* tidy_path() has measured it */
    if (slash)
        *slash = '\0';
    owned(fd) int above =
        slash ? open_parent(unpacking, path) : open_inside(unpacking->root, "");
    if (slash)
        *slash = '/';
    if (above < 0 || mkdirat(above, name_copy, 0755) != 0)
        return -1;
    note_own(unpacking, above, name_copy);
    return open_inside(unpacking->root, path);
}

/* Splits a tidy path and opens its folder. `*name` points into `path`. */
static bool find_place(struct unpacking *unpacking, char path[PATH_MAX], int *folder,
                       const char **name, struct error *err)
{
    char *slash = strrchr(path, '/');
    char none[] = "";

    if (slash)
        *slash = '\0';
    *name = slash ? slash + 1 : path;
    *folder = open_parent(unpacking, slash ? path : none);
    if (*folder >= 0)
        return true;
    int reason = errno;
    if (reason == ENOSYS)
        return error_set(err, ERROR_SYSTEM, "unpacking needs Linux 5.6 or newer (openat2)");
    error_set_errno(err, "open its folder '%.200s'", slash ? path : "/");
    if (reason == EEXIST || reason == ENOTDIR || reason == ELOOP)
        err->kind = ERROR_INVALID;
    return false;
}

/* Removes `name` and what is in it, but with `keep_own` nothing that this layer has put
 * there. Missing is fine. */
static bool remove_tree(struct unpacking *unpacking, int folder, const char *name,
                        bool keep_own, int depth)
{
    struct stat status;
    if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT;

    bool keep = keep_own && inode_set_has(&unpacking->own, status.st_ino);
    if (!S_ISDIR(status.st_mode))
        return keep || unlinkat(folder, name, 0) == 0;

    if (depth >= REMOVE_DEPTH) {
        errno = ELOOP;
        return false;
    }
    int fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *inside = fd >= 0 ? fdopendir(fd) : NULL;
    if (!inside)
        return false;
    bool removed = true;
    for (const struct dirent *entry; removed && (entry = readdir(inside));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            removed = remove_tree(unpacking, fd, entry->d_name, keep_own, depth + 1);
    closedir(inside);
    if (!removed || keep)
        return removed;
    return unlinkat(folder, name, AT_REMOVEDIR) == 0 || (keep_own && errno == ENOTEMPTY);
}

static bool apply_opaque(struct unpacking *unpacking, int folder, struct error *err)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *inside = fd >= 0 ? fdopendir(fd) : NULL;
    if (!inside)
        return error_set_errno(err, "read the folder");

    bool removed = true;
    for (const struct dirent *entry; removed && (entry = readdir(inside));)
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            removed = remove_tree(unpacking, fd, entry->d_name, true, 0);
    if (!removed)
        error_set_errno(err, "hide what the folder had");
    closedir(inside);
    return removed;
}

static bool apply_whiteout(struct unpacking *unpacking, int folder, const char *name,
                           struct error *err)
{
    const char *hidden = name + strlen(WHITEOUT);

    if (strcmp(name, OPAQUE) == 0)
        return apply_opaque(unpacking, folder, err);
    if (strncmp(hidden, WHITEOUT, strlen(WHITEOUT)) == 0)
        return true; /* a union file system's own notes */
    if (!*hidden || strcmp(hidden, ".") == 0 || strcmp(hidden, "..") == 0)
        return error_set(err, ERROR_INVALID, "hides no name that can be");
    if (!remove_tree(unpacking, folder, hidden, true, 0))
        return error_set_errno(err, "hide it");
    return true;
}

static bool archive_is_broken(struct unpacking *unpacking, struct error *err)
{
    if (unpacking->source_failed)
        return false; /* what the source said is better than libarchive's echo of it */
    const char *reason = archive_error_string(unpacking->archive);
    return error_set(err, ERROR_INVALID, "broken tar: %.200s", reason ? reason : "unreadable");
}

static bool write_at(int fd, const char *bytes, size_t count, off_t offset)
{
    while (count > 0) {
        ssize_t written = pwrite(fd, bytes, count, offset);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return false;
        bytes += written;
        count -= (size_t)written;
        offset += written;
    }
    return true;
}

static bool write_content(struct unpacking *unpacking, int fd, int64_t size, struct error *err)
{
    for (;;) {
        const void *bytes;
        size_t count;
        la_int64_t offset;
        int result = archive_read_data_block(unpacking->archive, &bytes, &count, &offset);

        if (result == ARCHIVE_EOF)
            break;
        if (result < ARCHIVE_WARN)
            return archive_is_broken(unpacking, err);
        if (offset < 0 || offset > size || count > (uint64_t)(size - offset))
            return error_set(err, ERROR_INVALID, "longer than its header says");
        if (!write_at(fd, bytes, count, offset))
            return error_set_errno(err, "write");
    }
    /* A hole at the end has no block. */
    return ftruncate(fd, size) == 0 || error_set_errno(err, "write");
}

static bool make_file(struct unpacking *unpacking, struct archive_entry *entry, int folder,
                      const char *name, struct error *err)
{
    owned(fd) int fd =
        openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, "make the file");
    if (!write_content(unpacking, fd, archive_entry_size(entry), err))
        return false;

    /* Times count: Python tells by them whether its compiled files are current. */
    struct timespec times[2] = {
        {.tv_nsec = UTIME_OMIT},
        {.tv_sec = archive_entry_mtime(entry), .tv_nsec = archive_entry_mtime_nsec(entry)},
    };
    if (fchmod(fd, (archive_entry_perm(entry) & 0777) | 0600) != 0 || futimens(fd, times) != 0)
        return error_set_errno(err, "make the file");
    return true;
}

static bool make_folder(struct archive_entry *entry, int folder, const char *name,
                        struct error *err)
{
    mode_t mode = (archive_entry_perm(entry) & 01777) | 0700;

    if (mkdirat(folder, name, 0700) != 0 && errno != EEXIST)
        return error_set_errno(err, "make the folder");
    return fchmodat(folder, name, mode, 0) == 0 || error_set_errno(err, "make the folder");
}

static bool make_hard_link(struct unpacking *unpacking, const char *target, int folder,
                           const char *name, struct error *err)
{
    char path[PATH_MAX];
    if (!tidy_path(target, path, err))
        return error_wrap(err, "linked to '%.200s'", target);

    char *slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    owned(fd) int from = open_inside(unpacking->root, slash ? path : "");
    if (from >= 0 && linkat(from, slash ? slash + 1 : path, folder, name, 0) == 0)
        return true;
    int reason = errno;
    error_set_errno(err, "linked to '%.200s'", target);
    if (reason == ENOENT || reason == EPERM || reason == ENOTDIR)
        err->kind = ERROR_INVALID;
    return false;
}

/* Makes what the entry describes, in the place of whatever was there. */
static bool make_entry(struct unpacking *unpacking, struct archive_entry *entry, int folder,
                       const char *name, struct error *err)
{
    const char *hard_link = archive_entry_hardlink(entry);
    const char *target = archive_entry_symlink(entry);
    mode_t type = archive_entry_filetype(entry);

    if (!hard_link && type != AE_IFREG && type != AE_IFDIR && type != AE_IFLNK)
        return true; /* devices and the like are not for ordinary users */

    struct stat there;
    bool is_folder = fstatat(folder, name, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
                     S_ISDIR(there.st_mode) && type == AE_IFDIR && !hard_link;
    if (!is_folder && !remove_tree(unpacking, folder, name, false, 0))
        return error_set_errno(err, "replace what was there");

    bool made;
    if (hard_link)
        made = make_hard_link(unpacking, hard_link, folder, name, err);
    else if (type == AE_IFDIR)
        made = make_folder(entry, folder, name, err);
    else if (type == AE_IFREG)
        made = make_file(unpacking, entry, folder, name, err);
    else if (!target || !*target)
        return error_set(err, ERROR_INVALID, "a symbolic link to nothing");
    else
        made = symlinkat(target, folder, name) == 0 || error_set_errno(err, "make the link");
    if (made)
        note_own(unpacking, folder, name);
    return made;
}

/* Whatever the entry is: content that nobody wants must be decompressed, too. */
static bool count_entry(struct unpacked *so_far, struct archive_entry *entry, struct error *err)
{
    uint64_t limit = (uint64_t)UNPACK_MIB_LIMIT << 20;
    int64_t size = archive_entry_size(entry);

    if (size < 0 || (uint64_t)size > limit || so_far->bytes > limit - (uint64_t)size)
        return error_set(err, ERROR_LIMIT, "the image unpacks to more than %d MiB",
                         UNPACK_MIB_LIMIT);
    if (so_far->entries >= UNPACK_ENTRIES_LIMIT)
        return error_set(err, ERROR_LIMIT, "the image has more than %d entries",
                         UNPACK_ENTRIES_LIMIT);
    so_far->bytes += (uint64_t)size;
    so_far->entries++;
    return true;
}

static bool apply_entry(struct unpacking *unpacking, struct archive_entry *entry,
                        struct error *err)
{
    char path[PATH_MAX];
    const char *given = archive_entry_pathname(entry);
    if (!given)
        return error_set(err, ERROR_INVALID, "an entry without a name");
    if (!count_entry(unpacking->so_far, entry, err) || !tidy_path(given, path, err))
        return error_wrap(err, "entry '%.200s'", given);
    if (!*path)
        return true;

    owned(fd) int folder = -1;
    const char *name;
    bool done = find_place(unpacking, path, &folder, &name, err) &&
                (strncmp(name, WHITEOUT, strlen(WHITEOUT)) == 0
                     ? apply_whiteout(unpacking, folder, name, err)
                     : make_entry(unpacking, entry, folder, name, err));
    return done || error_wrap(err, "entry '%.200s'", given);
}

static la_ssize_t next_block(struct archive *archive, void *data, const void **bytes)
{
    struct unpacking *unpacking = data;
    size_t count;

    *bytes = unpacking->block;
    if (source_read(unpacking->layer, unpacking->block, sizeof unpacking->block, &count,
                    unpacking->err))
        return (la_ssize_t)count;
    unpacking->source_failed = true;
    archive_set_error(archive, EIO, "cannot read it");
    return -1;
}

/* An archive ends before its bytes do, and only at their end is the digest checked. */
static bool read_the_rest(struct unpacking *unpacking, struct error *err)
{
    size_t count;

    do {
        if (!source_read(unpacking->layer, unpacking->block, sizeof unpacking->block, &count,
                         err))
            return false;
    } while (count > 0);
    return true;
}

/* NULL after the last one, once the layer is known to be whole. */
static bool next_entry(struct unpacking *unpacking, struct archive_entry **out,
                       struct error *err)
{
    int result = archive_read_next_header(unpacking->archive, out);

    if (result < ARCHIVE_WARN)
        return archive_is_broken(unpacking, err);
    if (result != ARCHIVE_EOF)
        return true;
    *out = NULL;
    return read_the_rest(unpacking, err);
}

static bool apply_all(struct unpacking *unpacking, struct error *err)
{
    for (;;) {
        struct archive_entry *entry;
        if (!next_entry(unpacking, &entry, err))
            return false;
        if (!entry)
            return true;
        if (!apply_entry(unpacking, entry, err))
            return false;
    }
}

/* Opens the archive and has it walked. */
static bool walk_archive(struct source *layer, struct unpacking *unpacking,
                         bool (*walk)(struct unpacking *unpacking, struct error *err),
                         struct error *err)
{
    struct archive *archive = archive_read_new();

    unpacking->layer = layer;
    unpacking->err = err;
    unpacking->archive = archive;
    archive_read_support_format_tar(archive);
    archive_read_support_filter_gzip(archive);
    archive_read_support_filter_zstd(archive);

    /* Names are bytes: in a UTF-8 locale libarchive 3.6 composes their accents. */
    locale_t plain = newlocale(LC_CTYPE_MASK, "C", NULL);
    locale_t before = uselocale(plain);
    bool opened = archive_read_open(archive, unpacking, NULL, next_block, NULL) == ARCHIVE_OK;
    bool walked = opened ? walk(unpacking, err) : archive_is_broken(unpacking, err);
    archive_read_free(archive);
    uselocale(before);
    freelocale(plain);
    return walked;
}

bool unpack_layer(struct source *layer, const char *root, struct unpacked *so_far,
                  struct error *err)
{
    owned(fd) int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, "open '%.200s'", root);

    owned(memory) struct unpacking *unpacking = memory_new(1, sizeof *unpacking);
    unpacking->root = folder;
    unpacking->so_far = so_far;
    bool applied = walk_archive(layer, unpacking, apply_all, err);
    inode_set_release(&unpacking->own);
    return applied;
}

/* Whether the entry is the file that is looked for. */
static bool is_wanted(const struct unpacking *unpacking, struct archive_entry *entry)
{
    char path[PATH_MAX];
    struct error ignored;
    const char *given = archive_entry_pathname(entry);

    return given && archive_entry_filetype(entry) == AE_IFREG &&
           tidy_path(given, path, &ignored) && strcmp(path, unpacking->wanted) == 0;
}

static bool read_wanted(struct unpacking *unpacking, struct archive_entry *entry,
                        struct error *err)
{
    int64_t size = archive_entry_size(entry);

    if (size < 0 || (uint64_t)size > unpacking->limit)
        return error_set(err, ERROR_LIMIT, "'%.200s' is larger than %zu bytes",
                         unpacking->wanted, unpacking->limit);
    free(unpacking->bytes); /* of an earlier entry of that name */
    unpacking->bytes = memory_new((size_t)size + 1, 1);
    unpacking->count = (size_t)size;
    if (archive_read_data(unpacking->archive, unpacking->bytes, (size_t)size) != size)
        return archive_is_broken(unpacking, err);
    return true;
}

static bool find_wanted(struct unpacking *unpacking, struct error *err)
{
    for (;;) {
        struct archive_entry *entry;
        if (!next_entry(unpacking, &entry, err))
            return false;
        if (!entry)
            return true;
        if (!count_entry(unpacking->so_far, entry, err))
            return false;
        if (is_wanted(unpacking, entry) && !read_wanted(unpacking, entry, err))
            return false;
    }
}

bool unpack_file(struct source *layer, const char *path, size_t limit, char **bytes,
                 size_t *count, struct error *err)
{
    struct unpacked so_far = {0};
    owned(memory) struct unpacking *unpacking = memory_new(1, sizeof *unpacking);

    unpacking->so_far = &so_far;
    unpacking->wanted = path;
    unpacking->limit = limit;
    bool walked = walk_archive(layer, unpacking, find_wanted, err);
    owned(memory) char *found = unpacking->bytes;
    if (!walked)
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, "there is no file '%.200s' in it", path);
    *bytes = take(&found);
    *count = unpacking->count;
    return true;
}
