/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"

enum { CHAIN_LIMIT = 16 }; /* profiles that name each other */

/* 'aws login' is not done: it renews its keys with proofs of its own making (DPoP). */
static bool refuse_login(const struct credentials_sources *sources, struct credentials *out,
                         bool *found, struct error *err)
{
    const struct profile *profile = &sources->profile;
    owned(memory) char *session = profile_get(profile, "login_session");
    (void)out;
    (void)found;

    if (!session)
        return true;
    return error_set(err, ERROR_DENIED,
                     "profile '%.80s' gets its credentials by 'aws login', which skiff does "
                     "not do: put them into the environment with eval \"$(aws configure "
                     "export-credentials --profile %.80s --format env)\"",
                     profile->name, profile->name);
}

/* Whose they are, for not everybody is asked at every time. */
enum { OF_ENVIRONMENT = 1, OF_ROLE = 2, OF_PROFILE = 4, OF_MACHINE = 8 };

/* clang-format off */
static const struct {
    credentials_provider *ask;
    int kind;
} providers[] = {
    {credentials_from_environment, OF_ENVIRONMENT},
    {credentials_from_role, OF_ROLE},
    {credentials_from_web_identity, OF_PROFILE},
    {credentials_from_sso, OF_PROFILE},
    {credentials_from_credentials_file, OF_PROFILE},
    {refuse_login, OF_PROFILE},
    {credentials_from_process, OF_PROFILE},
    {credentials_from_config_file, OF_PROFILE},
    {credentials_from_container, OF_MACHINE},
    {credentials_from_instance, OF_MACHINE},
};
/* clang-format on */

static bool ask_those(int kinds, const struct credentials_sources *sources,
                      struct credentials *out, bool *found, struct error *err)
{
    for (size_t i = 0; i < sizeof providers / sizeof *providers && !*found; i++)
        if ((providers[i].kind & kinds) && !providers[i].ask(sources, out, found, err))
            return false;
    return true;
}

static bool check_profile(const struct credentials_sources *sources, struct error *err)
{
    const struct profile *profile = &sources->profile;

    if (profile_exists(profile))
        return true;
    return error_set(
        err, ERROR_DENIED,
        "profile '%.80s' is not in '%.200s' or '%.200s'; 'aws configure list-profiles' "
        "lists those that are",
        profile->name, profile->files->credentials_path, profile->files->config_path);
}

static bool nobody_knows(const struct credentials_sources *sources, struct error *err)
{
    const struct profile *profile = &sources->profile;

    return error_set(
        err, ERROR_DENIED,
        "no AWS credentials: AWS_ACCESS_KEY_ID is not set, profile '%.80s' %s '%.200s' or "
        "'%.200s', and this is no container and no instance of AWS that has some; set "
        "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or run 'aws configure' or 'aws sso "
        "login'",
        profile->name, profile_exists(profile) ? "has none in" : "is not in",
        profile->files->credentials_path, profile->files->config_path);
}

bool credentials_find(const struct credentials_sources *sources, struct credentials *out,
                      struct error *err)
{
    const struct aws_settings *settings = sources->settings;
    bool found = false;

    if (!settings->profile_is_explicit && !ask_those(OF_ENVIRONMENT, sources, out, &found, err))
        return false;
    if (!found && settings->profile_is_named && !check_profile(sources, err))
        return false;
    if (!ask_those(OF_ROLE | OF_PROFILE | OF_MACHINE, sources, out, &found, err))
        return false;
    return found || nobody_knows(sources, err);
}

/* A profile may name itself, for a role and the keys to assume it with; otherwise none comes
 * up twice. */
static bool check_chain(const struct credentials_sources *sources, bool has_keys,
                        struct error *err)
{
    int count = 1;

    for (const struct credentials_sources *each = sources->asked_by; each;
         each = each->asked_by, count++) {
        bool is_same = strcmp(each->profile.name, sources->profile.name) == 0;
        if ((is_same && !(each == sources->asked_by && has_keys)) || count == CHAIN_LIMIT)
            return error_set(err, ERROR_DENIED,
                             "source_profile leads from '%.80s' back to '%.80s'",
                             sources->asked_by->profile.name, sources->profile.name);
    }
    return true;
}

static bool has_keys(const struct profile *profile)
{
    owned(memory) char *access_key = profile_get(profile, "aws_access_key_id");
    owned(memory) char *secret_key = profile_get(profile, "aws_secret_access_key");

    return access_key || secret_key;
}

bool credentials_find_in_profile(const struct credentials_sources *sources,
                                 struct credentials *out, struct error *err)
{
    bool keys = has_keys(&sources->profile);
    bool found = false;

    if (!check_profile(sources, err) || !check_chain(sources, keys, err) ||
        !ask_those(keys ? OF_PROFILE : OF_ROLE | OF_PROFILE, sources, out, &found, err))
        return false;
    return found || error_set(err, ERROR_DENIED, "profile '%.80s' has no credentials",
                              sources->profile.name);
}

void credentials_release(struct credentials *credentials)
{
    aws_credentials_release(&credentials->keys);
    free(credentials->origin);
    *credentials = (struct credentials){0};
}
