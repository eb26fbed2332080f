/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials_read.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

typedef char *getter(const struct profile *profile, const char *key);

/* Its keys, written down in one of the two files. */
static bool read_keys(const struct profile *profile, getter *get, struct credentials *out,
                      bool *found, struct error *err)
{
    owned(credentials) struct credentials read = {
        .keys = {.access_key = get(profile, "aws_access_key_id"),
                 .secret_key = get(profile, "aws_secret_access_key"),
                 .session_token = get(profile, "aws_session_token")},
        .origin = text_format("profile '%s'", profile->name),
    };
    const struct aws_credentials *keys = &read.keys;

    if (!keys->access_key && !keys->secret_key)
        return true;
    if (!keys->access_key || !keys->secret_key)
        return error_set(err, ERROR_DENIED, "profile '%.80s' has %s, but no %s", profile->name,
                         keys->access_key ? "aws_access_key_id" : "aws_secret_access_key",
                         keys->access_key ? "aws_secret_access_key" : "aws_access_key_id");
    if (!credentials_check(&read, read.origin, err))
        return false;
    *out = read;
    read = (struct credentials){0};
    *found = true;
    return true;
}

bool credentials_from_credentials_file(const struct credentials_sources *sources,
                                       struct credentials *out, bool *found, struct error *err)
{
    return read_keys(&sources->profile, profile_get_from_credentials, out, found, err);
}

bool credentials_from_config_file(const struct credentials_sources *sources,
                                  struct credentials *out, bool *found, struct error *err)
{
    return read_keys(&sources->profile, profile_get_from_config, out, found, err);
}
