/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Bearer tokens: what a registry's token server hands out for a scope.
 *
 * Spec: distribution's token authentication and its OAuth 2 variant
 */

#include "registry/challenge.h"
#include "registry/registry_login.h"

/** Asks the challenge's realm for a token that opens `scope`: one or several, separated by
 *  spaces; none opens nothing but shows whether the login is good. A login with an identity
 *  token asks by OAuth 2, one that is all zero as nobody. The realm must be encrypted, or be
 *  as local as the plain http registry at `registry_url`. `*token` is the caller's to free().
 *  ERROR_DENIED when the login is refused. */
bool token_get(struct http *http, const struct challenge *challenge, const char *registry_url,
               const char *scope, const struct registry_login *login, char **token,
               struct error *err) MUST_CHECK;
