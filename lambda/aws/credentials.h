/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who we are for AWS.
 *
 * Providers are asked in the order the AWS CLI asks them, and the first that
 * knows wins. Each is one file and one row of the table in credentials.c:
 *
 *     environment             AWS_ACCESS_KEY_ID, …
 *     profile: role           role_arn with source_profile or credential_source
 *     profile: web identity   a token in a file, as CI services and EKS write it
 *     profile: SSO            the session 'aws sso login' left behind
 *     profile: keys           of the credentials file
 *     profile: process        what credential_process prints
 *     profile: keys           of the configuration file
 *     container               ECS, EKS pod identity
 *     instance                EC2's metadata service
 *
 * Not among them is 'aws login', whose profiles are refused. A provider that is not set up
 * knows nothing; one that is and cannot say is an error, never a reason to go on as somebody
 * else.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Standardized credential providers";
 * botocore/credentials.py
 */

#include <time.h>

#include "lambda/aws/aws_settings.h"
#include "lambda/signer/signer.h"
#include "oci/base/clock.h"

/* All owned; all zero: nobody. */
struct credentials {
    struct aws_credentials keys;
    time_t expire_at; /* 0: never */
    char *origin;     /* for people: "the environment", "profile 'work'" */
};

/* Where providers may look; all borrowed. */
struct credentials_sources {
    const struct aws_settings *settings;
    struct profile profile; /* the one to ask */
    const char *region;     /* of the security token service; never NULL */
    struct http *http;
    struct clock *clock;
    /* Asks the user for something; NULL where nobody can be asked. */
    bool (*ask)(const char *question, char **answer, struct error *err);
    const struct credentials_sources *asked_by; /* whose profile names this one; NULL: nobody */
};

/* Fills in `out` and sets `*found`, or leaves both alone where it knows nothing. */
typedef bool credentials_provider(const struct credentials_sources *sources,
                                  struct credentials *out, bool *found, struct error *err);

credentials_provider credentials_from_environment;
credentials_provider credentials_from_role;
credentials_provider credentials_from_web_identity;
credentials_provider credentials_from_sso;
credentials_provider credentials_from_credentials_file;
credentials_provider credentials_from_process;
credentials_provider credentials_from_config_file;
credentials_provider credentials_from_container;
credentials_provider credentials_from_instance;

/** Asks all of them. ERROR_DENIED says where credentials were looked for and what to do. */
bool credentials_find(const struct credentials_sources *sources, struct credentials *out,
                      struct error *err) MUST_CHECK;

/** Asks those of `sources->profile` alone, which another profile names as its source. */
bool credentials_find_in_profile(const struct credentials_sources *sources,
                                 struct credentials *out, struct error *err) MUST_CHECK;

void credentials_release(struct credentials *credentials);

static inline void credentials_cleanup(struct credentials *credentials)
{
    credentials_release(credentials);
}
