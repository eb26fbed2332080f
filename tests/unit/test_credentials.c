/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are for AWS, in which region and at which endpoint: found where the AWS CLI finds it,
 * and said where it was looked for when nobody knows.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lambda/aws/credentials.h"
#include "lambda/signer/endpoint.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

enum { VARIABLES_LIMIT = 8 };

/* A home with ~/.aws in it, and an environment that names it first. */
struct home {
    char *path;
    char *variable;
    const char *environment[VARIABLES_LIMIT + 2];
};

static void put(const struct home *home, const char *name, const char *content)
{
    struct error err = {0};
    owned(memory) char *path = text_format("%s/.aws/%s", home->path, name);

    if (content)
        assert_ok(file_write(path, 0600, content, strlen(content), &err));
}

static struct home make_home(const char *credentials, const char *config,
                             const char *const *variables)
{
    struct error err = {0};
    struct home home = {0};

    assert_ok(folder_make_temporary("/tmp", "skiff-test-", &home.path, &err));
    owned(memory) char *folder = text_format("%s/.aws", home.path);
    assert_ok(folder_make(folder, &err));
    home.variable = text_format("HOME=%s", home.path);
    home.environment[0] = home.variable;
    for (size_t i = 0; i < VARIABLES_LIMIT && variables[i]; i++)
        home.environment[i + 1] = variables[i];
    put(&home, "credentials", credentials);
    put(&home, "config", config);
    return home;
}

static void home_cleanup(struct home *home)
{
    struct error err = {0};

    assert_ok(folder_remove(home->path, &err));
    free(home->path);
    free(home->variable);
}

#define KEYS "aws_access_key_id = AKFILE\naws_secret_access_key = SECRETFILE\n"

static void credentials_are_found_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *credentials;
        const char *config;
        const char *access_key;
        const char *secret_key;
        const char *token;
    } cases[] = {
        {{"AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=S"},
         NULL,
         NULL,
         "AKENV",
         "S",
         NULL},
        {{"AWS_ACCESS_KEY_ID=AKENV", "AWS_SECRET_ACCESS_KEY=S", "AWS_SESSION_TOKEN=T"},
         "[default]\n" KEYS,
         NULL,
         "AKENV",
         "S",
         "T"},
        {{NULL}, "[default]\n" KEYS, NULL, "AKFILE", "SECRETFILE", NULL},
        {{NULL}, NULL, "[default]\n" KEYS "aws_session_token=T\n", "AKFILE", "SECRETFILE", "T"},
        {{NULL}, NULL, "[profile default]\n" KEYS, "AKFILE", "SECRETFILE", NULL},
        {{"AWS_PROFILE=work"}, "[default]\n[work]\n" KEYS, NULL, "AKFILE", "SECRETFILE", NULL},
        {{"AWS_DEFAULT_PROFILE=work"},
         NULL,
         "[profile work]\n" KEYS,
         "AKFILE",
         "SECRETFILE",
         NULL},
        {{"AWS_PROFILE=work", "AWS_DEFAULT_PROFILE=play"},
         "[play]\naws_access_key_id=no\n[work]\n" KEYS,
         NULL,
         "AKFILE",
         "SECRETFILE",
         NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(home) struct home home =
            make_home(cases[i].credentials, cases[i].config, cases[i].variables);
        owned(profile) struct profile profile = {0};
        owned(aws_credentials) struct aws_credentials found = {0};
        struct error err = {0};
        assert_ok(profile_open(home.environment, &profile, &err));
        assert_ok(credentials_find(home.environment, &profile, &found, &err));
        assert_string_equal(found.access_key, cases[i].access_key);
        assert_string_equal(found.secret_key, cases[i].secret_key);
        if (cases[i].token)
            assert_string_equal(found.session_token, cases[i].token);
        else
            assert_null(found.session_token);
    }
}

static void missing_credentials_are_explained(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *credentials;
        const char *config;
        const char *words;
    } cases[] = {
        {{NULL}, NULL, NULL, "profile 'default' is not in"},
        {{NULL}, NULL, NULL, "run 'aws configure'"},
        {{NULL}, "[default]\nregion = eu-west-1\n", NULL, "profile 'default' has no keys in"},
        {{"AWS_PROFILE=work"}, "[default]\n" KEYS, NULL, "profile 'work' is not in"},
        {{"AWS_PROFILE=work"}, NULL, "[work]\n" KEYS, "profile 'work' is not in"},
        {{"AWS_ACCESS_KEY_ID=AK"},
         "[default]\n" KEYS,
         NULL,
         "AWS_ACCESS_KEY_ID is set, but AWS_SECRET_ACCESS_KEY is not"},
        {{"AWS_ACCESS_KEY_ID=AK", "AWS_SECRET_ACCESS_KEY=sec ret"},
         NULL,
         NULL,
         "AWS_SECRET_ACCESS_KEY holds a blank"},
        {{NULL}, "[default]\naws_access_key_id = AK\n", NULL, "but no aws_secret_access_key"},
        {{NULL}, NULL, "[default]\nsso_session = corp\n", "by sso_session"},
        {{NULL}, NULL, "[default]\nrole_arn = arn:x\n", "aws configure export-credentials"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(home) struct home home =
            make_home(cases[i].credentials, cases[i].config, cases[i].variables);
        owned(profile) struct profile profile = {0};
        owned(aws_credentials) struct aws_credentials found = {0};
        struct error err = {0};
        assert_ok(profile_open(home.environment, &profile, &err));
        assert_fails(credentials_find(home.environment, &profile, &found, &err), ERROR_DENIED,
                     cases[i].words);
        assert_null(strstr(err.text, "SECRETFILE"));
        assert_null(strstr(err.text, "sec ret"));
    }
}

static void files_may_be_elsewhere(void **state)
{
    (void)state;
    owned(home) struct home home = make_home("[default]\n" KEYS, NULL, (const char *[]){NULL});
    owned(memory) char *variable =
        text_format("AWS_CONFIG_FILE=%s/.aws/credentials", home.path);
    const char *environment[] = {"AWS_SHARED_CREDENTIALS_FILE=/dev/null", variable, NULL};
    owned(profile) struct profile profile = {0};
    owned(aws_credentials) struct aws_credentials found = {0};
    struct error err = {0};

    assert_ok(profile_open(environment, &profile, &err));
    assert_ok(credentials_find(environment, &profile, &found, &err));
    assert_string_equal(found.access_key, "AKFILE");
}

static void profiles_are_read_like_the_cli_does(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *section;
        const char *expected; /* NULL: not there */
    } cases[] = {
        {"[a]\nkey=v\n", "a", "v"},
        {"[a]\r\nkey = v \r\n", "a", "v"},
        {"[a]\nKEY=v", "a", "v"},
        {" [ profile \t a ] # note\nkey=v", "profile a", "v"},
        {"[a]\nkey = v # note\n", "a", "v"},
        {"[a]\nkey = v#1;2\n", "a", "v#1;2"},
        {"[a]\nkey = a=b==\n", "a", "a=b=="},
        {"[a]\n#key = x\n;key = y\nkey=v", "a", "v"},
        {"[a]\ns3 =\n  key = nested\nother = 1\n", "a", NULL},
        {"[a]\nother=1\n[b]\nkey=v\n", "a", NULL},
        {"[b]\nkey=1\n[a]\nkey=2\n", "a", "2"},
        {"[ab]\nkey=1\n", "a", NULL},
        {"[a\nkey=1\n", "a", NULL},
        {"key=1\n", "a", NULL},
        {"", "a", NULL},
        {"[]\nkey=1", "a", NULL},
        {"[a]\nkey\n=\n==\n", "a", NULL},
        {"[a]\nkey=", "a", ""},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *found = profile_find(cases[i].text, cases[i].section, "key");
        if (!cases[i].expected)
            assert_null(found);
        else if (!found || strcmp(found, cases[i].expected) != 0)
            fail_msg("case %zu: '%s'", i, found ? found : "(none)");
    }
}

static void the_region_is_found_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        const char *variables[VARIABLES_LIMIT];
        const char *config;
        const char *region;
    } cases[] = {
        {"eu-west-1", {"AWS_REGION=us-east-1"}, NULL, "eu-west-1"},
        {NULL, {"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-2"}, NULL, "us-east-1"},
        {NULL, {"AWS_DEFAULT_REGION=us-east-2"}, "[default]\nregion=eu-west-3\n", "us-east-2"},
        {NULL, {NULL}, "[default]\nregion=eu-west-3\n", "eu-west-3"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(home) struct home home = make_home(NULL, cases[i].config, cases[i].variables);
        owned(profile) struct profile profile = {0};
        owned(memory) char *region = NULL;
        assert_ok(profile_open(home.environment, &profile, &err));
        assert_ok(
            credentials_region(cases[i].option, home.environment, &profile, &region, &err));
        assert_string_equal(region, cases[i].region);
    }
}

static void a_missing_or_impossible_region_is_refused(void **state)
{
    (void)state;
    owned(home) struct home home = make_home(NULL, NULL, (const char *[]){NULL});
    owned(profile) struct profile profile = {0};
    owned(memory) char *region = NULL;
    struct error err = {0};

    assert_ok(profile_open(home.environment, &profile, &err));
    assert_fails(credentials_region(NULL, home.environment, &profile, &region, &err),
                 ERROR_USAGE, "no AWS region: give --region, set AWS_REGION");
    static const char *const bad[] = {"evil.example.com/", "EU-WEST-1", "-", "a b", ""};
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(credentials_region(bad[i], home.environment, &profile, &region, &err),
                     ERROR_USAGE, "is no AWS region");
}

static void endpoints_follow_region_and_variables(void **state)
{
    (void)state;
    static const struct {
        const char *variables[VARIABLES_LIMIT];
        const char *service;
        const char *region;
        const char *url;
    } cases[] = {
        {{NULL}, "lambda", "eu-west-1", "https://lambda.eu-west-1.amazonaws.com"},
        {{NULL}, "ecr", "us-gov-west-1", "https://api.ecr.us-gov-west-1.amazonaws.com"},
        {{NULL}, "logs", "cn-north-1", "https://logs.cn-north-1.amazonaws.com.cn"},
        {{NULL}, "sts", "us-isob-east-1", "https://sts.us-isob-east-1.sc2s.sgov.gov"},
        {{"AWS_ENDPOINT_URL=http://127.0.0.1:5000/"}, "ecr", "x", "http://127.0.0.1:5000"},
        {{"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_ECR=https://b/base//"},
         "ecr",
         "x",
         "https://b/base"},
        {{"AWS_ENDPOINT_URL=http://a", "AWS_ENDPOINT_URL_ECR=https://b"},
         "logs",
         "x",
         "http://a"},
        {{"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS=http://c"}, "logs", "x", "http://c"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *url = NULL;
        assert_ok(
            endpoint_find(cases[i].variables, cases[i].service, cases[i].region, &url, &err));
        assert_string_equal(url, cases[i].url);
    }
}

static void an_endpoint_that_is_no_url_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "AWS_ENDPOINT_URL=localhost:5000",
        "AWS_ENDPOINT_URL=ftp://a",
        "AWS_ENDPOINT_URL=http://",
        "AWS_ENDPOINT_URL=http:///",
        "AWS_ENDPOINT_URL=http://user:pass@a/",
        "AWS_ENDPOINT_URL=http://a/?b",
        "AWS_ENDPOINT_URL=http://a b",
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(bad); i++) {
        owned(memory) char *url = NULL;
        const char *environment[] = {bad[i], NULL};
        assert_fails(endpoint_find(environment, "lambda", "eu-west-1", &url, &err), ERROR_USAGE,
                     "AWS_ENDPOINT_URL is no URL");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_found_in_order),
        cmocka_unit_test(missing_credentials_are_explained),
        cmocka_unit_test(files_may_be_elsewhere),
        cmocka_unit_test(profiles_are_read_like_the_cli_does),
        cmocka_unit_test(the_region_is_found_in_order),
        cmocka_unit_test(a_missing_or_impossible_region_is_refused),
        cmocka_unit_test(endpoints_follow_region_and_variables),
        cmocka_unit_test(an_endpoint_that_is_no_url_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
