/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Whom a transport trusts: the authorities of this system, or of the user's file,
 * read once for all its connections.
 *
 * libcurl would read them for each connection: a distribution's bundle is a
 * megabyte of memory and twenty milliseconds, sixteen times. So it is told to read
 * none, and each connection is handed the same ones. They are read at the first
 * connection that is encrypted, and only as far as to know their names: the few
 * that a server's certificate leads to are decoded when it does.
 *
 * Source: SSL_CTX_set1_cert_store(3), X509_LOOKUP_meth_new(3), CURLOPT_SSL_CTX_FUNCTION(3)
 */

#include "oci/base/error.h"

struct trust;

/* Those for all hosts, or those for one that has authorities of its own. */
struct authorities;

/** Copies both names: `file` (PEM) and `folder` (named by hashes, as c_rehash does); each may
 * be NULL. The rest may be called by any number of threads at once. */
struct trust *trust_new(const char *file, const char *folder);

/** Those for all hosts, with `more` (PEM; NULL: none) beside them. Reads nothing; equal `more`
 *  give the same. Lives as long as `trust`. */
struct authorities *trust_find(struct trust *trust, const char *more);

/** Makes the connections of `ssl_ctx`, an SSL_CTX of OpenSSL's, trust them and nobody else, and
 *  keep buffers only while there is something in them.
 *  ERROR_INVALID when there are none, or what should be a certificate is not. */
bool trust_give(struct authorities *authorities, void *ssl_ctx, struct error *err) MUST_CHECK;

/** Comes after the end of all connections that were given authorities. */
void trust_free(struct trust *trust);
