/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials_read.h"
#include "lambda/aws/timestamp.h"
#include "oci/base/memory.h"

bool credentials_from_environment(const struct credentials_sources *sources,
                                  struct credentials *out, bool *found, struct error *err)
{
    const struct aws_settings *settings = sources->settings;
    const char *access_key = aws_settings_variable(settings, "AWS_ACCESS_KEY_ID");
    const char *secret_key = aws_settings_variable(settings, "AWS_SECRET_ACCESS_KEY");
    const char *token =
        aws_settings_variable(settings, "AWS_SECURITY_TOKEN"); /* its old name */
    const char *expiration = aws_settings_variable(settings, "AWS_CREDENTIAL_EXPIRATION");
    time_t expire_at = 0;

    if (!token)
        token = aws_settings_variable(settings, "AWS_SESSION_TOKEN");
    if (!access_key && !secret_key)
        return true;
    if (!access_key || !secret_key)
        return error_set(err, ERROR_DENIED, "%s is set, but %s is not",
                         access_key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                         access_key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    if (expiration && !timestamp_parse(expiration, &expire_at))
        return error_set(err, ERROR_DENIED, "AWS_CREDENTIAL_EXPIRATION '%.40s' is no time",
                         expiration);
    *out = (struct credentials){
        .keys = {.access_key = memory_copy_string(access_key),
                 .secret_key = memory_copy_string(secret_key),
                 .session_token = token ? memory_copy_string(token) : NULL},
        .expire_at = expire_at,
        .origin = memory_copy_string("the environment"),
    };
    *found = true;
    return credentials_check(out, "the environment", err);
}
