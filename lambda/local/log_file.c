/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/log_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0) {
            bytes += written;
            count -= (size_t)written;
        }
    }
    return true;
}

/* Nobody else's lines shall come between these. */
static bool add(int fd, const char *log)
{
    struct stat status;

    return flock(fd, LOCK_EX) == 0 && fstat(fd, &status) == 0 &&
           (status.st_size < LOG_FILE_LIMIT || ftruncate(fd, 0) == 0) &&
           write_all(fd, log, strlen(log));
}

bool log_file_add(const char *path, const char *log, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set_errno(err, "open '%.200s'", path);

    bool added = add(fd, log) || error_set_errno(err, "write '%.200s'", path);
    close(fd);
    return added;
}
