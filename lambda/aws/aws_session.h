/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A client of AWS: settings, region, credentials that stay good, and the patience
 * its calls share. Opening one asks nothing but, where nobody names a region, the
 * instance; credentials are looked for with the first call.
 */

#include "lambda/aws/aws.h"

struct registries;

/* All borrowed. */
struct aws_options {
    struct http *http;             /* should not repeat requests on its own */
    struct registries *registries; /* which learns the login of ECR's registry */
    const char *const *environment;
    const char *profile; /* NULL: from the environment, or "default" */
    const char *region;  /* NULL: from the environment or the configuration file */
    struct clock *clock;
    struct progress *progress;
    /* Asks the user for something; NULL where nobody can be asked. */
    bool (*ask)(const char *question, char **answer, struct error *err);
};

struct aws_session {
    struct aws_settings settings;
    struct credentials_sources sources;
    struct credentials_keeper keeper;
    struct aws_state state;
    char *region;
    char *region_origin; /* for people: who named it */
    struct aws aws;      /* what to ask with; borrows the rest */
};

/** Opens a client, which must stay where it is. Borrows the options' contents, but for
 *  `profile` and `region`. ERROR_USAGE without a region. */
bool aws_session_open(const struct aws_options *options, struct aws_session *out,
                      struct error *err) MUST_CHECK;

/** Looks for credentials, so that an error about them comes before any work. `*origin` (may be
 *  NULL) says where they are from; a new string, the caller's to free(). */
bool aws_session_check_credentials(struct aws_session *session, char **origin,
                                   struct error *err) MUST_CHECK;
void aws_session_release(struct aws_session *session);

static inline void aws_session_cleanup(struct aws_session *session)
{
    aws_session_release(session);
}
