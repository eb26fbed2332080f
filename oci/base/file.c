/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FOLDER_DEPTH = 256 };

struct file_source {
    struct source source;
    char *path;
    int fd;
};

static bool file_source_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                             struct error *err)
{
    struct file_source *file = (struct file_source *)self;
    ssize_t got;

    do
        got = read(file->fd, bytes, capacity);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return error_set_errno(err, "read '%.200s'", file->path);
    *count = (size_t)got;
    return true;
}

static void file_source_free(struct source *self)
{
    struct file_source *file = (struct file_source *)self;

    close(file->fd);
    free(file->path);
    free(file);
}

static const struct source_ops file_source_ops = {
    .read = file_source_read,
    .free = file_source_free,
};

static bool cannot_open(const char *path, struct error *err)
{
    int reason = errno;

    error_set_errno(err, "open '%.200s'", path);
    if (reason == ENOENT || reason == ENOTDIR)
        err->kind = ERROR_NOT_FOUND;
    return false;
}

static bool open_regular(const char *path, int *out, struct stat *status, struct error *err)
{
    /* Not waiting for a writer should the name be a pipe's. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return cannot_open(path, err);
    if (fstat(fd, status) != 0 || !S_ISREG(status->st_mode)) {
        close(fd);
        return error_set(err, ERROR_INVALID, "'%.200s' is not a regular file", path);
    }
    *out = fd;
    return true;
}

bool file_size(const char *path, uint64_t *size, struct error *err)
{
    struct stat status;
    int fd;

    if (!open_regular(path, &fd, &status, err))
        return false;
    close(fd);
    *size = (uint64_t)status.st_size;
    return true;
}

bool file_source(const char *path, struct source **out, struct error *err)
{
    struct stat status;
    int fd;

    if (!open_regular(path, &fd, &status, err))
        return false;

    struct file_source *file = memory_new(1, sizeof *file);
    file->source.ops = &file_source_ops;
    file->path = memory_copy_string(path);
    file->fd = fd;
    *out = &file->source;
    return true;
}

bool file_read(const char *path, size_t limit, char **bytes, size_t *count, struct error *err)
{
    owned(source) struct source *source = NULL;
    owned(text) struct text content = {0};
    char buffer[16 * 1024];

    if (!file_source(path, &source, err))
        return false;
    for (;;) {
        size_t got;
        if (!source_read(source, buffer, sizeof buffer, &got, err))
            return false;
        if (got == 0)
            break;
        if (got > limit - content.length)
            return error_set(err, ERROR_LIMIT, "'%.200s' is larger than %zu bytes", path,
                             limit);
        text_add_bytes(&content, buffer, got);
    }
    *count = content.length;
    *bytes = text_take(&content);
    return true;
}

struct file_sink {
    struct sink sink;
    char *folder;
    char *temporary; /* NULL while it has no name, and once it has its own */
    int fd;
    char *(*place)(void *context);
    void *context;
};

static bool file_sink_write(struct sink *self, const void *bytes, size_t count,
                            struct error *err)
{
    struct file_sink *file = (struct file_sink *)self;
    const char *left = bytes;

    while (count > 0) {
        ssize_t written = write(file->fd, left, count);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return error_set_errno(err, "write in '%.200s'", file->folder);
        left += written;
        count -= (size_t)written;
    }
    return true;
}

/* False with errno. */
static bool give_name(const struct file_sink *file, const char *path)
{
    owned(memory) char *nameless = text_format("/proc/self/fd/%d", file->fd);

    return linkat(AT_FDCWD, nameless, AT_FDCWD, path, AT_SYMLINK_FOLLOW) == 0;
}

/* A name that is only there to be renamed: giving one replaces nothing. */
static bool give_temporary_name(struct file_sink *file)
{
    for (unsigned int number = 0;; number++) {
        owned(memory) char *name =
            text_format("%s/.new-%ld-%u", file->folder, (long)getpid(), number);
        if (give_name(file, name)) {
            file->temporary = take(&name);
            return true;
        }
        if (errno != EEXIST)
            return false;
    }
}

static bool close_file(struct file_sink *file)
{
    int fd = file->fd;

    file->fd = -1;
    return close(fd) == 0;
}

static bool file_sink_finish(struct sink *self, struct error *err)
{
    struct file_sink *file = (struct file_sink *)self;
    owned(memory) char *path = file->place(file->context);
    bool is_new = !file->temporary && give_name(file, path);

    if (!is_new && !file->temporary && (errno != EEXIST || !give_temporary_name(file)))
        return error_set_errno(err, "make '%.200s'", path);
    if (!close_file(file)) {
        error_set_errno(err, "write '%.200s'", path);
        if (is_new)
            unlink(path);
        return false;
    }
    if (!is_new && rename(file->temporary, path) != 0)
        return error_set_errno(err, "make '%.200s'", path);
    free(take(&file->temporary));
    return true;
}

static void file_sink_free(struct sink *self)
{
    struct file_sink *file = (struct file_sink *)self;

    if (file->fd >= 0)
        close(file->fd);
    if (file->temporary)
        unlink(file->temporary);
    free(file->temporary);
    free(file->folder);
    free(file);
}

static const struct sink_ops file_sink_ops = {
    .write = file_sink_write,
    .finish = file_sink_finish,
    .free = file_sink_free,
};

/* A file without a name leaves no trace, even of a program that is killed. Not every file
 * system has them, and without /proc they cannot get a name. */
static int open_nameless(const char *folder)
{
    if (!file_exists("/proc/self/fd"))
        return -1;
    return open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
}

static bool open_temporary(struct file_sink *file)
{
    file->fd = open_nameless(file->folder);
    if (file->fd >= 0)
        return true;
    owned(memory) char *name = text_format("%s/.new-XXXXXX", file->folder);
    file->fd = mkostemp(name, O_CLOEXEC);
    if (file->fd >= 0)
        file->temporary = take(&name);
    return file->fd >= 0;
}

bool file_sink(const char *folder, mode_t mode, char *(*place)(void *context), void *context,
               struct sink **out, struct error *err)
{
    struct file_sink *file = memory_new(1, sizeof *file);

    file->sink.ops = &file_sink_ops;
    file->folder = memory_copy_string(folder);
    if (!open_temporary(file) || fchmod(file->fd, mode) != 0) {
        error_set_errno(err, "write in '%.200s'", folder);
        file_sink_free(&file->sink);
        return false;
    }
    file->place = place;
    file->context = context;
    *out = &file->sink;
    return true;
}

static char *copy_place(void *context)
{
    return memory_copy_string(context);
}

bool file_write(const char *path, mode_t mode, const void *bytes, size_t count,
                struct error *err)
{
    const char *slash = strrchr(path, '/');
    owned(memory) char *folder =
        slash ? text_format("%.*s", (int)(slash - path + 1), path) : memory_copy_string(".");
    owned(sink) struct sink *sink = NULL;

    return file_sink(folder, mode, copy_place, (void *)path, &sink, err) &&
           sink_write(sink, bytes, count, err) && sink_finish(take(&sink), err);
}

bool file_exists(const char *path)
{
    struct stat status;

    return lstat(path, &status) == 0;
}

static bool make_folders(const char *path, mode_t last_mode, struct error *err)
{
    owned(memory) char *part = memory_copy_string(path);

    for (char *at = *part ? part + 1 : part;; at++) {
        if (*at != '/' && *at != '\0')
            continue;
        bool is_last = at[strspn(at, "/")] == '\0';
        char end = *at;
        *at = '\0';
        struct stat status;
        if (mkdir(part, is_last ? last_mode : 0777) != 0 &&
            !(errno == EEXIST && stat(part, &status) == 0 && S_ISDIR(status.st_mode)))
            return error_set_errno(err, "make folder '%.200s'", part);
        if (end == '\0')
            return true;
        *at = end;
    }
}

bool folder_make(const char *path, struct error *err)
{
    return make_folders(path, 0777, err);
}

bool folder_make_private(const char *path, struct error *err)
{
    return make_folders(path, 0700, err);
}

bool folder_make_temporary(const char *parent, const char *prefix, char **path,
                           struct error *err)
{
    owned(memory) char *made = text_format("%s/%sXXXXXX", parent, prefix);

    if (!mkdtemp(made))
        return error_set_errno(err, "make a folder in '%.200s'", parent);
    *path = take(&made);
    return true;
}

static int remove_folder_at(int parent, const char *name, int depth);

/* Removes what is in the folder open at `fd`, which is closed. The first errno, or 0. */
static int empty_folder(int fd, int depth)
{
    DIR *folder = depth < FOLDER_DEPTH ? fdopendir(fd) : NULL;
    if (!folder) {
        close(fd);
        return ENAMETOOLONG;
    }

    int reason = 0;
    const struct dirent *entry;
    while ((entry = readdir(folder))) {
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        int failed = unlinkat(fd, name, 0) == 0 ? 0 : errno;
        if (failed == EISDIR)
            failed = remove_folder_at(fd, name, depth + 1);
        reason = reason ? reason : failed;
    }
    closedir(folder);
    return reason;
}

/* The first errno, or 0. `name` is a folder; that it is no link is checked again. */
static int remove_folder_at(int parent, const char *name, int depth)
{
    fchmodat(parent, name, 0700, 0); /* an image's folder may forbid its owner */
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    int reason = fd < 0 ? errno : empty_folder(fd, depth);

    if (reason == 0 && unlinkat(parent, name, AT_REMOVEDIR) != 0)
        reason = errno;
    return reason;
}

bool folder_remove(const char *path, struct error *err)
{
    struct stat status;

    if (lstat(path, &status) != 0)
        return errno == ENOENT || error_set_errno(err, "remove '%.200s'", path);
    errno = S_ISDIR(status.st_mode) ? remove_folder_at(AT_FDCWD, path, 0) : ENOTDIR;
    return errno == 0 || error_set_errno(err, "remove '%.200s'", path);
}
