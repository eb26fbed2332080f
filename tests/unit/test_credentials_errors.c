/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that cannot be found: said where they were looked for and what to do. Whoever is
 * set up and cannot say is an error, and no secret is in any.
 */
#include "lambda/aws/credentials.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "tests/support/aws_world.h"
#include "tests/support/unit.h"

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
        {{.variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
          .config = "[default]\nlogin_session = arn:x\ncredential_process = /bin/false\n"},
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
        {{.variables = {"AWS_WEB_IDENTITY_TOKEN_FILE=~/token", "AWS_ROLE_ARN=a"},
          .file = "token",
          .content = "\n"},
         "/token' is empty"},
        /* SSO */
        {{.variables = {NULL},
          .config = "[default]\nsso_session = corp\nsso_account_id = 1\nsso_role_name = r\n"
                    "[sso-session other]\nsso_start_url = u\nsso_region = eu-west-1\n"},
         "profile 'default' uses sso-session 'corp', which is not in '"},
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
        world_make(&cases[i].situation, &world);
        bool done = credentials_find(&world.sources, &found, &err);
        if (done || !strstr(err.text, cases[i].words))
            fail_msg("case %zu: %s", i, done ? "found some" : err.text);
        if (tells_a_secret(err.text))
            fail_msg("case %zu tells a secret: %s", i, err.text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_set_up_and_cannot_say_is_an_error),
    };
    return cmocka_run_group_tests_name("credentials_errors", tests, NULL, NULL);
}
