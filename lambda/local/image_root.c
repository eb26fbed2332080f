/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/image_root.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lambda/local/link_tree.h"
#include "lambda/local/root_lock.h"
#include "lambda/local/sandbox.h"
#include "lambda/recipe.h"
#include "layers/unpack.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Passes bytes on and tells how many. */
struct counted_source {
    struct source source;
    struct source *inner;
    struct progress *progress;
    int task;
};

static bool counted_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct counted_source *counted = (struct counted_source *)self;

    if (!source_read(counted->inner, bytes, capacity, count, err))
        return false;
    progress_advance(counted->progress, counted->task, *count);
    return true;
}

static void counted_free(struct source *self)
{
    (void)self; /* on its user's stack */
}

static const struct source_ops counted_ops = {.read = counted_read, .free = counted_free};

static bool unpack_blob(struct store *store, const struct descriptor *blob, const char *root,
                        struct unpacked *so_far, struct progress *progress, struct error *err)
{
    owned(source) struct source *bytes = NULL;
    struct digest_text name = digest_format_short(&blob->digest);

    if (blob->media_type == MEDIA_TYPE_FOREIGN_LAYER)
        return error_set(err, ERROR_INVALID, "layer %s: its bytes are not in the image",
                         name.text);
    if (!store_open_blob(store, blob, &bytes, err))
        return error_wrap(err, "layer %s", name.text);

    struct counted_source counted = {
        .source.ops = &counted_ops,
        .inner = bytes,
        .progress = progress,
        .task = progress_begin(progress, "unpacked", name.text, blob->size),
    };
    bool unpacked = unpack_layer(&counted.source, root, so_far, err);
    progress_end(progress, counted.task, unpacked);
    return unpacked || error_wrap(err, "layer %s", name.text);
}

/* Lowest first: those from `first` to before `end`. */
static bool unpack_layers(struct store *store, const struct image *image, size_t first,
                          size_t end, const char *root, struct progress *progress,
                          struct error *err)
{
    struct unpacked so_far = {0};

    for (size_t i = first; i < end; i++)
        if (!unpack_blob(store, &image_layer(image, i)->blob, root, &so_far, progress, err))
            return false;
    return true;
}

/* --- chains --- */

/* The layers of an image below `count`, as a name. */
struct chain_name {
    char text[sizeof(struct digest_text)];
};

static struct chain_name name_chain(const struct image *image, size_t count)
{
    struct digest chain = image_layer(image, 0)->diff_id;
    struct chain_name name;

    for (size_t i = 1; i < count; i++) {
        owned(memory) char *pair =
            text_format("%s %s", digest_format(&chain).text,
                        digest_format(&image_layer(image, i)->diff_id).text);
        chain = digest_of(pair, strlen(pair));
    }
    snprintf(name.text, sizeof name.text, "chain-%s",
             digest_format(&chain).text + strlen("sha256:"));
    return name;
}

/* How many layers were there before skiff put its own on. */
static size_t count_base(const struct image *image)
{
    size_t count = image_layer_count(image);
    size_t base = 0;

    while (base < count &&
           strncmp(image_layer_origin(image, base), RECIPE_ORIGIN, strlen(RECIPE_ORIGIN)) != 0)
        base++;
    return base;
}

enum { CUTS_LIMIT = 3 };

/* Where a chain ends that another may begin as: the base, all but the script, and the whole. */
static size_t find_cuts(const struct image *image, size_t cuts[CUTS_LIMIT])
{
    size_t count = image_layer_count(image);
    const size_t wanted[CUTS_LIMIT] = {count_base(image), count - 1, count};
    size_t found = 0;

    for (size_t i = 0; i < CUTS_LIMIT; i++)
        if (wanted[i] > (found > 0 ? cuts[found - 1] : 0))
            cuts[found++] = wanted[i];
    return found;
}

/* What a chain is made of. */
struct making {
    const char *roots;
    struct store *store;
    const struct image *image;
    struct progress *progress;
};

/* Begins with the chain `base` of `base_count` layers; NULL: with nothing. */
static bool fill_chain(const struct making *making, const char *base, size_t base_count,
                       size_t count, const char *fresh, struct error *err)
{
    owned(memory) char *below = base ? text_format("%s/%s", making->roots, base) : NULL;

    if (chmod(fresh, 0755) != 0)
        return error_set_errno(err, "make '%.200s'", fresh);
    if (below && !link_tree(below, fresh, 07777, err))
        return false;
    return unpack_layers(making->store, making->image, base ? base_count : 0, count, fresh,
                         making->progress, err) &&
           sandbox_prepare_root(fresh, err);
}

static bool make_chain(const struct making *making, const char *name, const char *base,
                       size_t base_count, size_t count, struct error *err)
{
    owned(memory) char *path = text_format("%s/%s", making->roots, name);
    owned(memory) char *fresh = NULL;
    struct error trouble;

    if (file_exists(path))
        return true;
    if (!folder_make_temporary(making->roots, ".new-", &fresh, err))
        return false;
    bool made = fill_chain(making, base, base_count, count, fresh, err);
    if (made && rename(fresh, path) != 0)
        made = error_set_errno(err, "make '%.200s'", path);
    if (!made && !folder_remove(fresh, &trouble))
        progress_warn(making->progress, "%s", trouble.text);
    return made;
}

static bool make_link(const char *roots, const char *target, const char *name,
                      struct error *err)
{
    owned(memory) char *path = text_format("%s/%s", roots, name);

    return symlink(target, path) == 0 || errno == EEXIST ||
           error_set_errno(err, "make '%.200s'", path);
}

/* A file system without hard links has no chains upon chains. */
static bool make_chain_upon(const struct making *making, const char *name, const char *base,
                            size_t base_count, size_t count, struct error *err)
{
    owned(memory) char *link = text_format("%s.base", name);
    struct error unlinked;

    if (base_count == 0)
        return make_chain(making, name, NULL, 0, count, err);
    if (make_chain(making, name, base, base_count, count, &unlinked))
        return make_link(making->roots, base, link, err);
    if (unlinked.kind == ERROR_SYSTEM)
        return make_chain(making, name, NULL, 0, count, err);
    *err = unlinked;
    return false;
}

static bool make_chains(const struct making *making, struct chain_name *whole,
                        struct error *err)
{
    size_t cuts[CUTS_LIMIT];
    size_t count = find_cuts(making->image, cuts);
    struct chain_name below = {""};

    for (size_t i = 0; i < count; i++) {
        *whole = name_chain(making->image, cuts[i]);
        if (!make_chain_upon(making, whole->text, below.text, i > 0 ? cuts[i - 1] : 0, cuts[i],
                             err))
            return false;
        below = *whole;
    }
    return true;
}

/* --- roots --- */

bool image_root_make(const char *folder, struct store *store, const struct image *image,
                     struct progress *progress, struct error *err)
{
    struct digest_text digest = digest_format(&image_document(image)->descriptor.digest);
    const char *name = digest.text + strlen("sha256:");
    owned(memory) char *roots = text_format("%s/roots", folder);
    owned(memory) char *path = text_format("%s/%s", roots, name);
    const struct making making = {roots, store, image, progress};
    struct chain_name whole;

    if (file_exists(path))
        return true;
    if (image_layer_count(image) == 0)
        return error_set(err, ERROR_INVALID, "the image has no layers");
    progress_step(progress, "Unpacking the image, once for all runs.");
    return make_chains(&making, &whole, err) && make_link(roots, whole.text, name, err);
}

json_t *image_root_bases(const struct image *image)
{
    json_t *bases = json_array();
    size_t cuts[CUTS_LIMIT];
    size_t count = image_layer_count(image) > 0 ? find_cuts(image, cuts) : 0;

    for (size_t i = 0; i + 1 < count; i++)
        json_array_append_new(bases, json_string(name_chain(image, cuts[i]).text));
    return bases;
}

/* Where the link leads, a new string; NULL when it is none. */
static char *read_link(const char *roots, const char *name)
{
    owned(memory) char *path = text_format("%s/%s", roots, name);
    char target[NAME_MAX + 1];
    ssize_t length = readlink(path, target, sizeof target);

    return length > 0 ? text_format("%.*s", (int)length, target) : NULL;
}

bool image_root_open(const char *folder, const struct digest *manifest, struct image_root *out)
{
    struct digest_text name = digest_format(manifest);
    owned(memory) char *roots = text_format("%s/roots", folder);
    owned(memory) char *chain = read_link(roots, name.text + strlen("sha256:"));
    owned(memory) char *path = chain ? text_format("%s/%s", roots, chain) : NULL;
    struct image_root root = {0};

    if (!path || !root_lock_share(path, &root.lock))
        return false;
    root.path = take(&path);
    *out = root;
    return true;
}

void image_root_release(struct image_root *root)
{
    if (root->path)
        close(root->lock);
    free(root->path);
    *root = (struct image_root){0};
}

/* From a chain to the one it began as. */
static char *follow_chain(const char *roots, const char *chain, json_t *needed)
{
    owned(memory) char *link = text_format("%s.base", chain);
    char *base = read_link(roots, link);

    json_object_set_new(needed, chain, json_true());
    if (base)
        json_object_set_new(needed, link, json_true());
    return base;
}

void image_root_follow(const char *roots, json_t *needed)
{
    json_owned json_t *named = json_copy(needed);
    const char *name;
    json_t *value;

    json_object_foreach(named, name, value)
    {
        char *chain = read_link(roots, name);
        chain = chain ? chain : memory_copy_string(name);
        for (int i = 0; chain && i < CUTS_LIMIT; i++) {
            char *base = follow_chain(roots, chain, needed);
            free(chain);
            chain = base;
        }
        free(chain);
    }
}
