/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credentials for a role, from AWS's Security Token Service.
 *
 * Source: AWS STS API reference, AssumeRole and AssumeRoleWithWebIdentity
 */

#include "lambda/aws/credentials.h"

enum { TOKEN_SERVICE_FIELDS_LIMIT = 8 };

struct token_service_field {
    const char *name;
    const char *value; /* NULL: left out */
};

/** Asks for them, signed by `source`, or not at all where that is NULL. `fields` end by one
 *  without a name. */
bool token_service_ask(const struct credentials_sources *sources, const char *operation,
                       const struct token_service_field *fields,
                       const struct credentials *source, struct credentials *out,
                       struct error *err) MUST_CHECK;

/** What the session is called where nobody says: a new string, the caller's to free(). */
char *token_service_session_name(const struct credentials_sources *sources);
