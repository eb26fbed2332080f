/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * function_config.yaml: what the supervisor is told about its function.
 *
 * It is the lambda section as written, unknown keys and all, with what skiff
 * decided put over it. Everybody who can read the image can read it and equal
 * definitions must give equal images: so no storage credentials, no variables of
 * the function itself, and nothing that is only true on the machine where it was
 * made.
 */

#include "lambda/definition.h"
#include "oci/base/yaml.h"

struct definition_config {
    const struct yaml_node *lambda;       /* NULL: there is no file */
    const struct yaml_node *delete_image; /* of the ecr section; NULL: not given */
    const char *image;                    /* NULL: not told, it is a folder of this machine */
    const char *input; /* paths in S3 besides those of the file; NULL for none */
    const char *output;
    const char *log_level;
    int threshold_s; /* what is kept of the time to end in order */
};

/** A new object, the caller's. */
json_t *definition_config_write(const struct definition *definition,
                                const struct definition_config *config);
