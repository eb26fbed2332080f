/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"

bool scratch_make(char **path, struct error *err)
{
    return folder_make_temporary("/tmp", "tmp", path, err) ||
           error_wrap(err, "every function needs a /tmp it can write to");
}

static DIR *open_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;

    if (!folder && fd >= 0)
        close(fd);
    return folder;
}

/* The next entry that is not the folder itself or the one above. */
static const char *next_name(DIR *folder)
{
    const struct dirent *entry;

    do
        entry = readdir(folder);
    while (entry && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0));
    return entry ? entry->d_name : NULL;
}

/* Moves a folder to the top under a name that is free there. */
static bool move_up(int from, const char *name, int top, unsigned long *number)
{
    char free_name[32];

    do
        snprintf(free_name, sizeof free_name, "%lu", (*number)++);
    while (renameat(from, name, top, free_name) != 0 &&
           (errno == EEXIST || errno == ENOTEMPTY || errno == ENOTDIR));
    return faccessat(from, name, F_OK, AT_SYMLINK_NOFOLLOW) != 0;
}

/* Removes a folder of the top whose inner folders, one level down, become the top's. */
static bool flatten(int top, const char *name, unsigned long *number)
{
    fchmodat(top, name, 0700, 0);
    DIR *folder = open_folder(top, name);
    if (!folder)
        return false;

    bool emptied = true;
    int fd = dirfd(folder);
    const char *inner;
    while ((inner = next_name(folder))) {
        if (unlinkat(fd, inner, 0) == 0)
            continue;
        fchmodat(fd, inner, 0700, 0); /* or its ".." cannot be changed */
        emptied = move_up(fd, inner, top, number) && emptied;
    }
    closedir(folder);
    return unlinkat(top, name, AT_REMOVEDIR) == 0 && emptied;
}

/* Depth costs neither stack nor open files: a tree is taken apart from above. `*found` when
 * there was anything. */
static bool take_apart(const char *path, unsigned long *number, bool *found)
{
    DIR *folder = open_folder(AT_FDCWD, path);
    if (!folder)
        return false;

    bool removed = true;
    const char *name;
    while (removed && (name = next_name(folder))) {
        *found = true;
        removed = unlinkat(dirfd(folder), name, 0) == 0 || flatten(dirfd(folder), name, number);
    }
    closedir(folder);
    return removed;
}

bool scratch_remove(const char *path, struct error *err)
{
    unsigned long number = 0;

    /* Most often there is nothing in it, or one file. */
    while (path && rmdir(path) != 0) {
        bool found = false;
        /* The program may have removed it, or put something else in its place. */
        if (errno == ENOENT || (errno == ENOTDIR && unlink(path) == 0))
            return true;
        if (errno != ENOTEMPTY && errno != EEXIST)
            return error_set_errno(err, "remove '%.200s'", path);
        chmod(path, 0700);
        if (!take_apart(path, &number, &found) || !found)
            return error_set_errno(err, "empty '%.200s'", path);
    }
    return true;
}

bool scratch_write(const char *path, const void *bytes, size_t count, struct error *err)
{
    const char *rest = bytes;
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    ssize_t done = 0;

    for (size_t left = count; fd >= 0 && left > 0; left -= (size_t)done, rest += done) {
        done = write(fd, rest, left);
        if (done < 0 && errno == EINTR)
            done = 0;
        if (done < 0)
            break;
    }
    bool written = fd >= 0 && done >= 0;
    if (!written)
        error_set_errno(err, "write '%.200s'", path);
    if (fd >= 0)
        close(fd);
    return written;
}
