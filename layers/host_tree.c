/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/host_tree.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "layers/ignore.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct walk {
    struct tree *tree;
    const char *folder; /* of the image, where the top goes */
    unsigned int mode;
    struct ignore ignore;
};

static void folder_cleanup(DIR **folder)
{
    if (*folder)
        closedir(*folder);
}

/* One of `path` in `folder`, where either may be the top, "". */
static char *join(const char *folder, const char *path)
{
    return text_format("%s%s%s", folder, *folder && *path ? "/" : "", path);
}

static bool add_link(struct walk *walk, const char *host_path, const char *path,
                     struct error *err)
{
    char target[HOST_TREE_LINK_BYTES + 1];
    ssize_t length = readlink(host_path, target, sizeof target);

    if (length < 0)
        return error_set_errno(err, "read the link '%.200s'", host_path);
    if ((size_t)length == sizeof target || length == 0)
        return error_set(err, ERROR_LIMIT, "the link '%.200s' is longer than %d bytes",
                         host_path, HOST_TREE_LINK_BYTES);
    target[length] = '\0';
    return tree_add_link(walk->tree, path, target, err);
}

static const char *kind_of(mode_t mode)
{
    return S_ISFIFO(mode)   ? "a pipe"
           : S_ISSOCK(mode) ? "a socket"
           : S_ISBLK(mode)  ? "a block device"
           : S_ISCHR(mode)  ? "a character device"
                            : "of an unknown kind";
}

static bool add_file(struct tree *tree, const char *host_path, const struct stat *status,
                     const char *path, unsigned int mode, struct error *err)
{
    bool is_program = status->st_mode & 0111;

    return tree_add_file_as(tree, path,
                            mode         ? mode
                            : is_program ? 0755
                                         : 0644,
                            host_path, (uint64_t)status->st_size, err);
}

static bool add_folder(struct walk *walk, const char *host_path, const char *inside, int depth,
                       struct error *err);

/* `inside` is the path from the top, as the patterns see it. */
static bool add_entry(struct walk *walk, const char *host_path, const char *inside, int depth,
                      struct error *err)
{
    bool is_left_out = ignore_matches(&walk->ignore, inside);
    owned(memory) char *path = join(walk->folder, inside);
    struct stat status;

    if (is_left_out && !walk->ignore.has_exceptions)
        return true;
    if (lstat(host_path, &status) != 0)
        return error_set_errno(err, "look at '%.200s'", host_path);
    if (S_ISDIR(status.st_mode))
        return (is_left_out || tree_add_folder(walk->tree, path, err)) &&
               add_folder(walk, host_path, inside, depth + 1, err);
    if (is_left_out)
        return true;
    if (S_ISLNK(status.st_mode))
        return add_link(walk, host_path, path, err);
    if (S_ISREG(status.st_mode))
        return add_file(walk->tree, host_path, &status, path, walk->mode, err);
    return error_set(err, ERROR_INVALID,
                     "'%.400s' is %s, which an image cannot have; name it in .dockerignore",
                     host_path, kind_of(status.st_mode));
}

static bool add_folder(struct walk *walk, const char *host_path, const char *inside, int depth,
                       struct error *err)
{
    if (depth > HOST_TREE_DEPTH)
        return error_set(err, ERROR_LIMIT, "'%.200s' is deeper than %d folders", host_path,
                         HOST_TREE_DEPTH);
    owned(folder) DIR *folder = opendir(host_path);
    if (!folder)
        return error_set_errno(err, "open '%.200s'", host_path);

    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry)
            return errno == 0 || error_set_errno(err, "read '%.200s'", host_path);
        const char *name = entry->d_name;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
            continue;
        owned(memory) char *below = text_format("%s/%s", host_path, name);
        owned(memory) char *path = join(inside, name);
        if (!add_entry(walk, below, path, depth, err))
            return false;
    }
}

static bool read_ignore(const char *folder, struct ignore *out, struct error *err)
{
    owned(memory) char *path = text_format("%s/.dockerignore", folder);
    owned(memory) char *text = NULL;
    size_t count;

    if (!file_exists(path))
        return true;
    return file_read(path, IGNORE_FILE_LIMIT, &text, &count, err) &&
           (ignore_parse(text, out, err) || error_wrap(err, "%.200s", path));
}

bool host_tree_add(struct tree *tree, const char *host_path, const char *path,
                   unsigned int mode, struct error *err)
{
    struct walk walk = {.tree = tree, .folder = path, .mode = mode};
    struct stat status;

    if (stat(host_path, &status) != 0) {
        bool is_missing = errno == ENOENT || errno == ENOTDIR;
        error_set_errno(err, "open '%.200s'", host_path);
        err->kind = is_missing ? ERROR_NOT_FOUND : ERROR_SYSTEM;
        return false;
    }
    if (S_ISREG(status.st_mode))
        return add_file(tree, host_path, &status, path, mode, err);
    if (!S_ISDIR(status.st_mode))
        return error_set(err, ERROR_INVALID, "'%.400s' is %s, which an image cannot have",
                         host_path, kind_of(status.st_mode));

    bool added = read_ignore(host_path, &walk.ignore, err) &&
                 (!*path || tree_add_folder(tree, path, err)) &&
                 add_folder(&walk, host_path, "", 1, err);
    ignore_release(&walk.ignore);
    return added;
}
