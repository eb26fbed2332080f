/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who we are for AWS, and in which region.
 *
 * Providers are asked in the order the AWS CLI asks them, and the first that
 * knows wins: the environment, then the keys of the profile. A provider is one
 * row of a table, so the rest of AWS's chain is more rows.
 *
 * Source: AWS CLI User Guide, "Authentication and access credentials"
 */

#include "lambda/aws/profile.h"
#include "lambda/signer/signer.h"

/** Finds credentials. ERROR_DENIED says where they were looked for and what to do. */
bool credentials_find(const char *const *environment, const struct profile *profile,
                      struct aws_credentials *out, struct error *err) MUST_CHECK;

/** The region: `option` unless it is NULL, AWS_REGION, AWS_DEFAULT_REGION, the profile's. A new
 *  string, the caller's to free(). ERROR_USAGE when nobody says one or it is none. */
bool credentials_region(const char *option, const char *const *environment,
                        const struct profile *profile, char **out,
                        struct error *err) MUST_CHECK;
