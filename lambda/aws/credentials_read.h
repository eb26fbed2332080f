/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credentials in the forms they come in: loose strings, JSON of a service or program.
 */

#include <jansson.h>

#include "lambda/aws/credentials.h"

enum { CREDENTIALS_ANSWER_LIMIT = 64 * 1024 }; /* bytes of JSON */

/** Whether the keys are such that they can go into a header: what came along when they were
 *  copied cannot. `where` says in an error who named them. */
bool credentials_check(const struct credentials *credentials, const char *where,
                       struct error *err) MUST_CHECK;

/** Reads {"AccessKeyId", "SecretAccessKey", <token>, "Expiration"}, the last two of which may
 * be missing. ERROR_INVALID names the field, never its value. */
bool credentials_read_json(const json_t *json, const char *token, struct credentials *out,
                           struct error *err) MUST_CHECK;
