/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/token.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/registry_error.h"

enum { ANSWER_LIMIT = 64 * 1024 }; /* bytes; real tokens have a few thousand */

/* A token and a password are worth the same, so neither goes unencrypted to anybody but the
 * host that the user wrote down as plain http. */
static bool is_safe(const char *realm, const char *registry_url)
{
    if (strncmp(realm, "https://", 8) == 0)
        return true;
    if (strncmp(realm, "http://", 7) != 0 || strncmp(registry_url, "http://", 7) != 0)
        return false;

    owned(memory) char *ours = http_url_origin(registry_url);
    owned(memory) char *theirs = http_url_origin(realm);
    return strcmp(ours, theirs) == 0 ||
           (http_url_is_loopback(ours) && http_url_is_loopback(theirs));
}

static char *token_url(const struct challenge *challenge, const char *scope)
{
    owned(text) struct text url = {0};
    const char *join = strchr(challenge->realm, '?') ? "&" : "?";

    text_add(&url, challenge->realm);
    if (challenge->service) {
        text_addf(&url, "%sservice=", join);
        text_add_escaped(&url, challenge->service, "");
        join = "&";
    }
    while (*scope) {
        size_t length = strcspn(scope, " ");
        owned(memory) char *one = text_format("%.*s", (int)length, scope);
        text_addf(&url, "%sscope=", join);
        text_add_escaped(&url, one, ":/,");
        join = "&";
        scope += length + strspn(scope + length, " ");
    }
    return text_take(&url);
}

/* It is about to become part of a header. */
static bool is_header_text(const char *token)
{
    for (; *token; token++)
        if (*token <= ' ' || *token > '~')
            return false;
    return true;
}

static bool read_token(const char *answer, size_t count, char **token, struct error *err)
{
    json_owned json_t *json = NULL;

    if (!json_parse(answer, count, &json, err))
        return false;
    const char *found = json_optional_string(json, "token");
    if (!found)
        found = json_optional_string(json, "access_token");
    if (!found || !*found || !is_header_text(found))
        return error_set(err, ERROR_INVALID, "no token in the answer");
    *token = memory_copy_string(found);
    return true;
}

/* "grant_type=refresh_token&…": scopes stay one parameter here, as OAuth 2 has it. */
static char *refresh_form(const struct challenge *challenge, const char *scope,
                          const char *identity_token)
{
    owned(text) struct text form = {0};

    text_add(&form, "grant_type=refresh_token&client_id=skiff&service=");
    text_add_escaped(&form, challenge->service ? challenge->service : "", "");
    if (*scope) {
        text_add(&form, "&scope=");
        text_add_escaped(&form, scope, ":/,");
    }
    text_add(&form, "&refresh_token=");
    text_add_escaped(&form, identity_token, "");
    return text_take(&form);
}

/* What a server says about a secret it was sent may hold that secret. */
static bool refused(const struct http_request *request, struct http_response *response,
                    const struct registry_login *login, struct error *err)
{
    struct registry_reason reason;

    registry_reason_read(response, &reason);
    if (registry_login_tells(login, reason.message) || registry_login_tells(login, reason.code))
        reason = (struct registry_reason){0};
    registry_reason_error(request, response->status, &reason, err);
    /* RFC 6749, section 5.2: a token that is not valid any more is a bad request. */
    if (login->identity_token && response->status == 400)
        err->kind = ERROR_DENIED;
    return false;
}

static bool ask(struct http *http, const struct challenge *challenge, const char *scope,
                const struct registry_login *login, struct http_response *response,
                struct error *err)
{
    owned(memory) char *url = NULL;
    owned(memory) char *form = NULL;
    owned(memory) char *basic = registry_login_basic(login);
    owned(source) struct source *body = NULL;
    struct http_request request = {.method = "GET"};

    if (login->identity_token) {
        form = refresh_form(challenge, scope, login->identity_token);
        body = memory_source(form, strlen(form));
        request.method = "POST";
        request.url = challenge->realm;
        request.body = body;
        request.body_size = strlen(form);
        http_add_header(&request, "Content-Type", "application/x-www-form-urlencoded");
    } else {
        url = token_url(challenge, scope);
        request.url = url;
        if (basic)
            http_add_header(&request, "Authorization", basic);
    }
    if (!http_exchange(http, &request, response, err))
        return false;
    return response->status == 200 || refused(&request, response, login, err);
}

/* `*broke` tells an answer that broke off from one that never began. */
static bool fetch(struct http *http, const struct challenge *challenge, const char *scope,
                  const struct registry_login *login, char **token, bool *broke,
                  struct error *err)
{
    owned(http_response) struct http_response response = {0};
    owned(memory) char *answer = NULL;
    size_t count;

    *broke = false;
    if (!ask(http, challenge, scope, login, &response, err))
        return false;
    if (http_read_answer(&response, ANSWER_LIMIT, &answer, &count, err)) {
        if (read_token(answer, count, token, err))
            return true;
    } else {
        *broke = err->kind == ERROR_NETWORK;
    }
    owned(memory) char *realm = http_url_for_people(challenge->realm);
    return error_wrap(err, "token from %s", realm);
}

bool token_get(struct http *http, const struct challenge *challenge, const char *registry_url,
               const char *scope, const struct registry_login *login, char **token,
               struct error *err)
{
    owned(memory) char *realm = http_url_for_people(challenge->realm);
    if (!is_safe(challenge->realm, registry_url))
        return error_set(err, ERROR_INVALID,
                         "the token server of %s is said to be '%.200s', which is not reached "
                         "by https",
                         registry_url, realm);

    bool broke;
    for (unsigned int tries = 1; !fetch(http, challenge, scope, login, token, &broke, err);
         tries++)
        if (!broke || !http_try_again(http, tries, NULL))
            return false;
    return true;
}
