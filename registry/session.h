/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A session with one registry host.
 *
 * It learns how the host wants to be asked from its first refusal, and from then
 * on says who we are without being asked. Tokens are kept per scope, and used
 * until the host refuses one: then a new one is fetched, once, by the first
 * thread that noticed.
 *
 * Spec: distribution-spec v1.1, spec.md#api
 */

#include "registry/http.h"
#include "registry/login_source.h"
#include "registry/registry_error.h"
#include "registry/registry_login.h"

struct session;

/** Asks nothing yet. `http` and `environment` are borrowed. */
struct session *session_new(struct http *http, const char *const *environment,
                            const char *host);
void session_free(struct session *session);

/** Says who we are instead of looking it up. With a `url` it is also where the host is really
 *  reached, and known to take user and password unasked. The login is copied. */
void session_set_login(struct session *session, const char *url,
                       const struct registry_login *login);

/** Has the login renewed by `source`, which it takes over: in time, and when the host refuses
 * it or says that it has run out. That it cannot be renewed matters in the second case only. */
void session_renew_login(struct session *session, struct login_source *source);

/** Says where the host is really reached, "http://host:5000". */
void session_set_url(struct session *session, const char *url);

/** The name people know it by. */
const char *session_host(const struct session *session);

/** The URL of `path`, which begins with a slash. A new string, the caller's. */
char *session_url(struct session *session, const char *path);

/** Exchanges with the authorization for `scope`, which URLs of other origins never see. Refused
 *  with 401, it asks once more with a new authorization if it can get one, and if the request
 *  has no body that has been used up: `bytes`, unless NULL, are sent in place of one.
 *  A body that was used up gets ERROR_NETWORK after the renewal, for whoever can begin again. A
 *  401 that remains is an answer like others. */
bool session_exchange(struct session *session, const char *scope,
                      const struct http_request *request, const void *bytes, size_t count,
                      struct http_response *out, struct error *err) MUST_CHECK;

/** http_try_again() of the transport. */
bool session_try_again(struct session *session, unsigned int tries,
                       const struct http_response *refusal) MUST_CHECK;

/** Makes the answer an error like registry_reason_error(), and says of 401 and 403 as whom
 *  we had asked. Always returns false. */
bool session_reason_error(struct session *session, const struct http_request *request,
                          int status, const struct registry_reason *reason, struct error *err);

/** The same, with the reason from the answer's body. Always returns false. */
bool session_error(struct session *session, const struct http_request *request,
                   struct http_response *response, struct error *err);
