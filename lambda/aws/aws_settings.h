/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the user says about AWS: variables, a profile, and which of both counts.
 *
 * Most settings have a variable and a key of the profile, and the variable wins.
 * A profile that was chosen by name, with --profile, also wins over keys in the
 * environment.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Settings reference"
 */

#include "lambda/aws/profile.h"

/* All zero: nothing is set. */
struct aws_settings {
    const char *const *environment; /* borrowed; NULL for an empty one */
    struct profile_files files;
    char *profile_name;       /* owned; NULL: "default" */
    bool profile_is_named;    /* by somebody: it has to be there */
    bool profile_is_explicit; /* by --profile: it wins over keys in the environment */
    bool wants_fips;          /* FIPS endpoints, whatever the user says */
};

/** Reads the files. The profile is `profile` unless that is NULL, AWS_PROFILE,
 *  AWS_DEFAULT_PROFILE or "default". */
bool aws_settings_open(const char *const *environment, const char *profile,
                       struct aws_settings *out, struct error *err) MUST_CHECK;
void aws_settings_release(struct aws_settings *settings);

/** The profile. Borrowed from the settings. */
struct profile aws_settings_profile(const struct aws_settings *settings);

/** The variable's value; NULL when it is unset or empty. Borrowed. */
const char *aws_settings_variable(const struct aws_settings *settings, const char *name);

/** The variable's value or else the profile's; a new string, the caller's to free(), NULL when
 *  nobody says. `key` may be NULL. */
char *aws_settings_get(const struct aws_settings *settings, const char *variable,
                       const char *key);

/** The same for a switch: whether it says "true". */
bool aws_settings_is_on(const struct aws_settings *settings, const char *variable,
                        const char *key);

/** The same for a number from 1 to `limit`; `*out` stays where nobody says. ERROR_USAGE for
 *  anything else. */
bool aws_settings_number(const struct aws_settings *settings, const char *variable,
                         const char *key, unsigned int limit, unsigned int *out,
                         struct error *err) MUST_CHECK;

/** A file of the user's, "~/…" in $HOME; a new string, the caller's to free(). */
char *aws_settings_path(const struct aws_settings *settings, const char *path);

static inline void aws_settings_cleanup(struct aws_settings *settings)
{
    aws_settings_release(settings);
}
