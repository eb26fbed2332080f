/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/file_list.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

struct walk {
    const char *folder;
    enum log_level lowest;
    struct file_list *list;
};

void file_list_release(struct file_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->paths[i]);
    free(list->paths);
    *list = (struct file_list){0};
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool add(struct walk *walk, const char *path, struct error *err)
{
    struct file_list *list = walk->list;

    if (list->count == FILE_LIST_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d files", FILE_LIST_LIMIT);
    if (list->count % 64 == 0)
        list->paths = memory_resize(list->paths, list->count + 64, sizeof *list->paths);
    list->paths[list->count++] = memory_copy_string(path);
    return true;
}

static bool walk_folder(struct walk *walk, const char *inside, int depth, struct error *err);

static bool visit(struct walk *walk, const char *path, int depth, struct error *err)
{
    owned(memory) char *full = text_format("%s/%s", walk->folder, path);
    struct stat itself, target;

    if (lstat(full, &itself) != 0)
        return error_set_errno(err, "look at '%.300s'", path);
    if (S_ISDIR(itself.st_mode)) {
        if (depth == FILE_LIST_DEPTH_LIMIT)
            return error_set(err, ERROR_LIMIT, "folders nest deeper than %d",
                             FILE_LIST_DEPTH_LIMIT);
        owned(memory) char *inside = text_format("%s/", path);
        return walk_folder(walk, inside, depth + 1, err);
    }
    if (stat(full, &target) == 0 && S_ISREG(target.st_mode))
        return add(walk, path, err);
    log_line(walk->lowest, LOG_WARNING, "'%.300s' is not a file, so it is not uploaded", path);
    return true;
}

/* `inside` is "" or ends in '/'. */
static bool walk_folder(struct walk *walk, const char *inside, int depth, struct error *err)
{
    owned(memory) char *full = text_format("%s/%s", walk->folder, inside);
    DIR *folder = opendir(full);
    if (!folder)
        return error_set_errno(err, "open '%.300s'", full);

    bool visited = true;
    const struct dirent *entry;
    while (visited && (entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        owned(memory) char *path = text_format("%s%s", inside, entry->d_name);
        visited = visit(walk, path, depth, err);
    }
    closedir(folder);
    return visited;
}

bool file_list_read(const char *folder, enum log_level lowest, struct file_list *out,
                    struct error *err)
{
    struct walk walk = {.folder = folder, .lowest = lowest, .list = out};

    if (!walk_folder(&walk, "", 0, err))
        return false;
    if (out->count > 0)
        qsort(out->paths, out->count, sizeof *out->paths, compare);
    return true;
}
