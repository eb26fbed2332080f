/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The metadata service of EC2's instances, version 2: a token first, then questions.
 *
 * Everywhere else nobody answers, which is known after a second and no error.
 * Version 1, which gives its answers to whoever asks, is not spoken.
 *
 * Source: Amazon EC2 User Guide, "Use the Instance Metadata Service"
 */

#include "lambda/aws/credentials.h"

/** The answer for "/latest/meta-data/<path>", a new string, the caller's to free(); NULL when
 *  there is no such service, it has no such thing, or AWS_EC2_METADATA_DISABLED is true. */
bool instance_metadata_get(const struct credentials_sources *sources, const char *path,
                           char **out, struct error *err) MUST_CHECK;
