/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A place that holds manifests and blobs.
 *
 * A folder on disk is one (oci/layout.h); a repository across the network is
 * another (registry/registry.h); tests have one in memory. Whatever works on a
 * store works on all of them: pull is a copy from there to here, push is the
 * same copy the other way (oci/copy.h).
 *
 * New bytes are always born in a layout, where their digest becomes known.
 * Every other store only ever receives bytes whose digest is known already.
 * Every verb may be called from several threads at once.
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/stream.h"
#include "oci/descriptor.h"

enum {
    MANIFEST_LIMIT = 4 * 1024 * 1024, /* bytes: what registries accept, ECR among them */
    TAGS_LIMIT = 100 * 1000,
};

/* A manifest or an index, byte for byte as it is stored. */
struct document {
    struct descriptor descriptor;
    char *bytes; /* owned; descriptor.size of them and an uncounted NUL */
};

void document_release(struct document *document);
void document_copy(const struct document *document, struct document *out);

/** Makes a document of bytes from a store, which it takes over: `*bytes` becomes NULL. The
 * media type is the one the JSON names itself, else `media_type` (may be NULL), else the one
 * its fields betray. With `name` a digest, the bytes must have it. ERROR_INVALID. */
bool document_read(char **bytes, size_t count, const char *media_type, const char *name,
                   struct document *out, struct error *err) MUST_CHECK;

/** The document as JSON, the caller's to json_decref(). ERROR_INVALID. */
bool document_parse(const struct document *document, json_t **out,
                    struct error *err) MUST_CHECK;

/** Makes a document of JSON: canonical bytes, their digest and size, and the media type the
 *  JSON names itself. ERROR_LIMIT beyond MANIFEST_LIMIT. */
bool document_write(const json_t *json, struct document *out, struct error *err) MUST_CHECK;

struct store;

struct store_ops {
    /* Reads the manifest or index that a tag or "sha256:…" names; its digest and size are
     * those of the bytes, and are checked against a digest in `name`. ERROR_NOT_FOUND. */
    bool (*resolve)(struct store *self, const char *name, struct document *out,
                    struct error *err);

    bool (*has_blob)(struct store *self, const struct descriptor *blob, bool *found,
                     struct error *err);

    /* The source checks size and digest as it is read: its end is only reached
     * when both are right. ERROR_NOT_FOUND when there is no such blob. */
    bool (*open_blob)(struct store *self, const struct descriptor *blob, struct source **out,
                      struct error *err);

    /* The blob's bytes from `offset` on, for whoever checks the whole: nothing is checked here.
     * NULL but for what is across a network. */
    bool (*open_blob_at)(struct store *self, const struct descriptor *blob, uint64_t offset,
                         struct source **out, struct error *err);

    /* Takes exactly blob->size bytes, and may rewind the source to begin again. Visible to
     * others only when it returns true. */
    bool (*put_blob)(struct store *self, const struct descriptor *blob, struct source *bytes,
                     struct error *err);

    /* Asks the far side to take the blob from the sibling repository `from`; `*mounted` stays
     * false where it does not want to. May be NULL. */
    bool (*mount_blob)(struct store *self, struct store *from, const struct descriptor *blob,
                       bool *mounted, struct error *err);

    /* Makes ready for the blob to be put soon, so that put_blob() need not; with NULL, for the
     * next config, which nobody knows yet. May be NULL. */
    bool (*expect_blob)(struct store *self, const struct descriptor *blob, struct error *err);

    /* Puts the manifest, then points `tag` at it; no tag when NULL. */
    bool (*put_manifest)(struct store *self, const char *tag, const struct document *manifest,
                         struct error *err);

    /* Appends every tag to an array of strings, in any order. May be NULL. */
    bool (*list_tags)(struct store *self, json_t *tags, struct error *err);

    /* The store that really has the blob, for one that shows several as one. May be NULL. */
    struct store *(*home)(struct store *self, const struct descriptor *blob);

    void (*free)(struct store *self);

    bool holds_one_image; /* and no index */
    bool is_far;          /* each question costs a round trip */
};

/* First member of every store. */
struct store {
    const struct store_ops *ops;
};

bool store_resolve(struct store *store, const char *name, struct document *out,
                   struct error *err) MUST_CHECK;

/** What an index lists. ERROR_INVALID when it has another size than is said there. */
bool store_resolve_entry(struct store *store, const struct descriptor *entry,
                         struct document *out, struct error *err) MUST_CHECK;
bool store_open_blob(struct store *store, const struct descriptor *blob, struct source **out,
                     struct error *err) MUST_CHECK;
bool store_put_manifest(struct store *store, const char *tag, const struct document *manifest,
                        struct error *err) MUST_CHECK;

/** The tags of the store in byte order, a new array of strings, the caller's to json_decref();
 *  at most TAGS_LIMIT. ERROR_INVALID where names cannot be listed. */
bool store_list_tags(struct store *store, json_t **tags, struct error *err) MUST_CHECK;
void store_free(struct store *store);

/** Reads a small blob whole, a config, checked; ERROR_LIMIT beyond MANIFEST_LIMIT. `*bytes`
 *  is the caller's to free() and ends in an uncounted NUL. */
bool store_read_blob(struct store *store, const struct descriptor *blob, char **bytes,
                     struct error *err) MUST_CHECK;

/** The store that really has the blob, for stores that show several as one. */
struct store *store_home(struct store *store, const struct descriptor *blob);

/** Two stores shown as one: what `upper` lacks is read from `lower`. It is read only and
 *  borrows both; release with store_free(). */
struct store *store_union(struct store *upper, struct store *lower);

static inline void document_cleanup(struct document *document)
{
    document_release(document);
}
static inline void store_cleanup(struct store **variable)
{
    store_free(*variable);
}
