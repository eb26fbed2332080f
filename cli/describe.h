/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images in JSON, for --json and --metadata-file, and in lines for people.
 */

#include <jansson.h>
#include <stdio.h>

#include "oci/image.h"

/** The manifest's descriptor with its platform, "config" and "layers"; a new object, the
 * caller's. */
json_t *describe_image(const struct image *image);

/** What a person wants to know: how it runs, and its layers. */
void describe_print_image(const struct image *image, FILE *out);

/** Prints one JSON document, laid out for reading. Takes over `json`. */
void describe_print_json(json_t *json, FILE *out);
