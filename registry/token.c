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

bool token_get(struct http *http, const struct challenge *challenge, const char *registry_url,
               const char *scope, const struct registry_login *login, char **token,
               struct error *err)
{
    owned(memory) char *realm = http_url_for_people(challenge->realm);
    if (!is_safe(challenge->realm, registry_url))
        return error_set(err, ERROR_DENIED, "its token server '%.200s' is not reached by https",
                         realm);

    owned(memory) char *url = token_url(challenge, scope);
    owned(memory) char *basic = registry_login_basic(login);
    struct http_request request = {.method = "GET", .url = url};
    if (basic)
        http_add_header(&request, "Authorization", basic);

    owned(http_response) struct http_response response = {0};
    owned(memory) char *answer = NULL;
    size_t count;
    if (!http_exchange(http, &request, &response, err))
        return false;
    if (response.status != 200)
        return registry_error(&request, &response, err);
    if (!http_read_answer(&response, ANSWER_LIMIT, &answer, &count, err) ||
        !read_token(answer, count, token, err))
        return error_wrap(err, "token from %s", realm);
    return true;
}
