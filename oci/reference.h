/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where an image is said to be: "host/repository:tag@digest".
 *
 * Every part has a limit in the spec, so a reference is one flat value with
 * nothing to free. Parsing fills in what people leave out: "alpine" becomes
 * docker.io/library/alpine:latest.
 *
 * Spec: distribution-spec v1.1, spec.md#pulling-manifests
 */

#include <stdbool.h>

#include "oci/digest.h"

struct reference {
    char host[256];       /* "docker.io", "localhost:5000" */
    char repository[256]; /* "library/alpine" */
    char tag[129];        /* empty when only a digest was given */
    bool has_digest;      /* a digest wins over a tag */
    struct digest digest;
    char name[129]; /* what to ask the registry for: the digest's text, else the tag */
};

/** ERROR_USAGE quotes the text and names the part that is wrong and why. */
bool reference_parse(const char *text, struct reference *out, struct error *err) MUST_CHECK;

/** The full spelling; a new string, the caller's to free(). */
char *reference_format(const struct reference *reference);
