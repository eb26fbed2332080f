/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an image runs on: "linux/amd64", "linux/arm64/v8".
 *
 * Called platform_spec because a platform, in lambda/, is whoever runs functions.
 *
 * Spec: image-spec v1.1, image-index.md#image-index-property-descriptions
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

struct platform_spec {
    char os[32];
    char architecture[32]; /* Go's names: "amd64", "arm64" */
    char variant[16];      /* "v8"; empty matches any */
};

/* For printing: the platform as text. */
struct platform_text {
    char text[88];
};

enum { PLATFORMS_LIMIT = 16 };

/** Reads "os/architecture[/variant]". "x86_64" and "aarch64" are understood.
 *  ERROR_USAGE otherwise. */
bool platform_spec_parse(const char *text, struct platform_spec *out,
                         struct error *err) MUST_CHECK;

/** Reads a list separated by commas, without doubles; at most PLATFORMS_LIMIT. */
bool platform_spec_parse_list(const char *text, struct platform_spec *out, size_t *count,
                              struct error *err) MUST_CHECK;

struct platform_text platform_spec_format(const struct platform_spec *platform);

/** Reads the fields os, architecture and variant of an index entry's platform or of an
 *  image's config. ERROR_INVALID. */
bool platform_spec_read(const json_t *json, struct platform_spec *out,
                        struct error *err) MUST_CHECK;

/** A new JSON object, the caller's. */
json_t *platform_spec_write(const struct platform_spec *platform);

/** Whether something made for `offered` runs where `wanted` is asked for. An empty variant
 *  on either side matches any. */
bool platform_spec_matches(const struct platform_spec *offered,
                           const struct platform_spec *wanted);
