/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who AWS thinks we are: the Security Token Service's GetCallerIdentity, which needs no
 * permission.
 *
 * Source: AWS STS API reference, GetCallerIdentity
 */

#include "lambda/aws/aws.h"

/* All owned. */
struct identity {
    char *user_id; /* "AIDA…" for a user, "AROA…:session" for a role */
    char *account; /* twelve digits */
    char *arn;
};

bool identity_get(const struct aws *aws, struct identity *out, struct error *err) MUST_CHECK;
void identity_release(struct identity *identity);

/** The unique id of the caller; a new string, the caller's to free(). */
bool identity_user_id(const struct aws *aws, char **out, struct error *err) MUST_CHECK;

static inline void identity_cleanup(struct identity *identity)
{
    identity_release(identity);
}
