/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A layout's index.json: which tags it has, and what they name.
 *
 * A folder and a tar archive of one have the same file; where it is read from is
 * their business. A tag is the annotation org.opencontainers.image.ref.name of
 * an entry.
 *
 * Spec: image-spec v1.1, image-layout.md#indexjson-file
 */

#include <jansson.h>

#include "oci/descriptor.h"

/** Reads the file's bytes; `place` is what errors call it. The caller's to json_decref(). */
bool layout_index_parse(const char *bytes, size_t count, const char *place, json_t **out,
                        struct error *err) MUST_CHECK;

/** The entry of a tag. "" is the only entry, or "latest" among several. ERROR_NOT_FOUND lists
 *  the tags there are. */
bool layout_index_find(const json_t *index, const char *place, const char *tag,
                       struct descriptor *out, struct error *err) MUST_CHECK;

/** Points the tag at what is described, and at nothing else. */
void layout_index_put(json_t *index, const char *tag, const struct descriptor *descriptor);

/** Takes the tag away; false when it was not there. */
bool layout_index_remove(json_t *index, const char *tag);

/** Appends the tags to an array of strings, in the order they have. */
void layout_index_list(const json_t *index, json_t *tags);
