/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A login given with the command instead of written down before.
 */

#include "cli/option.h"
#include "oci/location.h"
#include "registry/registry_login.h"

struct context;

struct login_values {
    const char *username;
    bool password_stdin;
};

/* clang-format off */
#define LOGIN_OPTIONS(type, login) \
    OPTION_TEXT(type, login.username, "u", "username", "USER", "who to be at the registry"), \
    OPTION_FLAG(type, login.password_stdin, NULL, "password-stdin", "read the password from stdin"), \
    OPTION_REFUSED("p", "password", "everybody on this machine could read it there; give it with --password-stdin, or let skiff ask")
/* clang-format on */

/** The login that was given; the password is read from stdin, or asked for on a terminal. All
 *  zero when none was given. ERROR_USAGE. */
bool login_options_read(const struct login_values *values, struct registry_login *out,
                        struct error *err) MUST_CHECK;

/** Uses it, if one was given, for the registry of this image and for no other. */
bool login_options_use(const struct login_values *values, struct context *context,
                       const struct location *image, struct error *err) MUST_CHECK;
