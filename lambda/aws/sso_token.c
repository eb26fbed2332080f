/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/sso_token.h"

#include <string.h>

#include "lambda/aws/aws.h"
#include "lambda/aws/timestamp.h"
#include "oci/base/file.h"
#include "oci/base/hash.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FILE_LIMIT = 256 * 1024, RENEW_EARLY_S = 15 * 60, LIFE_LIMIT_S = 400 * 24 * 3600 };

bool sso_token_want_login(const struct credentials_sources *sources, const char *reason,
                          struct error *err)
{
    const char *name = sources->profile.name;

    return error_set(err, ERROR_DENIED,
                     "profile '%.80s': %s; run: aws sso login --profile %.80s", name, reason,
                     name);
}

static char *cache_path(const struct aws_settings *settings, const struct sso_session *session)
{
    const char *key = session->name ? session->name : session->start_url;
    uint8_t hash[SHA1_BYTES];
    char name[2 * SHA1_BYTES + 1];

    sha1_of(key, strlen(key), hash);
    hex_encode(hash, sizeof hash, name);
    owned(memory) char *path = text_format("~/.aws/sso/cache/%s.json", name);
    return aws_settings_path(settings, path);
}

/* NULL without a session. */
static json_t *read_cache(const char *path)
{
    owned(memory) char *text = NULL;
    json_t *cache = NULL;
    struct error unusable;
    size_t count;

    if (!file_read(path, FILE_LIMIT, &text, &count, &unusable))
        return NULL;
    bool read = json_parse(text, count, &cache, &unusable);
    explicit_bzero(text, count);
    return read ? cache : NULL;
}

/* 0 where it is missing or no time. */
static time_t time_of(const json_t *cache, const char *field)
{
    const char *text = json_optional_string(cache, field);
    time_t time = 0;

    return text && timestamp_parse(text, &time) ? time : 0;
}

static bool can_renew(const json_t *cache, time_t now)
{
    return json_optional_string(cache, "refreshToken") &&
           json_optional_string(cache, "clientId") &&
           json_optional_string(cache, "clientSecret") &&
           time_of(cache, "registrationExpiresAt") > now;
}

static bool ask_anew(const struct credentials_sources *sources,
                     const struct sso_session *session, const json_t *cache, json_t **answer,
                     struct error *err)
{
    const struct aws_call call = {
        .service = "sso-oidc",
        .operation = "CreateToken",
        .path = "/token",
        .is_anonymous = true,
    };
    struct aws_state state = {0};
    const struct aws aws = {
        .http = sources->http,
        .region = session->region,
        .settings = sources->settings,
        .clock = sources->clock,
        .state = &state,
    };
    json_owned json_t *question =
        json_pack("{s:s, s:O, s:O, s:O}", "grantType", "refresh_token", "clientId",
                  json_object_get(cache, "clientId"), "clientSecret",
                  json_object_get(cache, "clientSecret"), "refreshToken",
                  json_object_get(cache, "refreshToken"));

    return aws_ask(&aws, &call, question, answer, NULL, err);
}

/* Changes the cache, in memory and then in its file; a file that cannot be written costs
 * another renewal, no more. */
static bool renew(const struct credentials_sources *sources, const struct sso_session *session,
                  const char *path, json_t *cache, struct error *err)
{
    json_owned json_t *answer = NULL;
    const char *token;
    uint64_t life_s;
    struct error unwritten;

    if (!ask_anew(sources, session, cache, &answer, err) ||
        !json_field_string(answer, "accessToken", &token, err) ||
        !json_field_size(answer, "expiresIn", &life_s, err))
        return false;
    if (life_s > LIFE_LIMIT_S)
        life_s = LIFE_LIMIT_S;
    time_t expire_at = clock_now(sources->clock) + (time_t)life_s;
    json_object_set(cache, "accessToken", json_object_get(answer, "accessToken"));
    json_object_set_new(cache, "expiresAt", json_string(timestamp_format(expire_at).text));
    if (json_optional_string(answer, "refreshToken"))
        json_object_set(cache, "refreshToken", json_object_get(answer, "refreshToken"));
    owned(memory) char *text = json_text(cache);
    bool kept = file_write(path, 0600, text, strlen(text), &unwritten);
    (void)kept;
    return true;
}

static bool is_token(const char *text)
{
    for (const char *c = text; c && *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return text && *text;
}

bool sso_token_find(const struct credentials_sources *sources,
                    const struct sso_session *session, char **out, struct error *err)
{
    owned(memory) char *path = cache_path(sources->settings, session);
    json_owned json_t *cache = read_cache(path);
    time_t now = clock_now(sources->clock);
    struct error refused;

    if (!json_optional_string(cache, "accessToken"))
        return sso_token_want_login(sources, "nobody is logged in", err);
    time_t left_s = time_of(cache, "expiresAt") - now;
    bool renewed = left_s < RENEW_EARLY_S && session->name && can_renew(cache, now) &&
                   renew(sources, session, path, cache, &refused);
    if (!renewed && left_s <= 0)
        return sso_token_want_login(sources, "the login has ended", err);
    const char *token = json_optional_string(cache, "accessToken");
    if (!is_token(token))
        return sso_token_want_login(sources, "the login is unreadable", err);
    *out = memory_copy_string(token);
    return true;
}
