/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom storage is believed to be.
 *
 * The base image may have no certificates at all, and reading all of the world's takes longer
 * than a small upload. So the roots that S3 is certified by travel inside this program:
 * Amazon's four, and Starfield's, which signed the first of them. Whoever else is to be
 * trusted comes in a file: SSL_CERT_FILE adds to them everywhere, and storage that is not
 * Amazon's is also measured by what the image trusts.
 *
 * Source: https://www.amazontrust.com/repository/
 */

#include <stdbool.h>

#include "oci/base/error.h"
#include "oci/base/text.h"

/** Adds the certificates to believe, as PEM. ERROR_INVALID when SSL_CERT_FILE names a file
 *  that cannot be read. */
bool certificates_add(const char *const *environment, bool amazon_only, struct text *pem,
                      struct error *err) MUST_CHECK;
