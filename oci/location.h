/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an image is or is going to be, as people type it:
 *
 *     alpine:3.20                      a registry reference
 *     oci:build/image:v1               a tag in a folder
 *     oci:build/image@sha256:1f0c…     a digest in a folder
 *     oci-archive:image.tar:v1         a tag in a tar archive of such a folder
 *     docker-archive:a.tar:app:v1      an image in what "docker save" writes
 *
 * Only the words are understood here; context and registry open what they name.
 */

#include "oci/reference.h"

enum location_kind {
    LOCATION_REGISTRY,
    LOCATION_LAYOUT,
    LOCATION_OCI_ARCHIVE,
    LOCATION_DOCKER_ARCHIVE,
};

struct location {
    enum location_kind kind;
    char *path; /* but for LOCATION_REGISTRY: the folder or the file */
    char *tag;  /* but for LOCATION_REGISTRY: tag or digest, in a docker archive the full
                   reference; "" when none was given */
    struct reference reference; /* LOCATION_REGISTRY */
};

/** ERROR_USAGE quotes the text and says what is wrong with it. */
bool location_parse(const char *text, struct location *out, struct error *err) MUST_CHECK;

/** Like location_parse() for a place an image goes to: what names it there is a tag, "latest"
 * when none is given; in a docker archive it may stay nameless. ERROR_USAGE for a digest, which
 * cannot be chosen. */
bool location_parse_destination(const char *text, struct location *out,
                                struct error *err) MUST_CHECK;

/** The tag or digest to ask the store for. Borrowed from the location. */
const char *location_name(const struct location *location);

/** The full spelling; a new string, the caller's to free(). */
char *location_format(const struct location *location);

void location_release(struct location *location);

static inline void location_cleanup(struct location *location)
{
    location_release(location);
}
