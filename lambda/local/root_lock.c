/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/root_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* It may have been taken away before it was locked. */
static bool is_still_at(const char *path, int folder)
{
    struct stat opened, found;

    return fstat(folder, &opened) == 0 && lstat(path, &found) == 0 &&
           opened.st_dev == found.st_dev && opened.st_ino == found.st_ino;
}

bool root_lock_share(const char *path, int *lock)
{
    int folder = open_folder(path);

    if (folder < 0)
        return false;
    if (flock(folder, LOCK_SH | LOCK_NB) == 0 && is_still_at(path, folder)) {
        *lock = folder;
        return true;
    }
    int reason = errno;
    close(folder);
    errno = reason;
    return false;
}

bool root_lock_take(const char *path, int *lock)
{
    int folder = open_folder(path);

    if (folder >= 0 && flock(folder, LOCK_EX | LOCK_NB) != 0) {
        close(folder);
        return false;
    }
    *lock = folder;
    return true;
}
