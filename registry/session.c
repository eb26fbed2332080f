/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/session.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/challenge.h"
#include "registry/token.h"

enum { REFUSAL_BYTES = 4096 }; /* looked at of an answer, for why */

struct session {
    struct http *http;
    const char *const *environment;
    char *host;

    pthread_mutex_t lock; /* for what follows; held while a token is fetched */
    char *url;            /* "https://host" */
    bool knows_login;     /* it was given or looked up; maybe there is none */
    struct registry_logins logins;
    struct login_source *login_source; /* NULL: they hold for good */
    struct challenge challenge;        /* the last one heard */
    struct scope_token {
        char *scope;
        char *authorization; /* "Bearer …" */
        struct scope_token *next;
    } * tokens;
};

/* Docker Hub answers elsewhere than its name says. */
static char *usual_url(const char *host)
{
    if (strcasecmp(host, "docker.io") == 0 || strcasecmp(host, "index.docker.io") == 0)
        host = "registry-1.docker.io";

    owned(memory) char *plain = text_format("http://%s", host);
    return http_url_is_loopback(plain) ? take(&plain) : text_format("https://%s", host);
}

struct session *session_new(struct http *http, const char *const *environment, const char *host)
{
    struct session *session = memory_new(1, sizeof *session);

    session->http = http;
    session->environment = environment;
    session->host = memory_copy_string(host);
    session->url = usual_url(host);
    pthread_mutex_init(&session->lock, NULL);
    return session;
}

static void forget_tokens(struct session *session)
{
    while (session->tokens) {
        struct scope_token *token = session->tokens;
        session->tokens = token->next;
        free(token->scope);
        free(token->authorization);
        free(token);
    }
}

static void free_login_source(struct session *session)
{
    if (session->login_source)
        session->login_source->free(session->login_source);
    session->login_source = NULL;
}

void session_free(struct session *session)
{
    if (!session)
        return;
    forget_tokens(session);
    challenge_release(&session->challenge);
    registry_logins_release(&session->logins);
    free_login_source(session);
    pthread_mutex_destroy(&session->lock);
    free(session->host);
    free(session->url);
    free(session);
}

void session_set_login(struct session *session, const char *url,
                       const struct registry_login *login)
{
    pthread_mutex_lock(&session->lock);
    if (url) {
        free(session->url);
        session->url = memory_copy_string(url);
    }
    forget_tokens(session);
    challenge_release(&session->challenge);
    free_login_source(session);
    registry_logins_set(&session->logins, login);
    session->knows_login = true;
    if (url && login->user)
        session->challenge.scheme = CHALLENGE_BASIC; /* until it says otherwise */
    pthread_mutex_unlock(&session->lock);
}

void session_renew_login(struct session *session, struct login_source *source)
{
    pthread_mutex_lock(&session->lock);
    free_login_source(session);
    session->login_source = source;
    pthread_mutex_unlock(&session->lock);
}

void session_set_url(struct session *session, const char *url)
{
    pthread_mutex_lock(&session->lock);
    free(session->url);
    session->url = memory_copy_string(url);
    pthread_mutex_unlock(&session->lock);
}

const char *session_host(const struct session *session)
{
    return session->host;
}

char *session_url(struct session *session, const char *path)
{
    pthread_mutex_lock(&session->lock);
    char *url = text_format("%s%s", session->url, path);
    pthread_mutex_unlock(&session->lock);
    return url;
}

/* --- authorization; all with the lock held ------------------------------------------------ */

static struct scope_token *find_token(struct session *session, const char *scope)
{
    for (struct scope_token *token = session->tokens; token; token = token->next)
        if (strcmp(token->scope, scope) == 0)
            return token;

    struct scope_token *token = memory_new(1, sizeof *token);
    token->scope = memory_copy_string(scope);
    token->next = session->tokens;
    session->tokens = token;
    return token;
}

/* Of the repository that a scope names first: "repository:team/app:pull,push". */
static const struct registry_login *login_for_scope(const struct session *session,
                                                    const char *scope)
{
    const char *name = strchr(scope, ':');
    owned(memory) char *repository =
        name ? text_format("%.*s", (int)strcspn(name + 1, ":"), name + 1) : NULL;

    return registry_logins_for(&session->logins, repository ? repository : "");
}

/* Of the repository in "…/v2/team/app/manifests/1". */
static const struct registry_login *login_for_url(const struct session *session,
                                                  const char *url)
{
    static const char *const kinds[] = {"/manifests/", "/blobs/", "/tags/"};
    const char *name = strstr(url, "/v2/");
    const char *end = NULL;

    for (size_t i = 0; name && !end && i < sizeof kinds / sizeof *kinds; i++)
        end = strstr(name, kinds[i]);
    owned(memory) char *repository =
        end && end >= name + 4 ? text_format("%.*s", (int)(end - name - 4), name + 4) : NULL;
    return registry_logins_for(&session->logins, repository ? repository : "");
}

static bool explain_denial(const struct session *session, const struct registry_login *login,
                           int status, struct error *err)
{
    const char *host = session->host;
    owned(memory) char *who = registry_login_name(login);

    if (err->kind != ERROR_DENIED)
        return false;
    if (registry_login_is_empty(login))
        return error_wrap(err,
                          "registry %s wants a login and none was found; log in with "
                          "'skiff login %s'",
                          host, host);
    if (status == 403)
        return error_wrap(err, "registry %s does not allow this to %s", host, who);
    return error_wrap(err, "registry %s refused the login of %s", host, who);
}

static bool fetch_token(struct session *session, struct scope_token *token, struct error *err)
{
    const struct registry_login *login = login_for_scope(session, token->scope);
    owned(memory) char *fresh = NULL;

    if (login->registry_token)
        fresh = memory_copy_string(login->registry_token);
    else if (!token_get(session->http, &session->challenge, session->url, token->scope, login,
                        &fresh, err))
        return explain_denial(session, login, 401, err);
    free(token->authorization);
    token->authorization = text_format("Bearer %s", fresh);
    return true;
}

/* Another thread may have been faster. */
static bool is_renewed(const struct session *session, const char *scope, const char *refused)
{
    owned(memory) char *basic = registry_login_basic(login_for_scope(session, scope));

    return basic && strcmp(basic, refused) != 0;
}

static bool renew_login(struct session *session, const char *scope, const char *refused,
                        struct error *err)
{
    struct login_source *source = session->login_source;
    owned(registry_login) struct registry_login login = {0};
    struct error failure = {0};

    if (!source || (refused ? is_renewed(session, scope, refused) : !source->is_old(source)))
        return true;
    if (source->renew(source, &login, &failure)) {
        registry_logins_set(&session->logins, &login);
        return true;
    }
    if (refused)
        *err = failure;
    return !refused; /* or else what we have may do yet */
}

/* What to say for `scope`, other than `refused`; NULL when there is nothing to say. */
static bool find_authorization(struct session *session, const char *scope, const char *refused,
                               char **out, struct error *err)
{
    *out = NULL;
    if (session->challenge.scheme == CHALLENGE_BASIC) {
        if (!renew_login(session, scope, refused, err))
            return false;
        *out = registry_login_basic(login_for_scope(session, scope));
    }
    if (session->challenge.scheme == CHALLENGE_BEARER) {
        struct scope_token *token = find_token(session, scope);
        bool is_new =
            token->authorization && (!refused || strcmp(token->authorization, refused) != 0);
        if (!is_new &&
            (!renew_login(session, scope, NULL, err) || !fetch_token(session, token, err)))
            return false;
        *out = memory_copy_string(token->authorization);
    }
    if (*out && refused && strcmp(*out, refused) == 0) {
        free(*out);
        *out = NULL;
    }
    return true;
}

static bool learn(struct session *session, const struct http_response *response,
                  struct error *err)
{
    struct challenge challenge = {0};

    challenge_read(response, &challenge);
    if (challenge.scheme == CHALLENGE_NONE)
        return true;
    challenge_release(&session->challenge);
    session->challenge = challenge;
    if (!session->knows_login)
        session->knows_login =
            registry_logins_find(session->environment, session->host, &session->logins, err);
    return session->knows_login;
}

/* `refusal` is the 401 that `refused` got, or NULL before the first try. */
static bool authorize(struct session *session, const char *scope,
                      const struct http_request *request, const struct http_response *refusal,
                      const char *refused, char **out, struct error *err)
{
    owned(memory) char *origin = http_url_origin(request->url);

    *out = NULL;
    pthread_mutex_lock(&session->lock);
    owned(memory) char *ours = http_url_origin(session->url);
    bool succeeded = true;
    if (strcmp(origin, ours) == 0) {
        succeeded = !refusal || learn(session, refusal, err);
        succeeded = succeeded && find_authorization(session, scope, refused, out, err);
    }
    pthread_mutex_unlock(&session->lock);
    return succeeded;
}

/* --- exchanges -----------------------------------------------------------------------------
 */

static bool send_once(struct session *session, const struct http_request *request,
                      const char *authorization, const void *bytes, size_t count,
                      struct http_response *out, struct error *err)
{
    owned(source) struct source *body = bytes ? memory_source(bytes, count) : NULL;
    struct http_request whole = *request;

    if (body) {
        whole.body = body;
        whole.body_size = count;
    }
    if (authorization)
        http_add_header(&whole, "Authorization", authorization);
    return http_exchange(session->http, &whole, out, err);
}

/* The body is used up, so whoever can make it again begins again: the renewal is done. */
static bool ran_out(const struct session *session, const struct http_request *request,
                    struct error *err)
{
    owned(memory) char *url = http_url_for_people(request->url);

    return error_set(err, ERROR_NETWORK, "%s %.300s: the token of registry %s ran out",
                     request->method, url, session->host);
}

/* Whoever a redirect leads to has no say in where our login goes. */
static bool is_from_elsewhere(const struct http_request *request,
                              const struct http_response *response)
{
    owned(memory) char *asked = http_url_origin(request->url);
    owned(memory) char *answered = http_url_origin(response->url);

    return strcmp(asked, answered) != 0;
}

/* ECR says 403 to a login that has run out, and only the words in the answer, which a HEAD has
 * not, tell it from others. */
static bool is_refused(struct session *session, const struct http_request *request,
                       struct http_response *response)
{
    if (is_from_elsewhere(request, response))
        return false;
    if (response->status != 403)
        return response->status == 401;
    pthread_mutex_lock(&session->lock);
    bool renews = session->login_source;
    pthread_mutex_unlock(&session->lock);
    if (!renews || strcmp(request->method, "HEAD") == 0)
        return renews;
    owned(memory) char *says = http_peek_answer(response, REFUSAL_BYTES);
    return strstr(says, "token has expired");
}

bool session_exchange(struct session *session, const char *scope,
                      const struct http_request *request, const void *bytes, size_t count,
                      struct http_response *out, struct error *err)
{
    owned(memory) char *first = NULL;
    owned(memory) char *second = NULL;

    if (!authorize(session, scope, request, NULL, NULL, &first, err) ||
        !send_once(session, request, first, bytes, count, out, err))
        return false;
    if (!is_refused(session, request, out))
        return true;
    if (!authorize(session, scope, request, out, first, &second, err)) {
        http_response_release(out);
        return false;
    }
    if (!second)
        return true;
    http_response_release(out);
    if (request->body)
        return ran_out(session, request, err);
    return send_once(session, request, second, bytes, count, out, err);
}

bool session_try_again(struct session *session, unsigned int tries,
                       const struct http_response *refusal)
{
    return http_try_again(session->http, tries, refusal);
}

/* Whether the text repeats a secret of ours. With the lock held. */
static bool tells_secret(const struct session *session, const struct registry_login *login,
                         const char *text)
{
    const size_t scheme = strlen("Bearer ");

    if (registry_login_tells(login, text))
        return true;
    for (const struct scope_token *token = session->tokens; token; token = token->next)
        if (token->authorization && registry_secret_shows(token->authorization + scheme, text))
            return true;
    return false;
}

bool session_reason_error(struct session *session, const struct http_request *request,
                          int status, const struct registry_reason *reason, struct error *err)
{
    static const struct registry_reason unsaid;

    pthread_mutex_lock(&session->lock);
    const struct registry_login *login = login_for_url(session, request->url);
    bool is_secret = tells_secret(session, login, reason->message) ||
                     tells_secret(session, login, reason->code);
    registry_reason_error(request, status, is_secret ? &unsaid : reason, err);
    explain_denial(session, login, status, err);
    pthread_mutex_unlock(&session->lock);
    return false;
}

bool session_error(struct session *session, const struct http_request *request,
                   struct http_response *response, struct error *err)
{
    struct registry_reason reason;

    if (is_from_elsewhere(request, response)) {
        const struct http_request there = {.method = request->method, .url = response->url};
        return registry_error(&there, response, err);
    }
    registry_reason_read(response, &reason);
    return session_reason_error(session, request, response->status, &reason, err);
}
