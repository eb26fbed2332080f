/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A world to find credentials in: variables, a home with AWS's files, and a network that
 * follows a script (tests/support/scripted_aws.h). Everything secret in it is called SECRET….
 *
 *     owned(world) struct world world;
 *     world_make(&(struct situation){.credentials = "[default]\n…"}, &world);
 *     credentials_find(&world.sources, &found, &err);
 */

#include "lambda/aws/credentials_keeper.h"
#include "tests/support/scripted_aws.h"

enum { VARIABLES_LIMIT = 8, SCRIPT_LIMIT = 8 };

#define NO_INSTANCE "AWS_EC2_METADATA_DISABLED=true"
#define KEYS "aws_access_key_id = AKFILE\naws_secret_access_key = SECRETFILE\n"
#define ENV_KEYS "AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=SECRETENV"
#define STS_ANSWER(key)                                                                        \
    "<R><Credentials><AccessKeyId>" key "</AccessKeyId><SecretAccessKey>SECRETSTS"             \
    "</SecretAccessKey><SessionToken>TOKENSTS</SessionToken><Expiration>2015-08-30T13:36:00Z"  \
    "</Expiration></Credentials></R>"
#define JSON_ANSWER(key)                                                                       \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" key "\",\"SecretAccessKey\":\"SECRETJSON\","    \
    "\"Token\":\"TOKENJSON\",\"Expiration\":\"2015-08-30T13:36:00Z\"}"
#define SSO_ANSWER                                                                             \
    "{\"roleCredentials\":{\"accessKeyId\":\"AKSSO\",\"secretAccessKey\":\"SECRETSSO\","       \
    "\"sessionToken\":\"TOKENSSO\",\"expiration\":1440941760000}}"
#define SSO_KEYS                                                                               \
    "sso_account_id = 1\nsso_role_name = a role\nsso_region = eu-west-2\n"                     \
    "sso_start_url = https://start\n"
/* sha1 of "https://start" and of "corp" */
#define LEGACY_CACHE ".aws/sso/cache/6ad0e7e61d1f47e491ea32c2031add41ef92e07d.json"
#define CORP_CACHE ".aws/sso/cache/ee0bfd2552fbd840c02cc48b6e823320543c450f.json"
#define CORP                                                                                   \
    "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"                   \
    "[sso-session corp]\nsso_region = eu-west-2\nsso_start_url = https://start\n"
#define REGISTRATION                                                                           \
    "\"refreshToken\":\"SECRETREFRESH\",\"clientId\":\"c\",\"clientSecret\":\"SECRETCLIENT\"," \
    "\"registrationExpiresAt\":\"2016-01-01T00:00:00Z\""

/* What there is in the world. */
struct situation {
    const char *variables[VARIABLES_LIMIT];
    const char *credentials; /* NULL: no such file */
    const char *config;
    const char *file; /* one more, beneath the home */
    const char *content;
    const char *profile; /* --profile */
    struct scripted_answer script[SCRIPT_LIMIT];
};

/* The same, made: a home with ~/.aws in it, and a network that follows the script. */
struct world {
    char *home;
    char *variable;
    const char *environment[VARIABLES_LIMIT + 2];
    struct aws_settings settings;
    struct scripted_aws *aws;
    struct credentials_sources sources;
};

/** Fails the test where it cannot. */
void world_make(const struct situation *situation, struct world *world);
void world_release(struct world *world);

static inline void world_cleanup(struct world *world)
{
    world_release(world);
}
