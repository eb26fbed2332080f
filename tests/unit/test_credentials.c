/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are for AWS: found where the AWS CLI finds it, in its order.
 */
#include "lambda/aws/credentials.h"

#include <stdlib.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/aws_world.h"
#include "tests/support/unit.h"

static bool say_code(const char *question, char **answer, struct error *err)
{
    (void)err;
    assert_string_equal(question, "MFA code of arn:mfa: ");
    *answer = memory_copy_string("123456");
    return true;
}

/* Tokens of the world's sources, unlike those of variables and files, end within the hour; the
 * end is what they are renewed before (test_credentials_keeper.c). */
static time_t end_of(const char *token)
{
    enum { END = 1440941760 };

    return token && strncmp(token, "TOKEN", 5) == 0 ? END : 0;
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
        {{.variables = {NULL},
          .config =
              "[default]\ncredential_process = /bin/echo '{\"Version\": 1, "
              "\"AccessKeyId\": \"AKPROC\", \"SecretAccessKey\": \"S\", \"SessionToken\": "
              "\"TOKENPROC\", \"Expiration\": \"2015-08-30T13:36:00Z\"}'\n"},
         "AKPROC",
         "TOKENPROC",
         "credential_process of profile 'default'"},
        {{.variables = {ENV_KEYS, "AWS_SESSION_TOKEN=TOKENENV",
                        "AWS_CREDENTIAL_EXPIRATION=2015-08-30T13:36:00Z"}},
         "AKENV",
         "TOKENENV",
         "the environment"},
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
        world_make(&cases[i].situation, &world);
        if (!credentials_find(&world.sources, &found, &err))
            fail_msg("case %zu: %s", i, err.text);
        assert_string_equal(found.keys.access_key, cases[i].access_key);
        assert_string_equal(found.keys.session_token ? found.keys.session_token : "",
                            cases[i].token ? cases[i].token : "");
        assert_string_equal(found.origin, cases[i].origin);
        assert_int_equal(found.expire_at, end_of(cases[i].token));
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
        world_make(i == 0 ? &web : &role, &world);
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

    world_make(&situation, &world);
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_non_null(strstr(scripted_aws_headers(world.aws), "Authorization: the-token\n"));
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

    world_make(&situation, &world);
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

    world_make(&situation, &world);
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

static void files_may_be_elsewhere(void **state)
{
    (void)state;
    static const struct situation situation = {.variables = {NULL},
                                               .credentials = "[default]\n" KEYS};
    owned(world) struct world world;
    owned(credentials) struct credentials found = {0};
    owned(aws_settings) struct aws_settings settings = {0};
    struct error err = {0};

    world_make(&situation, &world);
    owned(memory) char *variable =
        text_format("AWS_CONFIG_FILE=%s/.aws/credentials", world.home);
    const char *environment[] = {"AWS_SHARED_CREDENTIALS_FILE=/dev/null", variable, NULL};
    assert_ok(aws_settings_open(environment, NULL, &settings, &err));
    world.sources.settings = &settings;
    world.sources.profile = aws_settings_profile(&settings);
    assert_ok(credentials_find(&world.sources, &found, &err));
    assert_string_equal(found.keys.access_key, "AKFILE");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_found_in_order),
        cmocka_unit_test(only_those_who_have_keys_sign),
        cmocka_unit_test(the_containers_token_goes_along),
        cmocka_unit_test(a_code_is_asked_for),
        cmocka_unit_test(a_renewed_login_is_written_back),
        cmocka_unit_test(files_may_be_elsewhere),
    };
    return cmocka_run_group_tests_name("credentials", tests, NULL, NULL);
}
