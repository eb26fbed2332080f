/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The name of bytes by their content.
 *
 * Only sha256 is understood: it is the one algorithm every registry must
 * accept. A digest is 32 plain bytes; copy it, compare it, pass it around.
 *
 * Spec: image-spec v1.1, descriptor.md#digests
 */

#include <stdint.h>

#include "oci/base/error.h"
#include "oci/base/stream.h"

struct digest {
    uint8_t bytes[32];
};

/* "sha256:", 64 hexadecimal digits and the end of the string. */
struct digest_text {
    char text[72];
};

/** Reads "sha256:<64 lower-case hex digits>", and nothing before or after.
 *  ERROR_INVALID otherwise. */
bool digest_parse(const char *text, struct digest *out, struct error *err) MUST_CHECK;

/** For printing: printf("%s", digest_format(&digest).text). */
struct digest_text digest_format(const struct digest *digest);

/** The first 12 digits, enough for people: "sha256:1f0c2a3b4c5d". */
struct digest_text digest_format_short(const struct digest *digest);

/** The digest of bytes in memory. */
struct digest digest_of(const void *bytes, size_t count);

bool digest_equal(const struct digest *a, const struct digest *b);

/** A sink that passes bytes on unchanged and, when finished, tells what they
 *  were. `size`, in bytes, may be NULL. Takes over `next`. */
struct sink *digest_sink(struct sink *next, struct digest *digest, uint64_t *size);
