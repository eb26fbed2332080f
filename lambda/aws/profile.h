/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A profile: the lines of ~/.aws/credentials and ~/.aws/config that belong together.
 *
 * Both files are read once and kept as text; a profile is a name to look up in
 * them, so one that names another is no trouble. Where both files know a key, the
 * credentials file's value counts. Besides profiles the configuration file has
 * sections of other kinds:
 *
 *     [profile work]
 *     services = test
 *
 *     [services test]
 *     lambda =
 *       endpoint_url = http://127.0.0.1:5000
 *
 * Source: AWS CLI User Guide, "Configuration and credential file settings"
 */

#include <stdbool.h>

#include "oci/base/error.h"

/* All owned. All zero: no files. */
struct profile_files {
    char *credentials_path; /* "" where no home is known */
    char *config_path;
    char *credentials; /* the files' text; "" for one that is missing */
    char *config;
};

/* Borrowed. */
struct profile {
    const struct profile_files *files;
    const char *name;
};

enum { PROFILE_FILE_LIMIT = 1024 * 1024 }; /* bytes */

/** Reads the files AWS_SHARED_CREDENTIALS_FILE and AWS_CONFIG_FILE, or those of $HOME/.aws.
 *  Missing ones are fine. */
bool profile_files_open(const char *const *environment, struct profile_files *out,
                        struct error *err) MUST_CHECK;
void profile_files_release(struct profile_files *files);

/** Whether either file has a section for it. */
bool profile_exists(const struct profile *profile);

/** Whether the configuration file has a section "[<kind> <name>]". */
bool profile_section_exists(const struct profile_files *files, const char *kind,
                            const char *name);

/* The values of `key`, all new strings, the caller's to free(); NULL where it is not set. */

/** In either file. */
char *profile_get(const struct profile *profile, const char *key);

/** In one of them. */
char *profile_get_from_credentials(const struct profile *profile, const char *key);
char *profile_get_from_config(const struct profile *profile, const char *key);

/** In the section "[<kind> <name>]" of the configuration file; `group` is the key that `key` is
 *  indented under, NULL for none. */
char *profile_section_get(const struct profile_files *files, const char *kind, const char *name,
                          const char *group, const char *key);

static inline void profile_files_cleanup(struct profile_files *files)
{
    profile_files_release(files);
}
