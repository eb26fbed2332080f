/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials.h"

#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"

enum { REGION_LIMIT = 63 }; /* characters: it becomes a label of a host name */

/* Where a provider may look. */
struct sources {
    const char *const *environment;
    const struct profile *profile;
};

/* Fills in `out` and sets `*found`, or leaves both alone where it knows nothing. It fails when
 * it was meant to know and cannot say. */
typedef bool provider(const struct sources *sources, struct aws_credentials *out, bool *found,
                      struct error *err);

/* A blank or line end that came along with a copied key would end up in a header. */
static bool check_key(const char *key, const char *where, struct error *err)
{
    for (const char *c = key; *c; c++)
        if (*c <= ' ' || *c > '~')
            return error_set(err, ERROR_DENIED,
                             "%s holds a blank or another character that no key has", where);
    return true;
}

static char *copy_optional(const char *string)
{
    return string ? memory_copy_string(string) : NULL;
}

static bool from_environment(const struct sources *sources, struct aws_credentials *out,
                             bool *found, struct error *err)
{
    const char *access_key = environment_get(sources->environment, "AWS_ACCESS_KEY_ID");
    const char *secret_key = environment_get(sources->environment, "AWS_SECRET_ACCESS_KEY");
    const char *token = environment_get(sources->environment, "AWS_SESSION_TOKEN");

    if (!access_key && !secret_key)
        return true;
    if (!access_key || !secret_key)
        return error_set(err, ERROR_DENIED, "%s is set, but %s is not",
                         access_key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                         access_key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    if (!check_key(access_key, "AWS_ACCESS_KEY_ID", err) ||
        !check_key(secret_key, "AWS_SECRET_ACCESS_KEY", err) ||
        (token && !check_key(token, "AWS_SESSION_TOKEN", err)))
        return false;
    out->access_key = memory_copy_string(access_key);
    out->secret_key = memory_copy_string(secret_key);
    out->session_token = copy_optional(token);
    *found = true;
    return true;
}

static bool from_profile(const struct sources *sources, struct aws_credentials *out,
                         bool *found, struct error *err)
{
    const struct profile *profile = sources->profile;
    owned(aws_credentials) struct aws_credentials read = {
        .access_key = profile_get(profile, "aws_access_key_id"),
        .secret_key = profile_get(profile, "aws_secret_access_key"),
        .session_token = profile_get(profile, "aws_session_token"),
    };

    if (!read.access_key && !read.secret_key)
        return true;
    if (!read.access_key || !read.secret_key)
        return error_set(err, ERROR_DENIED, "profile '%.80s' has %s, but no %s", profile->name,
                         read.access_key ? "aws_access_key_id" : "aws_secret_access_key",
                         read.access_key ? "aws_secret_access_key" : "aws_access_key_id");
    if (!check_key(read.access_key, "aws_access_key_id of the profile", err) ||
        !check_key(read.secret_key, "aws_secret_access_key of the profile", err) ||
        (read.session_token && !check_key(read.session_token, "aws_session_token", err)))
        return false;
    *out = read;
    read = (struct aws_credentials){0};
    *found = true;
    return true;
}

static provider *const providers[] = {from_environment, from_profile};

/* Ways of a profile to get credentials that are no keys. */
static const char *const other_ways[] = {
    "role_arn", "credential_process", "sso_session", "sso_start_url", "login_session",
};

static bool nobody_knows(const struct profile *profile, struct error *err)
{
    for (size_t i = 0; i < sizeof other_ways / sizeof *other_ways; i++) {
        owned(memory) char *value = profile_get(profile, other_ways[i]);
        if (value)
            return error_set(err, ERROR_DENIED,
                             "profile '%.80s' gets its credentials by %s, which skiff does not "
                             "do: put them into the environment with eval \"$(aws configure "
                             "export-credentials --profile %.80s --format env)\"",
                             profile->name, other_ways[i], profile->name);
    }
    return error_set(
        err, ERROR_DENIED,
        "no AWS credentials: AWS_ACCESS_KEY_ID is not set, and profile '%.80s' %s "
        "'%.200s' or '%.200s'; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or "
        "run 'aws configure'",
        profile->name, profile_exists(profile) ? "has no keys in" : "is not in",
        profile->credentials_path, profile->config_path);
}

bool credentials_find(const char *const *environment, const struct profile *profile,
                      struct aws_credentials *out, struct error *err)
{
    struct sources sources = {environment, profile};

    for (size_t i = 0; i < sizeof providers / sizeof *providers; i++) {
        bool found = false;
        if (!providers[i](&sources, out, &found, err))
            return false;
        if (found)
            return true;
    }
    return nobody_knows(profile, err);
}

static bool is_region(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length > 0 && length <= REGION_LIMIT && !text[length] && text[0] != '-' &&
           text[length - 1] != '-';
}

bool credentials_region(const char *option, const char *const *environment,
                        const struct profile *profile, char **out, struct error *err)
{
    owned(memory) char *configured = profile_get(profile, "region");
    const char *region = option;

    if (!region)
        region = environment_get(environment, "AWS_REGION");
    if (!region)
        region = environment_get(environment, "AWS_DEFAULT_REGION");
    if (!region)
        region = configured;
    if (!region)
        return error_set(
            err, ERROR_USAGE,
            "no AWS region: give --region, set AWS_REGION, or 'region' in profile '%.80s' of "
            "'%.200s'",
            profile->name, profile->config_path);
    if (!is_region(region))
        return error_set(err, ERROR_USAGE,
                         "'%.80s' is no AWS region, which looks like eu-west-1", region);
    *out = memory_copy_string(region);
    return true;
}
