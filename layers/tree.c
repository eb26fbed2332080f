/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/tree.h"

#include <assert.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Where files are on the host: at `path`, followed by their own from `rest` on. */
struct top {
    size_t rest;
    char path[];
};

struct node {
    struct node *parent; /* NULL: the root, which has no node */
    uint64_t size;
    union {
        const char *bytes; /* borrowed */
        const struct top *top;
        const char *target;
    };
    unsigned int part; /* the last that it was put into; 0: none */
    unsigned short mode;
    unsigned char kind;
    bool is_on_host;
    char name[];
};

/* What nodes, tops and targets are cut from; a tree has many, and they go all at once. */
struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(struct node) char bytes[];
};

enum {
    BLOCK_BYTES = 16 * 1024,
    /* About so many bytes lie between two files at which a part may begin. */
    PART_SPREAD_BYTES = 32 << 20,
};

struct tree {
    struct node **nodes;
    size_t count;
    size_t capacity;
    bool is_sorted;
    size_t taken;        /* so many nodes are in parts now */
    unsigned int parts;  /* so many there are */
    struct node **slots; /* the same nodes, where the hash of parent and name says; or NULL */
    size_t slot_count;   /* a power of two, at least twice as many as there are nodes */
    struct top *top;     /* the newest; or NULL */
    struct block *blocks;
    char *path; /* of the entry last asked for */
};

struct tree *tree_new(void)
{
    return memory_new(1, sizeof(struct tree));
}

void tree_free(struct tree *tree)
{
    if (!tree)
        return;
    while (tree->blocks) {
        struct block *block = tree->blocks;
        tree->blocks = block->next;
        free(block);
    }
    free(tree->nodes);
    free(tree->slots);
    free(tree->path);
    free(tree);
}

/* --- what a tree is made of -------------------------------------------------------------- */

/* Zeroes, for as long as the tree lives. */
static void *cut(struct tree *tree, size_t size)
{
    size_t whole = (size + alignof(struct node) - 1) & ~(alignof(struct node) - 1);

    if (!tree->blocks || tree->blocks->size - tree->blocks->used < whole) {
        size_t room = whole > BLOCK_BYTES ? whole : BLOCK_BYTES;
        struct block *block = memory_new(1, sizeof *block + room);
        block->size = room;
        block->next = tree->blocks;
        tree->blocks = block;
    }
    void *piece = tree->blocks->bytes + tree->blocks->used;
    tree->blocks->used += whole;
    return piece;
}

/* FNV-1a, after others' hash. */
static uint64_t hash_more(uint64_t hash, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3;
    return hash;
}

static bool is_named(const struct node *node, const struct node *parent, const char *name,
                     size_t length)
{
    return node->parent == parent && strncmp(node->name, name, length) == 0 &&
           node->name[length] == '\0';
}

/* Where the node with the name in the folder is, or where it belongs. */
static struct node **slot_of(const struct tree *tree, const struct node *parent,
                             const char *name, size_t length)
{
    uint64_t hash = hash_more((uintptr_t)parent, name, length);
    size_t slot = (size_t)(hash ^ hash >> 32);

    while (tree->slots[slot % tree->slot_count] &&
           !is_named(tree->slots[slot % tree->slot_count], parent, name, length))
        slot++;
    return &tree->slots[slot % tree->slot_count];
}

static struct node *child(const struct tree *tree, const struct node *parent, const char *name,
                          size_t length)
{
    return tree->slots ? *slot_of(tree, parent, name, length) : NULL;
}

static const struct node *find(const struct tree *tree, const char *path)
{
    const struct node *node = NULL;

    for (const char *name = path;; name++) {
        size_t length = strcspn(name, "/");
        node = child(tree, node, name, length);
        name += length;
        if (!node || *name == '\0')
            return node;
    }
}

static size_t path_length(const struct node *node)
{
    size_t length = strlen(node->name);

    while ((node = node->parent))
        length += strlen(node->name) + 1;
    return length;
}

/* Until the next one is asked for. */
static const char *path_of(struct tree *tree, const struct node *node)
{
    size_t at = path_length(node);

    tree->path = memory_resize(tree->path, at + 1, 1);
    tree->path[at] = '\0';
    for (;;) {
        size_t length = strlen(node->name);
        at -= length;
        memcpy(tree->path + at, node->name, length);
        node = node->parent;
        if (!node)
            return tree->path;
        tree->path[--at] = '/';
    }
}

/* --- adding ------------------------------------------------------------------------------ */

/* Makes room for one more node. False where there was some. */
static bool widen(struct tree *tree)
{
    if (tree->count < tree->capacity)
        return false;
    tree->capacity = tree->capacity ? 2 * tree->capacity : 16;
    tree->nodes = memory_resize(tree->nodes, tree->capacity, sizeof *tree->nodes);
    return true;
}

/* The same, where it can be looked for. */
static void grow(struct tree *tree)
{
    if (!widen(tree))
        return;
    free(tree->slots);
    tree->slot_count = 2 * tree->capacity;
    tree->slots = memory_new(tree->slot_count, sizeof *tree->slots);
    for (size_t i = 0; i < tree->count; i++) {
        struct node *node = tree->nodes[i];
        *slot_of(tree, node->parent, node->name, strlen(node->name)) = node;
    }
}

/* NULL where there would be too many. */
static struct node *insert(struct tree *tree, struct node *parent, const char *name,
                           size_t length, enum tree_kind kind, struct error *err)
{
    static const unsigned short modes[] = {
        [TREE_FOLDER] = 0755, [TREE_FILE] = 0644, [TREE_PROGRAM] = 0755, [TREE_LINK] = 0777};

    if (tree->count == TREE_ENTRIES_LIMIT) {
        error_set(err, ERROR_LIMIT, "more than %d files", TREE_ENTRIES_LIMIT);
        return NULL;
    }
    grow(tree);
    struct node *node = cut(tree, sizeof *node + length + 1);
    node->parent = parent;
    node->kind = (unsigned char)kind;
    node->mode = modes[kind];
    memcpy(node->name, name, length);
    *slot_of(tree, parent, name, length) = node;
    tree->nodes[tree->count++] = node;
    tree->is_sorted = false;
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

/* The new node, with its parents; NULL when that cannot be. */
static struct node *add(struct tree *tree, const char *path, enum tree_kind kind,
                        struct error *err)
{
    struct node *parent = NULL;

    if (!check_path(path, err))
        return NULL;
    for (const char *name = path;; name++) {
        size_t length = strcspn(name, "/");
        bool is_last = name[length] == '\0';
        struct node *node = child(tree, parent, name, length);
        if (node && is_last) {
            error_set(err, ERROR_INVALID, "'%.200s' is there twice", path);
            return NULL;
        }
        if (node && node->kind != TREE_FOLDER) {
            error_set(err, ERROR_INVALID, "'%.200s' runs through the %s '%.200s'", path,
                      node->kind == TREE_LINK ? "link" : "file", path_of(tree, node));
            return NULL;
        }
        if (!node)
            node = insert(tree, parent, name, length, is_last ? kind : TREE_FOLDER, err);
        if (!node || is_last)
            return node;
        parent = node;
        name += length;
    }
}

bool tree_add_bytes(struct tree *tree, const char *path, enum tree_kind kind, const void *bytes,
                    size_t count, struct error *err)
{
    struct node *node = add(tree, path, kind, err);

    if (!node)
        return false;
    node->bytes = bytes;
    node->size = count;
    return true;
}

/* What a file's name here and on the host have in common at their ends is kept once. Files
 * below one folder mostly go below one folder, and so share their top. */
static const struct top *top_for(struct tree *tree, const char *path, const char *host_path)
{
    size_t length = strlen(host_path);
    size_t rest = strlen(path);

    while (length > 0 && rest > 0 && host_path[length - 1] == path[rest - 1])
        length--, rest--;
    bool is_same = tree->top && tree->top->rest == rest &&
                   strncmp(tree->top->path, host_path, length) == 0 &&
                   tree->top->path[length] == '\0';
    if (!is_same) {
        tree->top = cut(tree, sizeof *tree->top + length + 1);
        tree->top->rest = rest;
        memcpy(tree->top->path, host_path, length);
    }
    return tree->top;
}

bool tree_add_file_as(struct tree *tree, const char *path, unsigned int mode,
                      const char *host_path, uint64_t size, struct error *err)
{
    struct node *node = add(tree, path, TREE_FILE, err);

    if (!node)
        return false;
    node->mode = (unsigned short)mode;
    node->size = size;
    node->is_on_host = true;
    node->top = top_for(tree, path, host_path);
    return true;
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
    struct node *node = add(tree, path, TREE_LINK, err);

    if (!node)
        return false;
    node->target = strcpy(cut(tree, strlen(target) + 1), target);
    return true;
}

bool tree_add_folder(struct tree *tree, const char *path, struct error *err)
{
    const struct node *found = find(tree, path);

    return (found && found->kind == TREE_FOLDER) || add(tree, path, TREE_FOLDER, err);
}

/* --- asking ------------------------------------------------------------------------------ */

static struct tree_entry describe(const struct node *node, const char *path)
{
    bool has_bytes = node->kind != TREE_LINK && !node->is_on_host;

    return (struct tree_entry){
        .path = path,
        .kind = node->kind,
        .mode = node->mode,
        .size = node->size,
        .bytes = has_bytes ? node->bytes : NULL,
        .host_top = node->is_on_host ? node->top->path : NULL,
        .host_rest = node->is_on_host ? path + node->top->rest : NULL,
        .target = node->kind == TREE_LINK ? node->target : NULL,
    };
}

bool tree_find(const struct tree *tree, const char *path, struct tree_entry *out)
{
    const struct node *node = find(tree, path);

    if (node)
        *out = describe(node, path);
    return node != NULL;
}

size_t tree_entry_count(const struct tree *tree)
{
    return tree->count;
}

static size_t depth_of(const struct node *node)
{
    size_t depth = 0;

    while ((node = node->parent))
        depth++;
    return depth;
}

static const struct node *above(const struct node *node, size_t levels)
{
    while (levels-- > 0)
        node = node->parent;
    return node;
}

/* Byte order of the paths, without writing them: they differ first where the names of two in
 * one folder do, and what follows such a name is a slash, or nothing. */
static int compare_paths(const void *a, const void *b)
{
    const struct node *first = *(struct node *const *)a;
    const struct node *second = *(struct node *const *)b;
    size_t depth = depth_of(first);
    size_t other = depth_of(second);
    const struct node *x = above(first, depth > other ? depth - other : 0);
    const struct node *y = above(second, other > depth ? other - depth : 0);

    if (x == y)
        return (depth > other) - (depth < other);
    while (x->parent != y->parent)
        x = x->parent, y = y->parent;

    size_t same = 0;
    while (x->name[same] && x->name[same] == y->name[same])
        same++;
    int next = (unsigned char)x->name[same];
    int next_other = (unsigned char)y->name[same];
    return (next || x == first ? next : '/') - (next_other || y == second ? next_other : '/');
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
    const struct node *node = tree->nodes[position];
    return describe(node, path_of(tree, node));
}

/* --- parts ------------------------------------------------------------------------------- */

static bool may_begin_part(struct tree *tree, const struct node *node)
{
    const char *path = path_of(tree, node);
    uint64_t hash = hash_more(0xcbf29ce484222325, path, strlen(path));

    return (hash ^ hash >> 32) % PART_SPREAD_BYTES < node->size;
}

/* With those of its parents that are not there yet. */
static void put_into(struct tree *part, struct node *node, unsigned int number)
{
    for (; node && node->part != number; node = node->parent) {
        widen(part);
        part->nodes[part->count++] = node;
        node->part = number;
    }
}

struct tree *tree_take_part(struct tree *tree, bool rest)
{
    struct tree *part = tree_new();
    uint64_t size = 0;

    sort(tree);
    /* Nothing is looked for here again. */
    free(take(&tree->slots));
    tree->parts++;
    while (tree->taken < tree->count) {
        struct node *node = tree->nodes[tree->taken];
        bool is_enough = size >= (uint64_t)TREE_PART_MIB << 20;
        if (is_enough && !rest && may_begin_part(tree, node))
            break;
        size += node->size;
        tree->taken++;
        put_into(part, node, tree->parts);
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
