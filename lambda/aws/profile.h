/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A profile: the lines of ~/.aws/credentials and ~/.aws/config that belong together.
 *
 * Which profile and which files is the environment's to say. Both files are read
 * once; what is asked of the profile is looked up in the credentials file first.
 *
 * Source: AWS CLI User Guide, "Configuration and credential file settings"
 */

#include <stdbool.h>

#include "oci/base/error.h"

/* All owned. */
struct profile {
    char *name;
    char *credentials_path; /* "" where no home is known */
    char *config_path;
    char *credentials; /* the files' text; "" for one that is missing */
    char *config;
};

enum { PROFILE_FILE_LIMIT = 1024 * 1024 }; /* bytes */

/** Reads the files of the profile that AWS_PROFILE, AWS_DEFAULT_PROFILE or nobody ("default")
 *  names. Missing files are fine. */
bool profile_open(const char *const *environment, struct profile *out,
                  struct error *err) MUST_CHECK;
void profile_release(struct profile *profile);

/** Whether either file has a section for it. */
bool profile_exists(const struct profile *profile);

/** The value of `key`; a new string, the caller's to free(), NULL where it is not set. */
char *profile_get(const struct profile *profile, const char *key);

/** The same of one file's text, whose sections are named `section`, for tests: "[default]",
 *  "[profile work]". */
char *profile_find(const char *text, const char *section, const char *key);

static inline void profile_cleanup(struct profile *profile)
{
    profile_release(profile);
}
