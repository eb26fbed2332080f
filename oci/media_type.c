/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/media_type.h"

#include <stddef.h>
#include <string.h>

static const struct {
    const char *name;
    enum media_type type;
    enum media_type oci;
} TYPES[] = {
    {"application/vnd.oci.image.index.v1+json", MEDIA_TYPE_OCI_INDEX, MEDIA_TYPE_OCI_INDEX},
    {"application/vnd.oci.image.manifest.v1+json", MEDIA_TYPE_OCI_MANIFEST,
     MEDIA_TYPE_OCI_MANIFEST},
    {"application/vnd.oci.image.config.v1+json", MEDIA_TYPE_OCI_CONFIG, MEDIA_TYPE_OCI_CONFIG},
    {"application/vnd.oci.image.layer.v1.tar", MEDIA_TYPE_OCI_LAYER_TAR,
     MEDIA_TYPE_OCI_LAYER_TAR},
    {"application/vnd.oci.image.layer.v1.tar+gzip", MEDIA_TYPE_OCI_LAYER_GZIP,
     MEDIA_TYPE_OCI_LAYER_GZIP},
    {"application/vnd.oci.image.layer.v1.tar+zstd", MEDIA_TYPE_OCI_LAYER_ZSTD,
     MEDIA_TYPE_OCI_LAYER_ZSTD},
    {"application/vnd.docker.distribution.manifest.list.v2+json", MEDIA_TYPE_DOCKER_LIST,
     MEDIA_TYPE_OCI_INDEX},
    {"application/vnd.docker.distribution.manifest.v2+json", MEDIA_TYPE_DOCKER_MANIFEST,
     MEDIA_TYPE_OCI_MANIFEST},
    {"application/vnd.docker.container.image.v1+json", MEDIA_TYPE_DOCKER_CONFIG,
     MEDIA_TYPE_OCI_CONFIG},
    {"application/vnd.docker.image.rootfs.diff.tar", MEDIA_TYPE_DOCKER_LAYER_TAR,
     MEDIA_TYPE_OCI_LAYER_TAR},
    {"application/vnd.docker.image.rootfs.diff.tar.gzip", MEDIA_TYPE_DOCKER_LAYER_GZIP,
     MEDIA_TYPE_OCI_LAYER_GZIP},
    {"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", MEDIA_TYPE_FOREIGN_LAYER,
     MEDIA_TYPE_FOREIGN_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar", MEDIA_TYPE_FOREIGN_LAYER,
     MEDIA_TYPE_FOREIGN_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", MEDIA_TYPE_FOREIGN_LAYER,
     MEDIA_TYPE_FOREIGN_LAYER},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", MEDIA_TYPE_FOREIGN_LAYER,
     MEDIA_TYPE_FOREIGN_LAYER},
};

enum { TYPE_COUNT = sizeof TYPES / sizeof *TYPES };

enum media_type media_type_parse(const char *text)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (strcmp(TYPES[i].name, text) == 0)
            return TYPES[i].type;
    return MEDIA_TYPE_OTHER;
}

const char *media_type_name(enum media_type type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].type == type)
            return TYPES[i].name;
    return "application/octet-stream";
}

bool media_type_is_index(enum media_type type)
{
    return type == MEDIA_TYPE_OCI_INDEX || type == MEDIA_TYPE_DOCKER_LIST;
}

bool media_type_is_manifest(enum media_type type)
{
    return type == MEDIA_TYPE_OCI_MANIFEST || type == MEDIA_TYPE_DOCKER_MANIFEST;
}

bool media_type_is_config(enum media_type type)
{
    return type == MEDIA_TYPE_OCI_CONFIG || type == MEDIA_TYPE_DOCKER_CONFIG;
}

enum media_type media_type_to_oci(enum media_type type)
{
    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].type == type)
            return TYPES[i].oci;
    return type;
}

enum media_type media_type_to_docker(enum media_type type)
{
    enum media_type oci = media_type_to_oci(type);

    for (size_t i = 0; i < TYPE_COUNT; i++)
        if (TYPES[i].oci == oci && TYPES[i].type != oci)
            return TYPES[i].type;
    return MEDIA_TYPE_OTHER;
}
