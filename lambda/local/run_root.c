/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/run_root.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "lambda/local/link_tree.h"
#include "lambda/local/root_lock.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { SHOWN_LIMIT = 1024 * 1024, REMOVAL_TRIES = 20 };

static const struct {
    const char *name;
    unsigned int minor;
} DEVICES[] = {{"null", 3}, {"zero", 5}, {"full", 7}, {"random", 8}, {"urandom", 9}};

static bool remove_place(const char *path, struct error *err)
{
    if (unlink(path) == 0 || errno == ENOENT)
        return true;
    return folder_remove(path, err);
}

/* A fresh folder, whatever the image has there. */
static bool make_place(const char *root, const char *name, mode_t mode, struct error *err)
{
    owned(memory) char *path = text_format("%s/%s", root, name);

    if (!remove_place(path, err))
        return false;
    return (mkdir(path, 0700) == 0 && chmod(path, mode) == 0) ||
           error_set_errno(err, "make '%.200s'", path);
}

static bool make_devices(const char *root, struct error *err)
{
    for (size_t i = 0; i < sizeof DEVICES / sizeof *DEVICES; i++) {
        owned(memory) char *path = text_format("%s/dev/%s", root, DEVICES[i].name);
        if (mknod(path, S_IFCHR, makedev(1, DEVICES[i].minor)) != 0 || chmod(path, 0666) != 0) {
            error_set_errno(err, "make the device '/dev/%s'", DEVICES[i].name);
            err->kind = ERROR_DENIED;
            return false;
        }
    }
    return true;
}

/* The image's own file is a link that others have, too, so it is replaced. */
static bool show_file(const char *root, const char *name, struct error *err)
{
    owned(memory) char *host = text_format("/etc/%s", name);
    owned(memory) char *folder = text_format("%s/etc", root);
    owned(memory) char *path = text_format("%s/%s", folder, name);
    owned(memory) char *bytes = NULL;
    struct stat status;
    struct error missing;
    size_t count;

    if (lstat(folder, &status) != 0 || !S_ISDIR(status.st_mode) ||
        !file_read(host, SHOWN_LIMIT, &bytes, &count, &missing))
        return true; /* one of the two has its own idea */
    return remove_place(path, err) && file_write(path, 0644, bytes, count, err);
}

static bool fill(const char *image_root, const char *root, struct error *err)
{
    return link_tree(image_root, root, 0755, err) && make_place(root, "tmp", 01777, err) &&
           make_place(root, "dev", 0755, err) && make_devices(root, err) &&
           show_file(root, "resolv.conf", err) && show_file(root, "hosts", err) &&
           (chmod(root, 0755) == 0 || error_set_errno(err, "make '%.200s'", root));
}

bool run_root_make(const char *image_root, struct run_root *out, struct error *err)
{
    owned(memory) char *beside = text_format("%s/..", image_root);
    struct run_root root = {.lock = -1};

    if (!folder_make_temporary(beside, RUN_ROOT_PREFIX, &root.path, err))
        return false;
    bool made = root_lock_share(root.path, &root.lock);
    if (!made)
        error_set_errno(err, "lock '%.200s'", root.path);
    if (!made || !fill(image_root, root.path, err)) {
        run_root_release(&root);
        return false;
    }
    *out = root;
    return true;
}

/* Those who ran in it may have left folders they are still taken away from. */
void run_root_release(struct run_root *root)
{
    struct error ignored; /* the next sweep tries again */
    bool removed = !root->path;

    for (int tries = 0; !removed && tries < REMOVAL_TRIES; tries++)
        removed = folder_remove(root->path, &ignored);
    if (root->path && root->lock >= 0)
        close(root->lock);
    free(root->path);
    *root = (struct run_root){0};
}
