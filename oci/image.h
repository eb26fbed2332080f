/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image: one manifest, its config, and the layers they list.
 *
 * An image never changes. To change one, describe the change as a
 * `struct image_edit` and derive a new image from the old; equal inputs give
 * equal digests. Only documents are held in memory: the bytes of layers stay in
 * the store they were found in until somebody copies them.
 *
 * Spec: image-spec v1.1, manifest.md and config.md
 */

#include <stddef.h>
#include <time.h>

#include "oci/platform_spec.h"
#include "oci/store.h"

struct image;

enum { LAYERS_LIMIT = 1000 };

struct layer {
    struct descriptor blob;
    struct digest diff_id; /* of the tar before compression */
};

/* A layer to put on top, and what its line in the history says. */
struct image_addition {
    struct layer layer;
    const char *created_by;
};

/* Whose words a result is written in. */
enum image_format { IMAGE_FORMAT_OCI, IMAGE_FORMAT_DOCKER };

/* What to change. All zero changes nothing. Everything pointed at is borrowed for the call. */
struct image_edit {
    const struct image_addition *additions; /* lowest first */
    size_t addition_count;
    const char *const *environment; /* "NAME=value", ended by NULL; replaces by name */
    const char *const *entrypoint;  /* ended by NULL; NULL keeps the base's */
    const char *const *command;     /* ended by NULL; NULL keeps the base's */
    const char *working_directory;  /* NULL keeps the base's */
    const char *base_name;          /* org.opencontainers.image.base.name; NULL: left out */
    time_t created;                 /* seconds since 1970; fixed by the caller, never now */
    enum image_format format;       /* Docker's has no annotations */
};

/** Reads the manifest that `name`, a tag or a digest, has for `platform`, following indexes.
 *  ERROR_NOT_FOUND lists the platforms on offer. */
bool image_find(struct store *store, const char *name, const struct platform_spec *platform,
                struct document *out, struct error *err) MUST_CHECK;

/** The same in what a name was resolved to already, `top`. */
bool image_find_in(struct store *store, const struct document *top,
                   const struct platform_spec *platform, struct document *out,
                   struct error *err) MUST_CHECK;

/** Reads the config of the manifest `document`, which it takes over; the rest as image_open().
 */
bool image_read(struct store *store, struct document *document,
                const struct platform_spec *platform, struct image **out,
                struct error *err) MUST_CHECK;

/** Reads manifest and config of `name`, a tag or a digest. From an index it picks the entry
 *  for `platform`, and a single image must be for it; ERROR_NOT_FOUND lists those on offer.
 *  With `platform` NULL it must be a single image. */
bool image_open(struct store *store, const char *name, const struct platform_spec *platform,
                struct image **out, struct error *err) MUST_CHECK;

/** Writes the new config and manifest into `workspace` and opens the result. `base` may be
 *  freed afterwards. The result is in the types of one format whatever the base was in; fields
 *  of the base that we do not know are kept. ERROR_INVALID for a layer that may not be
 *  distributed, or that the format has no type for. */
bool image_derive(const struct image *base, const struct image_edit *edit,
                  struct store *workspace, struct image **out, struct error *err) MUST_CHECK;

/** The same image with other blobs for its layers, one for each: compressed otherwise. Config
 * and diff ids stay. `from` has the config, `workspace` gets the manifest. */
bool image_replace_blobs(const struct image *image, const struct descriptor *blobs,
                         struct store *from, struct store *workspace, struct image **out,
                         struct error *err) MUST_CHECK;

/* All borrowed from the image. */
const struct document *image_document(const struct image *image); /* the manifest's bytes */
const json_t *image_manifest(const struct image *image);
const json_t *image_config(const struct image *image);
const struct descriptor *image_config_descriptor(const struct image *image);
const struct platform_spec *image_platform(const struct image *image);
size_t image_layer_count(const struct image *image);
const struct layer *image_layer(const struct image *image, size_t position);

/** What the history says about a layer; "" where it says nothing. Borrowed. */
const char *image_layer_origin(const struct image *image, size_t position);

/** The config's Env, Entrypoint or Cmd: strings ended by NULL, never NULL itself. The list is
 *  the caller's to free(), the strings are the image's. */
const char **image_environment(const struct image *image);
const char **image_entrypoint(const struct image *image);
const char **image_command(const struct image *image);

/** The config's WorkingDir, NULL where there is none. */
const char *image_working_directory(const struct image *image);

void image_free(struct image *image);

static inline void image_cleanup(struct image **variable)
{
    image_free(*variable);
}
