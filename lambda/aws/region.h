/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The region: said by the user, or the one the instance is in.
 *
 * Source: AWS SDKs and Tools Reference Guide, "AWS Region"
 */

#include "lambda/aws/credentials.h"

/** The region: `option` unless it is NULL, AWS_REGION, AWS_DEFAULT_REGION, the profile's, the
 *  instance's. A new string, the caller's to free(); `*origin` says where it is from, for
 * people, also a new string. ERROR_USAGE when nobody says one or it is none. */
bool region_find(const char *option, const struct credentials_sources *sources, char **out,
                 char **origin, struct error *err) MUST_CHECK;

/** Whether the text looks like eu-west-1, and may become a label of a host's name. */
bool region_is_valid(const char *text);
