/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lambda/aws/token_service.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { TOKEN_FILE_LIMIT = 64 * 1024 }; /* bytes */

/* The variable counts, unless a source profile is asked for what it says itself. */
static char *get(const struct credentials_sources *sources, const char *variable,
                 const char *key)
{
    const char *value = aws_settings_variable(sources->settings, variable);
    bool is_profile_alone = sources->asked_by || sources->settings->profile_is_explicit;

    return value && !is_profile_alone ? memory_copy_string(value)
                                      : profile_get(&sources->profile, key);
}

/* It is read anew each time, for whoever put it there renews it. */
static bool assume(const struct credentials_sources *sources, const char *path, const char *arn,
                   struct credentials *out, struct error *err)
{
    owned(memory) char *name = get(sources, "AWS_ROLE_SESSION_NAME", "role_session_name");
    owned(memory) char *usual_name = token_service_session_name(sources);
    owned(memory) char *file = aws_settings_path(sources->settings, path);
    owned(memory) char *token = NULL;
    size_t count;

    if (!arn)
        return error_set(
            err, ERROR_DENIED,
            "a web identity's token, '%.200s', but neither AWS_ROLE_ARN nor role_arn "
            "says which role it is for",
            path);
    if (!file_read(file, TOKEN_FILE_LIMIT, &token, &count, err))
        return error_wrap(err, "token of the web identity");
    token[strcspn(token, "\r\n")] = '\0';
    if (!*token)
        return error_set(err, ERROR_DENIED,
                         "token of the web identity: '%.200s' is empty; whoever writes it has "
                         "not got one",
                         file);
    const struct token_service_field fields[TOKEN_SERVICE_FIELDS_LIMIT] = {
        {"RoleArn", arn},
        {"RoleSessionName", name ? name : usual_name},
        {"WebIdentityToken", token},
    };
    return token_service_ask(sources, "AssumeRoleWithWebIdentity", fields, NULL, out, err);
}

bool credentials_from_web_identity(const struct credentials_sources *sources,
                                   struct credentials *out, bool *found, struct error *err)
{
    owned(memory) char *path =
        get(sources, "AWS_WEB_IDENTITY_TOKEN_FILE", "web_identity_token_file");
    owned(memory) char *arn = get(sources, "AWS_ROLE_ARN", "role_arn");

    if (!path)
        return true;
    if (!assume(sources, path, arn, out, err)) {
        err->kind = err->kind == ERROR_NETWORK ? ERROR_NETWORK : ERROR_DENIED;
        return false;
    }
    out->origin = text_format("a web identity, which assumes %s", arn);
    *found = true;
    return true;
}
