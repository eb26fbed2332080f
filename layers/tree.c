/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tree.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Where many files are on the host. A tree and its parts have it together. */
struct top {
    atomic_size_t users;
    char path[];
};

struct node {
    uint64_t size;
    const char *bytes; /* borrowed */
    struct top *top;   /* of a file on the host, which is there at … */
    char *target;      /* of a link */
    enum tree_kind kind;
    unsigned int mode;
    unsigned int rest; /* … followed by the path from here on */
    char path[];
};

/* About so many bytes lie between two files at which a part may begin. */
enum { PART_SPREAD_BYTES = 32 << 20 };

struct tree {
    struct node **nodes;
    size_t count;
    size_t capacity;
    bool is_sorted;
    size_t taken;        /* so many nodes are in parts now */
    struct node **slots; /* the same nodes, each where the hash of its path says; or NULL */
    size_t slot_count;   /* a power of two, at least twice as many as there are nodes */
    struct top *top;     /* the newest; or NULL */
};

struct tree *tree_new(void)
{
    return memory_new(1, sizeof(struct tree));
}

static void top_free(struct top *top)
{
    if (top && atomic_fetch_sub(&top->users, 1) == 1)
        free(top);
}

static void node_free(struct node *node)
{
    if (!node)
        return;
    top_free(node->top);
    free(node->target);
    free(node);
}

static inline void node_cleanup(struct node **variable)
{
    node_free(*variable);
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    for (size_t i = tree->taken; i < tree->count; i++)
        node_free(tree->nodes[i]);
    top_free(tree->top);
    free(tree->nodes);
    free(tree->slots);
    free(tree);
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp((*(struct node *const *)a)->path, (*(struct node *const *)b)->path);
}

/* FNV-1a. */
static size_t hash_of(const char *path)
{
    uint64_t hash = 0xcbf29ce484222325;

    for (; *path; path++)
        hash = (hash ^ (unsigned char)*path) * 0x100000001b3;
    return (size_t)(hash ^ hash >> 32);
}

/* Where the path's node is, or where it belongs. */
static struct node **slot_of(const struct tree *tree, const char *path)
{
    size_t slot = hash_of(path);

    while (tree->slots[slot % tree->slot_count] &&
           strcmp(tree->slots[slot % tree->slot_count]->path, path) != 0)
        slot++;
    return &tree->slots[slot % tree->slot_count];
}

static const struct node *find(const struct tree *tree, const char *path)
{
    return tree->slots ? *slot_of(tree, path) : NULL;
}

/* Makes room for one more. */
static void grow(struct tree *tree)
{
    if (tree->count < tree->capacity)
        return;
    tree->capacity = tree->capacity ? 2 * tree->capacity : 16;
    tree->nodes = memory_resize(tree->nodes, tree->capacity, sizeof *tree->nodes);
    free(tree->slots);
    tree->slot_count = 2 * tree->capacity;
    tree->slots = memory_new(tree->slot_count, sizeof *tree->slots);
    for (size_t i = 0; i < tree->count; i++)
        *slot_of(tree, tree->nodes[i]->path) = tree->nodes[i];
}

static bool insert(struct tree *tree, struct node **node, struct error *err)
{
    if (tree->count == TREE_ENTRIES_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d files", TREE_ENTRIES_LIMIT);
    grow(tree);
    *slot_of(tree, (*node)->path) = *node;
    tree->nodes[tree->count++] = take(node);
    tree->is_sorted = false;
    return true;
}

static struct node *node_new(const char *path, enum tree_kind kind)
{
    static const unsigned int modes[] = {
        [TREE_FOLDER] = 0755, [TREE_FILE] = 0644, [TREE_PROGRAM] = 0755, [TREE_LINK] = 0777};
    size_t length = strlen(path);
    struct node *node = memory_new(1, sizeof *node + length + 1);

    memcpy(node->path, path, length);
    node->kind = kind;
    node->mode = modes[kind];
    return node;
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
    owned(memory) char *parent = memory_copy_string(path);

    for (char *slash = strchr(parent, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        const struct node *found = find(tree, parent);
        owned(node) struct node *folder = found ? NULL : node_new(parent, TREE_FOLDER);
        if (found && found->kind != TREE_FOLDER)
            return error_set(err, ERROR_INVALID, "'%.200s' runs through the %s '%.200s'", path,
                             found->kind == TREE_LINK ? "link" : "file", parent);
        if (folder && !insert(tree, &folder, err))
            return false;
        *slash = '/';
    }
    return true;
}

/* Takes over the node when it succeeds. */
static bool add(struct tree *tree, struct node **node, struct error *err)
{
    const char *path = (*node)->path;

    if (!check_path(path, err) || !add_parents(tree, path, err))
        return false;
    if (find(tree, path))
        return error_set(err, ERROR_INVALID, "'%.200s' is there twice", path);
    return insert(tree, node, err);
}

bool tree_add_bytes(struct tree *tree, const char *path, enum tree_kind kind, const void *bytes,
                    size_t count, struct error *err)
{
    owned(node) struct node *node = node_new(path, kind);

    node->bytes = bytes;
    node->size = count;
    return add(tree, &node, err);
}

static struct top *top_new(const char *path, size_t length)
{
    struct top *top = memory_new(1, sizeof *top + length + 1);

    atomic_init(&top->users, 1);
    memcpy(top->path, path, length);
    return top;
}

/* Files below one folder mostly go below one folder, and so share their top. */
static void set_host_path(struct tree *tree, struct node *node, const char *host_path)
{
    size_t length = strlen(host_path);
    size_t rest = strlen(node->path);

    while (length > 0 && rest > 0 && host_path[length - 1] == node->path[rest - 1])
        length--, rest--;
    if (!tree->top || strncmp(tree->top->path, host_path, length) != 0 ||
        tree->top->path[length] != '\0') {
        top_free(tree->top);
        tree->top = top_new(host_path, length);
    }
    node->top = tree->top;
    node->rest = (unsigned int)rest;
    atomic_fetch_add(&node->top->users, 1);
}

bool tree_add_file_as(struct tree *tree, const char *path, unsigned int mode,
                      const char *host_path, uint64_t size, struct error *err)
{
    owned(node) struct node *node = node_new(path, TREE_FILE);

    node->mode = mode;
    node->size = size;
    set_host_path(tree, node, host_path);
    return add(tree, &node, err);
}

bool tree_add_file(struct tree *tree, const char *path, enum tree_kind kind,
                   const char *host_path, struct error *err)
{
    uint64_t size;

    return file_size(host_path, &size, err) &&
           tree_add_file_as(tree, path, kind == TREE_PROGRAM ? 0755 : 0644, host_path, size,
                            err);
}

bool tree_add_link(struct tree *tree, const char *path, const char *target, struct error *err)
{
    owned(node) struct node *node = node_new(path, TREE_LINK);

    node->target = memory_copy_string(target);
    return add(tree, &node, err);
}

bool tree_add_folder(struct tree *tree, const char *path, struct error *err)
{
    const struct node *found = find(tree, path);
    owned(node) struct node *node = node_new(path, TREE_FOLDER);

    return (found && found->kind == TREE_FOLDER) || add(tree, &node, err);
}

static struct tree_entry describe(const struct node *node)
{
    return (struct tree_entry){
        .path = node->path,
        .kind = node->kind,
        .mode = node->mode,
        .size = node->size,
        .bytes = node->bytes,
        .host_top = node->top ? node->top->path : NULL,
        .host_rest = node->top ? node->path + node->rest : NULL,
        .target = node->target,
    };
}

bool tree_find(const struct tree *tree, const char *path, struct tree_entry *out)
{
    const struct node *node = find(tree, path);

    if (node)
        *out = describe(node);
    return node != NULL;
}

size_t tree_entry_count(const struct tree *tree)
{
    return tree->count;
}

static void sort(struct tree *tree)
{
    if (!tree->is_sorted && tree->count > 0)
        qsort(tree->nodes, tree->count, sizeof *tree->nodes, compare_paths);
    tree->is_sorted = true;
}

struct tree_entry tree_entry(struct tree *tree, size_t position)
{
    assert(position < tree->count);
    sort(tree);
    return describe(tree->nodes[position]);
}

static bool may_begin_part(const struct node *node)
{
    return hash_of(node->path) % PART_SPREAD_BYTES < node->size;
}

struct tree *tree_take_part(struct tree *tree, bool rest)
{
    struct tree *part = tree_new();
    uint64_t size = 0;

    sort(tree);
    /* Nothing is looked for here again. */
    free(tree->slots);
    tree->slots = NULL;
    while (tree->taken < tree->count) {
        struct node *node = tree->nodes[tree->taken];
        bool is_enough = size >= (uint64_t)TREE_PART_MIB << 20;
        struct error err;
        if (is_enough && !rest && may_begin_part(node))
            break;
        size += node->size;
        tree->taken++;
        /* What was right in the tree is right in a part of it. */
        bool added = add(part, &node, &err);
        assert(added);
    }
    if (part->count > 0)
        return part;
    tree_free(part);
    return NULL;
}

/* A file that must not have changed since it was counted. */
struct counted_source {
    struct source source;
    struct source *file;
    char *path;
    uint64_t left;
};

static bool counted_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct counted_source *counted = (struct counted_source *)self;

    if (!source_read(counted->file, bytes, capacity, count, err))
        return false;
    if (*count > counted->left || (*count == 0 && counted->left > 0))
        return error_set(err, ERROR_CONFLICT, "'%.200s' has changed while it was read",
                         counted->path);
    counted->left -= *count;
    return true;
}

static void counted_free(struct source *self)
{
    struct counted_source *counted = (struct counted_source *)self;

    source_free(counted->file);
    free(counted->path);
    free(counted);
}

static const struct source_ops counted_ops = {.read = counted_read, .free = counted_free};

char *tree_entry_host_path(const struct tree_entry *entry)
{
    return entry->host_top ? text_format("%s%s", entry->host_top, entry->host_rest) : NULL;
}

bool tree_entry_open(const struct tree_entry *entry, struct source **out, struct error *err)
{
    owned(memory) char *path = tree_entry_host_path(entry);
    owned(source) struct source *file = NULL;

    if (!path) {
        *out = memory_source(entry->bytes, (size_t)entry->size);
        return true;
    }
    if (!file_source(path, &file, err))
        return false;
    struct counted_source *counted = memory_new(1, sizeof *counted);
    counted->source.ops = &counted_ops;
    counted->file = take(&file);
    counted->path = take(&path);
    counted->left = entry->size;
    *out = &counted->source;
    return true;
}
