/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One file of logins: docker's config.json, podman's auth.json.
 *
 *     {"auths": {"quay.io/team": {"auth": "<base64 of user:password>"}},
 *      "credHelpers": {"gcr.io": "gcloud"}, "credsStore": "secretservice"}
 *
 * A host that has a helper is looked up there; the file's own entry for it is usually empty.
 *
 * Source: docker's config.json, containers-auth.json(5)
 */

#include <jansson.h>

#include "registry/registry_login.h"

/** Reads the file; an empty object when it is missing or empty. The caller's to json_decref().
 */
bool login_file_read(const char *path, json_t **out, struct error *err) MUST_CHECK;

/** Whether a key of the file is for `host`, and for which path of it: NULL when it is not, ""
 *  when for all of it. A part of `key`. */
const char *login_file_path(const char *key, const char *host);

/** The name of the helper that keeps the login for `host`; NULL when the file does. */
const char *login_file_helper(const json_t *file, const char *host);

/** The login of an entry of "auths"; all zero when it is kept elsewhere. */
bool login_file_entry(const json_t *entry, struct registry_login *out,
                      struct error *err) MUST_CHECK;

/** What docker writes for the host, in the file and to helpers. A static string or `host`. */
const char *login_file_key(const char *host);
