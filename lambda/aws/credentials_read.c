/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials_read.h"

#include "lambda/aws/timestamp.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

static bool check_key(const char *key, const char *name, const char *where, struct error *err)
{
    for (const char *c = key; c && *c; c++)
        if (*c <= ' ' || *c > '~')
            return error_set(err, ERROR_DENIED,
                             "the %s of %s holds a blank or another character that no key has",
                             name, where);
    return true;
}

bool credentials_check(const struct credentials *credentials, const char *where,
                       struct error *err)
{
    const struct aws_credentials *keys = &credentials->keys;

    return check_key(keys->access_key, "access key", where, err) &&
           check_key(keys->secret_key, "secret key", where, err) &&
           check_key(keys->session_token, "session token", where, err);
}

bool credentials_read_json(const json_t *json, const char *token, struct credentials *out,
                           struct error *err)
{
    const char *access_key;
    const char *secret_key;
    const char *session_token = json_optional_string(json, token);
    const char *expiration = json_optional_string(json, "Expiration");
    time_t expire_at = 0;

    if (!json_field_string(json, "AccessKeyId", &access_key, err) ||
        !json_field_string(json, "SecretAccessKey", &secret_key, err))
        return false;
    if (expiration && !timestamp_parse(expiration, &expire_at))
        return error_set(err, ERROR_INVALID, "Expiration '%.40s' is no time", expiration);
    out->keys.access_key = memory_copy_string(access_key);
    out->keys.secret_key = memory_copy_string(secret_key);
    out->keys.session_token = session_token ? memory_copy_string(session_token) : NULL;
    out->expire_at = expire_at;
    return credentials_check(out, "the answer", err);
}
