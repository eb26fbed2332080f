/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tree.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"

struct node {
    char *path;
    enum tree_kind kind;
    const char *bytes;
    size_t count;
    char *owned; /* the bytes, where they are ours */
};

struct tree {
    struct node *nodes; /* always sorted */
    size_t count;
};

struct tree *tree_new(void)
{
    return memory_new(1, sizeof(struct tree));
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    for (size_t i = 0; i < tree->count; i++) {
        free(tree->nodes[i].path);
        free(tree->nodes[i].owned);
    }
    free(tree->nodes);
    free(tree);
}

/* Where the path is, or where it belongs. */
static size_t find(const struct tree *tree, const char *path, bool *found)
{
    size_t low = 0;
    size_t high = tree->count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(tree->nodes[middle].path, path);
        if (order == 0) {
            *found = true;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *found = false;
    return low;
}

static void insert(struct tree *tree, size_t position, const struct node *node)
{
    tree->nodes = memory_resize(tree->nodes, tree->count + 1, sizeof *tree->nodes);
    memmove(&tree->nodes[position + 1], &tree->nodes[position],
            (tree->count - position) * sizeof *tree->nodes);
    tree->nodes[position] = *node;
    tree->count++;
}

/* Every part is a name, so that the path stays below the root and has one spelling. */
static bool check_path(const char *path, struct error *err)
{
    for (const char *part = path;; part++) {
        size_t length = strcspn(part, "/");
        bool is_name = length > 0 && !(length == 1 && part[0] == '.') &&
                       !(length == 2 && part[0] == '.' && part[1] == '.');
        if (!is_name)
            return error_set(err, ERROR_INVALID, "'%.200s' is no path inside an image", path);
        part += length;
        if (*part == '\0')
            return true;
    }
}

static bool add_parents(struct tree *tree, const char *path, struct error *err)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
        owned(memory) char *parent = memory_copy_string(path);
        bool found;
        parent[slash - path] = '\0';
        size_t position = find(tree, parent, &found);
        if (found && tree->nodes[position].kind != TREE_FOLDER)
            return error_set(err, ERROR_INVALID, "'%.200s' runs through the file '%.200s'",
                             path, parent);
        if (!found)
            insert(tree, position, &(struct node){.path = take(&parent), .kind = TREE_FOLDER});
    }
    return true;
}

static bool add(struct tree *tree, const char *path, struct node *node, struct error *err)
{
    bool found;

    if (!check_path(path, err) || !add_parents(tree, path, err))
        return false;
    size_t position = find(tree, path, &found);
    if (found)
        return error_set(err, ERROR_INVALID, "'%.200s' is there twice", path);
    node->path = memory_copy_string(path);
    insert(tree, position, node);
    return true;
}

bool tree_add_bytes(struct tree *tree, const char *path, enum tree_kind kind, const void *bytes,
                    size_t count, struct error *err)
{
    return add(tree, path, &(struct node){.kind = kind, .bytes = bytes, .count = count}, err);
}

bool tree_add_file(struct tree *tree, const char *path, enum tree_kind kind,
                   const char *host_path, struct error *err)
{
    owned(memory) char *bytes = NULL;
    struct node node = {.kind = kind};

    if (!file_read(host_path, TREE_FILE_LIMIT, &bytes, &node.count, err))
        return false;
    node.bytes = bytes;
    node.owned = bytes;
    if (!add(tree, path, &node, err))
        return false;
    (void)take(&bytes);
    return true;
}

size_t tree_entry_count(const struct tree *tree)
{
    return tree->count;
}

struct tree_entry tree_entry(const struct tree *tree, size_t position)
{
    const struct node *node = &tree->nodes[position];

    return (struct tree_entry){node->path, node->kind, node->bytes, node->count};
}
