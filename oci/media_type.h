/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What kind of document or blob a descriptor points at.
 *
 * The OCI and the Docker spelling of the same kind are two values, so that a
 * document is passed on in the spelling it was read in.
 *
 * Spec: image-spec v1.1, media-types.md; Docker image manifest V2 schema 2
 */

#include <stdbool.h>

enum media_type {
    MEDIA_TYPE_OTHER, /* kept as text in its document, never acted upon */
    MEDIA_TYPE_OCI_INDEX,
    MEDIA_TYPE_OCI_MANIFEST,
    MEDIA_TYPE_OCI_CONFIG,
    MEDIA_TYPE_OCI_LAYER_TAR,
    MEDIA_TYPE_OCI_LAYER_GZIP,
    MEDIA_TYPE_OCI_LAYER_ZSTD,
    MEDIA_TYPE_DOCKER_LIST,
    MEDIA_TYPE_DOCKER_MANIFEST,
    MEDIA_TYPE_DOCKER_CONFIG,
    MEDIA_TYPE_DOCKER_LAYER_TAR,
    MEDIA_TYPE_DOCKER_LAYER_GZIP,
    MEDIA_TYPE_FOREIGN_LAYER, /* may not be distributed; any of the four spellings */
};

enum media_type media_type_parse(const char *text);

/** The registered name; a static string. "application/octet-stream" for OTHER. */
const char *media_type_name(enum media_type type);

bool media_type_is_index(enum media_type type);
bool media_type_is_manifest(enum media_type type);
bool media_type_is_config(enum media_type type);

/** The OCI spelling of the same kind. */
enum media_type media_type_to_oci(enum media_type type);

/** The Docker spelling of the same kind; OTHER where Docker has none, as for zstd. */
enum media_type media_type_to_docker(enum media_type type);
