/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are for AWS and in which region: found where the AWS CLI finds it, in its order,
 * renewed in time, and said where it was looked for when nobody knows. Secrets are in no error.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lambda/aws/aws_session.h"
#include "lambda/aws/region.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_aws.h"
#include "tests/support/unit.h"

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

static void put(const char *home, const char *name, const char *content)
{
    struct error err = {0};
    owned(memory) char *path = text_format("%s/%s", home, name);
    owned(memory) char *folder = memory_copy_string(path);

    if (!content)
        return;
    *strrchr(folder, '/') = '\0';
    assert_ok(folder_make(folder, &err));
    assert_ok(file_write(path, 0600, content, strlen(content), &err));
}

static void make_world(const struct situation *situation, struct world *world)
{
    struct error err = {0};

    *world = (struct world){0};
    assert_ok(folder_make_temporary("/tmp", "skiff-test-", &world->home, &err));
    world->variable = text_format("HOME=%s", world->home);
    world->environment[0] = world->variable;
    for (size_t i = 0; i < VARIABLES_LIMIT && situation->variables[i]; i++)
        world->environment[i + 1] = situation->variables[i];
    put(world->home, ".aws/credentials", situation->credentials);
    put(world->home, ".aws/config", situation->config);
    if (situation->file)
        put(world->home, situation->file, situation->content);
    assert_ok(
        aws_settings_open(world->environment, situation->profile, &world->settings, &err));
    world->aws = scripted_aws_new(situation->script);
    world->sources = (struct credentials_sources){
        .settings = &world->settings,
        .profile = aws_settings_profile(&world->settings),
        .region = "eu-west-1",
        .http = scripted_aws_ask(world->aws)->http,
        .clock = scripted_aws_ask(world->aws)->clock,
    };
}

static void world_cleanup(struct world *world)
{
    struct error err = {0};

    assert_ok(folder_remove(world->home, &err));
    aws_settings_release(&world->settings);
    scripted_aws_free(world->aws);
    free(world->home);
    free(world->variable);
}

static void credentials_are_found_in_order(void **state)
{
    (void)state;
    static const struct {
        struct situation situation;
        const char *access_key;
        const char *token;
        const char *origin;
    } cases[] = {
        {{.variables = {ENV_KEYS}, .credentials = "[default]\n" KEYS},
         "AKENV",
         NULL,
         "the environment"},
        {{.variables = {ENV_KEYS, "AWS_SESSION_TOKEN=T"}}, "AKENV", "T", "the environment"},
        {{.variables = {ENV_KEYS, "AWS_SESSION_TOKEN=T", "AWS_SECURITY_TOKEN=OLD"}},
         "AKENV",
         "OLD",
         "the environment"},
        {{.variables = {ENV_KEYS, "AWS_PROFILE=absent"}}, "AKENV", NULL, "the environment"},
        {{.variables = {ENV_KEYS}, .config = "[profile w]\n" KEYS, .profile = "w"},
         "AKFILE",
         NULL,
         "profile 'w'"},
        {{.variables = {NULL}, .credentials = "[default]\n" KEYS},
         "AKFILE",
         NULL,
         "profile 'default'"},
        {{.variables = {NULL}, .config = "[default]\n" KEYS "aws_session_token=T\n"},
         "AKFILE",
         "T",
         "profile 'default'"},
        {{.variables = {"AWS_PROFILE=w", "AWS_DEFAULT_PROFILE=play"},
          .credentials = "[play]\naws_access_key_id=no\n[w]\n" KEYS},
         "AKFILE",
         NULL,
         "profile 'w'"},
        {{.variables = {"AWS_DEFAULT_PROFILE=w"}, .config = "[profile w]\n" KEYS},
         "AKFILE",
         NULL,
         "profile 'w'"},
        /* The process comes between the two files. */
        {{.variables = {NULL},
          .credentials = "[default]\n" KEYS,
          .config = "[default]\ncredential_process = /bin/false\n"},
         "AKFILE",
         NULL,
         "profile 'default'"},
        {{.variables = {NULL},
          .config = "[default]\n" KEYS "credential_process = /bin/echo '{\"Version\": 1, "
                    "\"AccessKeyId\": \"AKPROC\", \"SecretAccessKey\": \"S\"}'\n"},
         "AKPROC",
         NULL,
         "credential_process of profile 'default'"},
        /* A profile comes before the container, and that before the instance. */
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
          .credentials = "[default]\n" KEYS},
         "AKFILE",
         NULL,
         "profile 'default'"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
          .script = {{"GET /x", 200, JSON_ANSWER("AKECS"), {{0}}}}},
         "AKECS",
         "TOKENJSON",
         "the container"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/y"},
          .script = {{"GET /y", 503, "", {{0}}},
                     {"GET /y", 0, "", {{0}}},
                     {"GET /y", 200, JSON_ANSWER("AKEKS"), {{0}}}}},
         "AKEKS",
         "TOKENJSON",
         "the container"},
        {{.variables = {NULL},
          .script = {{"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/iam/security-credentials/ ", 200, "role\n", {{0}}},
                     {"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/iam/security-credentials/role ",
                      200,
                      JSON_ANSWER("AKIMDS"),
                      {{0}}}}},
         "AKIMDS",
         "TOKENJSON",
         "the instance's role 'role'"},
        /* Roles */
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\nsource_profile = base\nexternal_id = e x\n"
                    "duration_seconds = 900\nrole_session_name = me\n[profile base]\n" KEYS,
          .script = {{"Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Ar&RoleSessionName=me&"
                      "DurationSeconds=900&ExternalId=e%20x",
                      200,
                      STS_ANSWER("AKROLE"),
                      {{0}}}}},
         "AKROLE",
         "TOKENSTS",
         "profile 'default', which assumes arn:r"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:2\nsource_profile = middle\n"
                    "[profile middle]\nrole_arn = arn:1\nsource_profile = base\n"
                    "[profile base]\n" KEYS,
          .script = {{"RoleArn=arn%3A1&RoleSessionName=skiff-1440938160",
                      200,
                      STS_ANSWER("AKONE"),
                      {{0}}},
                     {"RoleArn=arn%3A2", 200, STS_ANSWER("AKTWO"), {{0}}}}},
         "AKTWO",
         "TOKENSTS",
         "profile 'default', which assumes arn:2"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:1\nsource_profile = default\n" KEYS,
          .script = {{"RoleArn=arn%3A1", 200, STS_ANSWER("AKROLE"), {{0}}}}},
         "AKROLE",
         "TOKENSTS",
         "profile 'default', which assumes arn:1"},
        {{.variables = {ENV_KEYS},
          .config = "[profile w]\nrole_arn = arn:1\ncredential_source = Environment\n",
          .profile = "w",
          .script = {{"RoleArn=arn%3A1", 200, STS_ANSWER("AKROLE"), {{0}}}}},
         "AKROLE",
         "TOKENSTS",
         "profile 'w', which assumes arn:1"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
          .config = "[default]\nrole_arn = arn:1\ncredential_source = EcsContainer\n",
          .script = {{"GET /x", 200, JSON_ANSWER("AKECS"), {{0}}},
                     {"RoleArn=arn%3A1", 200, STS_ANSWER("AKROLE"), {{0}}}}},
         "AKROLE",
         "TOKENSTS",
         "profile 'default', which assumes arn:1"},
        /* Web identities */
        {{.variables = {"AWS_WEB_IDENTITY_TOKEN_FILE=~/token", "AWS_ROLE_ARN=arn:w",
                        "AWS_ROLE_SESSION_NAME=ci"},
          .credentials = "[default]\n" KEYS,
          .file = "token",
          .content = "a.b\n",
          .script = {{"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aw&"
                      "RoleSessionName=ci&WebIdentityToken=a.b",
                      200,
                      STS_ANSWER("AKWEB"),
                      {{0}}}}},
         "AKWEB",
         "TOKENSTS",
         "a web identity, which assumes arn:w"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:2\nsource_profile = web\n[profile web]\n"
                    "role_arn = arn:w\nweb_identity_token_file = ~/token\n",
          .file = "token",
          .content = "a.b",
          .script = {{"AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aw",
                      200,
                      STS_ANSWER("AKWEB"),
                      {{0}}},
                     {"RoleArn=arn%3A2", 200, STS_ANSWER("AKROLE"), {{0}}}}},
         "AKROLE",
         "TOKENSTS",
         "profile 'default', which assumes arn:2"},
        /* SSO */
        {{.variables = {NULL},
          .config = "[default]\n" SSO_KEYS,
          .file = LEGACY_CACHE,
          .content =
              "{\"accessToken\":\"SECRETSESSION\",\"expiresAt\":\"2015-08-30T20:00:00UTC\"}",
          .script = {{"GET /portal.sso.eu-west-2.amazonaws.com/federation/credentials?"
                      "role_name=a%20role&account_id=1",
                      200,
                      SSO_ANSWER,
                      {{0}}}}},
         "AKSSO",
         "TOKENSSO",
         "the SSO session of profile 'default'"},
        {{.variables = {NULL},
          .config = CORP,
          .file = CORP_CACHE,
          .content =
              "{\"accessToken\":\"SECRETSESSION\",\"expiresAt\":\"2015-08-30T20:00:00Z\"}",
          .script = {{"GET /portal.sso.eu-west-2", 200, SSO_ANSWER, {{0}}}}},
         "AKSSO",
         "TOKENSSO",
         "the SSO session of profile 'default'"},
        {{.variables = {NULL},
          .config = CORP,
          .file = CORP_CACHE,
          .content = "{\"accessToken\":\"SECRETSESSION\",\"expiresAt\":\"2015-08-30T12:00:"
                     "00Z\"," REGISTRATION "}",
          .script = {{"POST /oidc.eu-west-2.amazonaws.com/token  {\"clientId\":\"c\","
                      "\"clientSecret\":\"SECRETCLIENT\",\"grantType\":\"refresh_token\","
                      "\"refreshToken\":\"SECRETREFRESH\"}",
                      200,
                      "{\"accessToken\":\"NEW\",\"expiresIn\":3600}",
                      {{0}}},
                     {"GET /portal.sso.eu-west-2", 200, SSO_ANSWER, {{0}}}}},
         "AKSSO",
         "TOKENSSO",
         "the SSO session of profile 'default'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(world) struct world world;
        owned(credentials) struct credentials found = {0};
        struct error err = {0};
        make_world(&cases[i].situation, &world);
        if (!credentials_find(&world.sources, &found, &err))
            fail_msg("case %zu: %s", i, err.text);
        assert_string_equal(found.keys.access_key, cases[i].access_key);
        assert_string_equal(found.keys.session_token ? found.keys.session_token : "",
                            cases[i].token ? cases[i].token : "");
        assert_string_equal(found.origin, cases[i].origin);
    }
}

/* A variable's name is none. */
static bool tells_a_secret(const char *text)
{
    const char *at = text;

    while ((at = strstr(at, "SECRET")) && strncmp(at, "SECRET_ACCESS_KEY", 17) == 0)
        at++;
    return at;
}

static void what_is_set_up_and_cannot_say_is_an_error(void **state)
{
    (void)state;
    static const struct {
        struct situation situation;
        const char *words;
    } cases[] = {
        {{.variables = {NO_INSTANCE}}, "profile 'default' is not in"},
        {{.variables = {NO_INSTANCE}}, "or run 'aws configure'"},
        {{.variables = {NO_INSTANCE}, .credentials = "[default]\nregion = eu-west-1\n"},
         "profile 'default' has none in"},
        {{.variables = {"AWS_PROFILE=w"}, .credentials = "[default]\n" KEYS},
         "profile 'w' is not in"},
        {{.variables = {"AWS_PROFILE=w"}, .config = "[w]\n" KEYS}, "profile 'w' is not in"},
        {{.variables = {ENV_KEYS}, .profile = "w"}, "profile 'w' is not in"},
        {{.variables = {"AWS_ACCESS_KEY_ID=AK"}, .credentials = "[default]\n" KEYS},
         "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"},
        {{.variables = {"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=SECRET WITH"}},
         "the secret key of the environment holds a blank"},
        {{.variables = {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=soon"}}, "'soon' is no time"},
        {{.variables = {NULL}, .credentials = "[default]\naws_access_key_id = AK\n"},
         "but no aws_secret_access_key"},
        {{.variables = {NO_INSTANCE}, .config = "[default]\nlogin_session = arn:x\n"},
         "aws configure export-credentials --profile default"},
        /* Roles */
        {{.variables = {NULL}, .config = "[default]\nrole_arn = arn:r\n"},
         "profile 'default': role_arn needs a source_profile or a credential_source"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = a\nsource_profile = b\ncredential_source = c\n"},
         "are both set: keep one"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\nsource_profile = gone\n"},
         "profile 'gone' is not in"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\nsource_profile = b\n[profile b]\nregion=x\n"},
         "profile 'b' has no credentials"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\nsource_profile = default\n"},
         "source_profile leads from 'default' back to 'default'"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = 1\nsource_profile = b\n"
                    "[profile b]\nrole_arn = 2\nsource_profile = default\n"},
         "source_profile leads from 'b' back to 'default'"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\ncredential_source = Moon\n"},
         "'Moon' is not one of"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = arn:r\ncredential_source = Environment\n"},
         "credential_source 'Environment' has no credentials"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = a\nsource_profile = b\nduration_seconds = long\n"},
         "duration_seconds 'long' is no number"},
        {{.variables = {NULL},
          .config =
              "[default]\nrole_arn = a\nsource_profile = default\nmfa_serial = arn:mfa\n" KEYS},
         "the role wants a code of the MFA device 'arn:mfa', and there is no terminal"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = a\nsource_profile = default\n" KEYS,
          .script = {{"AssumeRole",
                      403,
                      "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you"
                      "</Message></Error></ErrorResponse>",
                      {{0}}}}},
         "profile 'default': sts AssumeRole: AccessDenied: not you"},
        {{.variables = {NULL},
          .config = "[default]\nrole_arn = a\nsource_profile = default\n" KEYS,
          .script = {{"AssumeRole", 200, "<AccessKeyId>AK</AccessKeyId>", {{0}}}}},
         "answer without SecretAccessKey"},
        /* Web identities */
        {{.variables = {"AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere/token"}},
         "neither AWS_ROLE_ARN nor role_arn"},
        {{.variables = {"AWS_WEB_IDENTITY_TOKEN_FILE=/nowhere/token", "AWS_ROLE_ARN=a"}},
         "/nowhere/token"},
        /* SSO */
        {{.variables = {NULL}, .config = "[default]\nsso_account_id = 1\n"},
         "has no sso_role_name"},
        {{.variables = {NULL}, .config = "[default]\n" SSO_KEYS},
         "nobody is logged in; run: aws sso login --profile default"},
        {{.variables = {NULL},
          .config = "[default]\n" SSO_KEYS,
          .file = LEGACY_CACHE,
          .content = "no JSON"},
         "run: aws sso login"},
        {{.variables = {NULL},
          .config = "[default]\n" SSO_KEYS,
          .file = LEGACY_CACHE,
          .content =
              "{\"accessToken\":\"SECRET\",\"expiresAt\":\"2015-08-30T12:00:00Z\"," REGISTRATION
              "}"},
         "the login has ended; run: aws sso login"},
        {{.variables = {NULL},
          .config = CORP,
          .file = CORP_CACHE,
          .content =
              "{\"accessToken\":\"SECRET\",\"expiresAt\":\"2015-08-30T12:00:00Z\"," REGISTRATION
              "}",
          .script = {{"POST /oidc", 400, "{\"error\":\"invalid_grant\"}", {{0}}}}},
         "the login has ended; run: aws sso login"},
        {{.variables = {NULL},
          .config = "[default]\n" SSO_KEYS,
          .file = LEGACY_CACHE,
          .content =
              "{\"accessToken\":\"SECRET\\r\\nX: y\",\"expiresAt\":\"2016-01-01T00:00:00Z\"}"},
         "the login is unreadable; run: aws sso login"},
        {{.variables = {NULL},
          .config = "[default]\n" SSO_KEYS,
          .file = LEGACY_CACHE,
          .content = "{\"accessToken\":\"SECRET\",\"expiresAt\":\"2016-01-01T00:00:00Z\"}",
          .script = {{"GET /portal", 401, "{}", {{0}}}}},
         "the login is not good any more; run: aws sso login"},
        {{.variables = {NULL}, .config = CORP "sso_account_id = 2\n"},
         "have different values of sso_account_id"},
        {{.variables = {NULL},
          .config = "[default]\nsso_account_id=1\nsso_role_name=r\nsso_start_url=u\n"
                    "sso_region=evil.com/\n"},
         "sso_region 'evil.com/' is no AWS region"},
        /* Programs */
        {{.variables = {NULL}, .config = "[default]\ncredential_process = /bin/false\n"},
         "credential_process of profile 'default': '/bin/false' ended with status 1"},
        {{.variables = {NULL},
          .config = "[default]\ncredential_process = nowhere-to-be-found x\n"},
         "no program 'nowhere-to-be-found' in PATH"},
        {{.variables = {NULL}, .config = "[default]\ncredential_process = /bin/echo 'SECRET\n"},
         "a quotation mark is missing"},
        {{.variables = {NULL}, .config = "[default]\ncredential_process = /bin/echo SECRET\n"},
         "the answer is not JSON"},
        {{.variables = {NULL},
          .config = "[default]\ncredential_process = /bin/echo '{\"Version\":2}'\n"},
         "the answer has version 2, not 1"},
        {{.variables = {NULL},
          .config = "[default]\ncredential_process = /bin/echo '{\"Version\":1}'\n"},
         "AccessKeyId"},
        {{.variables = {NULL},
          .config = "[default]\ncredential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":"
                    "\"A\",\"SecretAccessKey\":\"SECRET X\"}'\n"},
         "the secret key of the answer holds a blank"},
        /* Containers */
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=x"}},
         "does not begin with '/'"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://evil.example/"}},
         "is no https, nor on this"},
        {{.variables =
              {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://169.254.170.2.evil.example/"}},
         "is no https, nor on this"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1@evil.example/"}},
         "is no https, nor on this"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/",
                        "AWS_CONTAINER_AUTHORIZATION_TOKEN=SECRET\r\nX: y"}},
         "AWS_CONTAINER_AUTHORIZATION_TOKEN holds a line end"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://127.0.0.1/",
                        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE=/nowhere/token"}},
         "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x?SECRET"},
          .script = {{"GET /x?SECRET", 403, "SECRET", {{0}}}}},
         "credentials of the container, from 'http://169.254.170.2/x': HTTP status 403"},
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
          .script = {{"GET /x", 200, "SECRET", {{0}}}}},
         "the answer is not JSON"},
        /* Instances */
        {{.variables = {NULL},
          .script = {{"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/iam", 200, "role", {{0}}},
                     {"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/iam/security-credentials/role",
                      200,
                      "{\"Code\":\"AssumeRoleUnauthorizedAccess\"}",
                      {{0}}}}},
         "credentials of the instance's role 'role': AssumeRoleUnauthorizedAccess"},
        {{.variables = {NULL}, .script = {{"PUT /latest/api/token", 403, "", {{0}}}}},
         "no AWS credentials"},
        {{.variables = {NULL}, .script = {{"PUT /latest/api/token", 200, "BAD\nTOKEN", {{0}}}}},
         "no AWS credentials"},
        {{.variables = {NULL}, .script = {{"PUT /latest/api/token", 0, "", {{0}}}}},
         "no AWS credentials"},
        {{.variables = {"AWS_METADATA_SERVICE_TIMEOUT=never"}},
         "AWS_METADATA_SERVICE_TIMEOUT 'never'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(world) struct world world;
        owned(credentials) struct credentials found = {0};
        struct error err = {0};
        make_world(&cases[i].situation, &world);
        bool done = credentials_find(&world.sources, &found, &err);
        if (done || !strstr(err.text, cases[i].words))
            fail_msg("case %zu: %s", i, done ? "found some" : err.text);
        if (tells_a_secret(err.text))
            fail_msg("case %zu tells a secret: %s", i, err.text);
    }
}

static void only_those_who_have_keys_sign(void **state)
{
    (void)state;
    static const struct situation web = {
        .variables = {"AWS_WEB_IDENTITY_TOKEN_FILE=~/token", "AWS_ROLE_ARN=arn:w"},
        .file = "token",
        .content = "a.b",
        .script = {{"AssumeRoleWithWebIdentity", 200, STS_ANSWER("AKWEB"), {{0}}}}};
    static const struct situation role = {
        .variables = {NULL},
        .config = "[default]\nrole_arn = a\nsource_profile = default\n" KEYS,
        .script = {{"AssumeRole", 200, STS_ANSWER("AKROLE"), {{0}}}}};
    struct error err = {0};

    for (int i = 0; i < 2; i++) {
        owned(world) struct world world;
        owned(credentials) struct credentials found = {0};
        make_world(i == 0 ? &web : &role, &world);
        assert_ok(credentials_find(&world.sources, &found, &err));
        const char *headers = scripted_aws_headers(world.aws);
        assert_int_equal(strstr(headers, "Credential=AKFILE/20150830/eu-west-1/sts/") != NULL,
                         i == 1);
        assert_int_equal(strstr(headers, "Authorization") != NULL, i == 1);
        assert_null(strstr(headers, "SECRETFILE"));
    }
}

static void the_containers_token_goes_along(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {"AWS_CONTAINER_CREDENTIALS_FULL_URI=http://[fd00:ec2::23]/v1/credentials",
                      "AWS_CONTAINER_AUTHORIZATION_TOKEN=the-token"},
        .script = {{"GET /v1/credentials", 200, JSON_ANSWER("AKEKS"), {{0}}}}};
    owned(world) struct world world;
    owned(credentials) struct credentials found = {0};
    struct error err = {0};

    make_world(&situation, &world);
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_non_null(strstr(scripted_aws_headers(world.aws), "Authorization: the-token\n"));
}

static bool say_code(const char *question, char **answer, struct error *err)
{
    (void)err;
    assert_string_equal(question, "MFA code of arn:mfa: ");
    *answer = memory_copy_string("123456");
    return true;
}

static void a_code_is_asked_for(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {NULL},
        .config =
            "[default]\nrole_arn = a\nsource_profile = default\nmfa_serial = arn:mfa\n" KEYS,
        .script = {
            {"&SerialNumber=arn%3Amfa&TokenCode=123456", 200, STS_ANSWER("AKROLE"), {{0}}}}};
    owned(world) struct world world;
    owned(credentials) struct credentials found = {0};
    struct error err = {0};

    make_world(&situation, &world);
    world.sources.ask = say_code;
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_string_equal(found.keys.access_key, "AKROLE");
}

static void a_renewed_login_is_written_back(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {NULL},
        .config = CORP,
        .file = CORP_CACHE,
        .content = "{\"accessToken\":\"OLD\",\"expiresAt\":\"2015-08-30T12:40:00Z\",\"region\":"
                   "\"r\"," REGISTRATION "}",
        .script = {{"POST /oidc",
                    200,
                    "{\"accessToken\":\"NEW\",\"expiresIn\":3600,\"refreshToken\":\"NEXT\"}",
                    {{0}}},
                   {"GET /portal", 200, SSO_ANSWER, {{0}}}}};
    owned(world) struct world world;
    owned(credentials) struct credentials found = {0};
    owned(memory) char *text = NULL;
    struct error err = {0};
    size_t count;

    make_world(&situation, &world);
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_non_null(strstr(scripted_aws_headers(world.aws), "x-amz-sso_bearer_token: NEW\n"));
    owned(memory) char *path = text_format("%s/%s", world.home, CORP_CACHE);
    assert_ok(file_read(path, 10000, &text, &count, &err));
    assert_string_equal(text,
                        "{\"accessToken\":\"NEW\",\"clientId\":\"c\",\"clientSecret\":"
                        "\"SECRETCLIENT\",\"expiresAt\":\"2015-08-30T13:36:00Z\","
                        "\"refreshToken\":\"NEXT\",\"region\":\"r\",\"registrationExpiresAt\":"
                        "\"2016-01-01T00:00:00Z\"}");
}

/* The answers' credentials end at 13:36, an hour from the beginning. */
static void credentials_are_renewed_before_they_end(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
        .script = {{"GET /x", 200, JSON_ANSWER("AKONE"), {{0}}},
                   {"GET /x", 400, "", {{0}}},
                   {"GET /x",
                    200,
                    "{\"AccessKeyId\":\"AKTWO\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
                    "\"Expiration\":\"2015-08-30T14:36:00Z\"}",
                    {{0}}},
                   {"GET /x", 400, "", {{0}}}}};
    static const struct {
        unsigned int wait_s;
        const char *access_key; /* NULL: an error */
    } steps[] = {
        {0, "AKONE"},        /* 12:36 */
        {44 * 60, "AKONE"},  /* 13:20, not yet */
        {2 * 60, "AKONE"},   /* 13:22, refused */
        {30, "AKONE"},       /* not asked again at once */
        {60, "AKTWO"},       /* 13:23:30 */
        {2 * 60 * 60, NULL}, /* too late, and refused */
    };
    owned(world) struct world world;

    make_world(&situation, &world);
    owned(credentials_keeper) struct credentials_keeper keeper = {0};
    credentials_keeper_init(&keeper, &world.sources);
    for (size_t i = 0; i < COUNT(steps); i++) {
        owned(aws_credentials) struct aws_credentials keys = {0};
        struct error err = {0};
        clock_sleep(world.sources.clock, steps[i].wait_s * 1000);
        bool good = credentials_keeper_get(&keeper, &keys, NULL, &err);
        assert_int_equal(good, steps[i].access_key != NULL);
        if (good)
            assert_string_equal(keys.access_key, steps[i].access_key);
        else
            assert_int_equal(err.kind, ERROR_DENIED);
    }
}

static void credentials_that_have_ended_are_not_used(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=2015-08-30T14:36:00+02:00"}};
    owned(world) struct world world;
    owned(credentials_keeper) struct credentials_keeper keeper = {0};
    owned(aws_credentials) struct aws_credentials keys = {0};
    struct error err = {0};

    make_world(&situation, &world);
    credentials_keeper_init(&keeper, &world.sources);
    assert_fails(credentials_keeper_get(&keeper, &keys, NULL, &err), ERROR_DENIED,
                 "the credentials of the environment ended at 2015-08-30T12:36:00Z");
}

static void files_may_be_elsewhere(void **state)
{
    (void)state;
    static const struct situation situation = {.variables = {NULL},
                                               .credentials = "[default]\n" KEYS};
    owned(world) struct world world;
    owned(credentials) struct credentials found = {0};
    owned(aws_settings) struct aws_settings settings = {0};
    struct error err = {0};

    make_world(&situation, &world);
    owned(memory) char *variable =
        text_format("AWS_CONFIG_FILE=%s/.aws/credentials", world.home);
    const char *environment[] = {"AWS_SHARED_CREDENTIALS_FILE=/dev/null", variable, NULL};
    assert_ok(aws_settings_open(environment, NULL, &settings, &err));
    world.sources.settings = &settings;
    world.sources.profile = aws_settings_profile(&settings);
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_string_equal(found.keys.access_key, "AKFILE");
}

static void the_region_is_found_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        struct situation situation;
        const char *region;
        const char *origin;
    } cases[] = {
        {"eu-west-1",
         {.variables = {"AWS_REGION=us-east-1"}},
         "eu-west-1",
         "the command line or the definition"},
        {NULL,
         {.variables = {"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-2"}},
         "us-east-1",
         "AWS_REGION"},
        {NULL,
         {.variables = {"AWS_DEFAULT_REGION=us-east-2"},
          .config = "[default]\nregion=eu-west-3\n"},
         "us-east-2",
         "AWS_DEFAULT_REGION"},
        {NULL,
         {.variables = {NULL}, .config = "[default]\nregion=eu-west-3\n"},
         "eu-west-3",
         "profile 'default'"},
        {NULL,
         {.variables = {NULL}, .config = "[profile w]\nregion=eu-west-3\n", .profile = "w"},
         "eu-west-3",
         "profile 'w'"},
        {NULL,
         {.variables = {NULL},
          .script = {{"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/placement/region", 200, "ap-south-2", {{0}}}}},
         "ap-south-2",
         "the instance's metadata"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(world) struct world world;
        owned(memory) char *region = NULL;
        owned(memory) char *origin = NULL;
        make_world(&cases[i].situation, &world);
        assert_ok(region_find(cases[i].option, &world.sources, &region, &origin, &err));
        assert_string_equal(region, cases[i].region);
        assert_string_equal(origin, cases[i].origin);
    }
}

static void a_missing_or_impossible_region_is_refused(void **state)
{
    (void)state;
    static const struct situation situation = {.variables = {NO_INSTANCE}};
    static const char *const bad[] = {"evil.example.com/", "EU-WEST-1", "-", "a b", ""};
    owned(world) struct world world;
    owned(memory) char *region = NULL;
    owned(memory) char *origin = NULL;
    struct error err = {0};

    make_world(&situation, &world);
    assert_fails(region_find(NULL, &world.sources, &region, &origin, &err), ERROR_USAGE,
                 "no AWS region: give --region, set AWS_REGION");
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(region_find(bad[i], &world.sources, &region, &origin, &err), ERROR_USAGE,
                     "is no AWS region");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_found_in_order),
        cmocka_unit_test(what_is_set_up_and_cannot_say_is_an_error),
        cmocka_unit_test(only_those_who_have_keys_sign),
        cmocka_unit_test(the_containers_token_goes_along),
        cmocka_unit_test(a_code_is_asked_for),
        cmocka_unit_test(a_renewed_login_is_written_back),
        cmocka_unit_test(credentials_are_renewed_before_they_end),
        cmocka_unit_test(credentials_that_have_ended_are_not_used),
        cmocka_unit_test(files_may_be_elsewhere),
        cmocka_unit_test(the_region_is_found_in_order),
        cmocka_unit_test(a_missing_or_impossible_region_is_refused),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
