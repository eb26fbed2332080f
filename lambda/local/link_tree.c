/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/link_tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/memory.h"

enum { DEPTH_LIMIT = 1000 }; /* of folders: above what unpacking makes */

static inline void folder_handle_cleanup(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

static bool fill(DIR *from, int to, mode_t mask, int depth);

/* The folder is writable while it is filled, whatever it may be afterwards. */
static bool link_folder(int from, int to, const char *name, mode_t mask, int depth)
{
    const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int source = openat(from, name, flags);
    owned(folder_handle) DIR *folder = source >= 0 ? fdopendir(source) : NULL;
    struct stat status;

    if (!folder || fstat(source, &status) != 0 || mkdirat(to, name, 0700) != 0)
        return false;
    int made = openat(to, name, flags);
    bool filled = made >= 0 && fill(folder, made, mask, depth + 1) &&
                  fchmod(made, status.st_mode & mask) == 0;
    int reason = errno;
    close(made);
    errno = reason;
    return filled;
}

static bool is_folder(int at, const struct dirent *entry)
{
    struct stat status;

    if (entry->d_type != DT_UNKNOWN)
        return entry->d_type == DT_DIR;
    return fstatat(at, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
           S_ISDIR(status.st_mode);
}

static bool fill(DIR *from, int to, mode_t mask, int depth)
{
    bool filled = true;

    if (depth > DEPTH_LIMIT) {
        errno = ELOOP;
        return false;
    }
    for (const struct dirent *entry; filled && (entry = readdir(from));) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        filled = is_folder(dirfd(from), entry)
                     ? link_folder(dirfd(from), to, entry->d_name, mask, depth)
                     : linkat(dirfd(from), entry->d_name, to, entry->d_name, 0) == 0;
    }
    return filled;
}

bool link_tree(const char *from, const char *to, mode_t mask, struct error *err)
{
    owned(folder_handle) DIR *source = opendir(from);
    owned(folder_handle) DIR *target = opendir(to);

    return (source && target && fill(source, dirfd(target), mask, 0)) ||
           error_set_errno(err, "link '%.200s' to '%.200s'", from, to);
}
