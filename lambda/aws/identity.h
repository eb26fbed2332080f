/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who AWS thinks we are: the Security Token Service, of which one call is of use here.
 *
 * Source: AWS STS API reference, GetCallerIdentity
 */

#include "lambda/aws/aws.h"

/** The unique id of the caller, "AIDA…" for a user, "AROA…:session" for a role; a new string,
 *  the caller's to free(). */
bool identity_user_id(const struct aws *aws, char **out, struct error *err) MUST_CHECK;
