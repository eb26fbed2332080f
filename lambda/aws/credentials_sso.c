/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lambda/aws/aws.h"
#include "lambda/aws/credentials_read.h"
#include "lambda/aws/region.h"
#include "lambda/aws/sso_token.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* All owned; NULL where it is not set. */
struct sso_profile {
    char *account;
    char *role;
    char *session;
    char *start_url;
    char *region;
};

static void sso_profile_cleanup(struct sso_profile *sso)
{
    free(sso->account);
    free(sso->role);
    free(sso->session);
    free(sso->start_url);
    free(sso->region);
}

/* A key of the session, which the profile may repeat but not contradict. */
static bool get(const struct profile *profile, const char *session, const char *key, char **out,
                struct error *err)
{
    owned(memory) char *own = profile_get(profile, key);
    owned(memory) char *shared =
        session ? profile_section_get(profile->files, "sso-session", session, NULL, key) : NULL;

    if (own && shared && strcmp(own, shared) != 0)
        return error_set(err, ERROR_DENIED,
                         "profile '%.80s' and sso-session '%.80s' have different values of %s",
                         profile->name, session, key);
    *out = shared ? take(&shared) : take(&own);
    return *out || error_set(err, ERROR_DENIED, "profile '%.80s' uses SSO, but has no %s",
                             profile->name, key);
}

static bool read_profile(const struct profile *profile, struct sso_profile *sso,
                         struct error *err)
{
    sso->session = profile_get(profile, "sso_session");
    if (sso->session && !profile_section_exists(profile->files, "sso-session", sso->session))
        return error_set(err, ERROR_DENIED,
                         "profile '%.80s' uses sso-session '%.80s', which is not in '%.200s'",
                         profile->name, sso->session, profile->files->config_path);
    return get(profile, sso->session, "sso_account_id", &sso->account, err) &&
           get(profile, sso->session, "sso_role_name", &sso->role, err) &&
           get(profile, sso->session, "sso_start_url", &sso->start_url, err) &&
           get(profile, sso->session, "sso_region", &sso->region, err);
}

static bool read_answer(const json_t *answer, struct credentials *out, struct error *err)
{
    json_t *role;
    const char *access_key;
    const char *secret_key;
    const char *token;
    uint64_t expire_at_ms;

    if (!json_field_object(answer, "roleCredentials", &role, err) ||
        !json_field_string(role, "accessKeyId", &access_key, err) ||
        !json_field_string(role, "secretAccessKey", &secret_key, err) ||
        !json_field_string(role, "sessionToken", &token, err) ||
        !json_field_size(role, "expiration", &expire_at_ms, err))
        return false;
    out->keys.access_key = memory_copy_string(access_key);
    out->keys.secret_key = memory_copy_string(secret_key);
    out->keys.session_token = memory_copy_string(token);
    out->expire_at = (time_t)(expire_at_ms / 1000);
    return credentials_check(out, "the answer", err);
}

static char *make_path(const struct sso_profile *sso)
{
    struct text path = {0};

    text_add(&path, "/federation/credentials?role_name=");
    text_add_escaped(&path, sso->role, "");
    text_add(&path, "&account_id=");
    text_add_escaped(&path, sso->account, "");
    return text_take(&path);
}

static bool ask(const struct credentials_sources *sources, const struct sso_profile *sso,
                const char *token, struct credentials *out, struct error *err)
{
    owned(memory) char *path = make_path(sso);
    const struct aws_call call = {
        .service = "sso",
        .operation = "GetRoleCredentials",
        .method = "GET",
        .path = path,
        .headers = {{"x-amz-sso_bearer_token", token}},
        .is_anonymous = true,
    };
    struct aws_state state = {0};
    const struct aws aws = {
        .http = sources->http,
        .region = sso->region,
        .settings = sources->settings,
        .clock = sources->clock,
        .state = &state,
    };
    json_owned json_t *answer = NULL;
    struct refusal refusal;

    if (!aws_ask(&aws, &call, NULL, &answer, &refusal, err))
        return refusal.status == 401
                   ? sso_token_want_login(sources, "the login is not good any more", err)
                   : error_wrap(err, "profile '%.80s'", sources->profile.name);
    return read_answer(answer, out, err) || error_wrap(err, "sso GetRoleCredentials");
}

static bool uses_sso(const struct profile *profile)
{
    owned(memory) char *account = profile_get(profile, "sso_account_id");
    owned(memory) char *role = profile_get(profile, "sso_role_name");

    return account || role;
}

bool credentials_from_sso(const struct credentials_sources *sources, struct credentials *out,
                          bool *found, struct error *err)
{
    owned(sso_profile) struct sso_profile sso = {0};
    owned(memory) char *token = NULL;

    if (!uses_sso(&sources->profile))
        return true;
    if (!read_profile(&sources->profile, &sso, err))
        return false;
    if (!region_is_valid(sso.region))
        return error_set(err, ERROR_DENIED, "sso_region '%.80s' is no AWS region", sso.region);
    const struct sso_session session = {sso.session, sso.start_url, sso.region};
    if (!sso_token_find(sources, &session, &token, err) || !ask(sources, &sso, token, out, err))
        return false;
    out->origin = text_format("the SSO session of profile '%s'", sources->profile.name);
    *found = true;
    return true;
}
