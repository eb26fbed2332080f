/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images in one file, as stores.
 *
 * Two forms are in use. An OCI archive is a tar of an image layout; what goes in
 * comes out byte for byte. A docker archive is what "docker save" writes and
 * "docker load" reads: manifest.json, configs and plain layers, but no manifest.
 * Its layers are named by their diff ids, so a manifest over plain layers is made
 * for it, the same one every time; layers_compress() makes it fit for a registry.
 *
 * An archive is read where it lies. One that is written comes together in a
 * folder, and appears, complete, when its image gets its name; equal images give
 * equal files.
 *
 * Spec: image-spec v1.1, image-layout.md; Docker image specification v1.2
 */

#include "oci/base/progress.h"
#include "oci/layout.h"

enum { IMAGE_ARCHIVE_IMAGES_LIMIT = 100 }; /* in a docker archive */

/** Opens an archive to read from. `folder` is for a compressed one's bytes. ERROR_NOT_FOUND,
 *  ERROR_INVALID, ERROR_LIMIT. */
bool oci_archive_open(const char *path, const char *folder, struct store **out,
                      struct error *err) MUST_CHECK;

/** The same for a docker archive. Names are full references ("docker.io/library/a:b"), digests
 *  of the manifests made for it, or "" for the only image. */
bool docker_archive_open(const char *path, const char *folder, struct store **out,
                         struct error *err) MUST_CHECK;

/** A store that becomes the archive at `path`, in the place of one that is there, when a
 *  manifest is put under a tag; it holds that image alone, and a docker archive no index. It
 * comes together in a folder of its own in `folder`. ERROR_NOT_FOUND when the file has no place
 * to be, ERROR_INVALID when something else than a file is there. */
bool oci_archive_create(const char *path, const char *folder, struct store **out,
                        struct error *err) MUST_CHECK;
bool docker_archive_create(const char *path, const char *folder, struct store **out,
                           struct error *err) MUST_CHECK;
