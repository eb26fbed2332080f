/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an image's manifest lists: its config and its layers.
 *
 * Spec: image-spec v1.1, manifest.md
 */

#include <stddef.h>

#include "oci/store.h"

/** Reads the blobs that a manifest lists, layers from the lowest up. `*layers` is the caller's
 * to free(). ERROR_INVALID names the layer. */
bool manifest_read(const struct document *document, struct descriptor *config,
                   struct descriptor **layers, size_t *count, struct error *err) MUST_CHECK;

/** What a parsed manifest is, where that is no image:
 * "application/vnd.cncf.helm.config.v1+json", or what "artifactType" says. NULL for an image.
 * Borrowed from `manifest`. */
const char *manifest_artifact_type(const json_t *manifest);
