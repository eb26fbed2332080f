/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The session that 'aws sso login' leaves in ~/.aws/sso/cache, and its renewal.
 *
 * Its file is named by the SHA-1 of the session's name, or of the start URL where
 * profiles are written the older way; only the former can be renewed. A renewed
 * token is written back, for the AWS CLI to find.
 *
 * Source: AWS IAM Identity Center OIDC API reference, CreateToken; botocore/tokens.py
 */

#include "lambda/aws/credentials.h"

/* All borrowed. */
struct sso_session {
    const char *name; /* NULL for a profile without one */
    const char *start_url;
    const char *region;
};

/** A token that is good now; a new string, the caller's to free(). ERROR_DENIED says to log in.
 */
bool sso_token_find(const struct credentials_sources *sources,
                    const struct sso_session *session, char **out,
                    struct error *err) MUST_CHECK;

/** Sets the error that the user has to log in, which `reason` begins. Always false. */
bool sso_token_want_login(const struct credentials_sources *sources, const char *reason,
                          struct error *err);
