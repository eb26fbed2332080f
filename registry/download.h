/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A blob's way out of a repository: one GET, continued where it broke off.
 *
 * A broken body is asked for again from the byte that is missing. Where that is
 * not understood the blob comes from its beginning, and what is known already is
 * passed over. No validator is sent along: the URL names the bytes by their
 * digest, and whoever reads holds them against it.
 *
 * Spec: RFC 9110, section 14; distribution-spec v1.1, spec.md#pulling-blobs
 */

#include "registry/session.h"

/** Opens what is at the URL, without its first `from` bytes, asked for with `scope`, which is
 *  borrowed as the session is. ERROR_NOT_FOUND when nothing is there. */
bool download_open(struct session *session, const char *scope, const char *url, uint64_t from,
                   struct source **out, struct error *err) MUST_CHECK;
