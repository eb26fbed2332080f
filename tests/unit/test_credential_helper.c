/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Helpers: asked as docker asks them, believed when they know nobody, and never quoted
 * where that might tell a secret. And logins written down, in the file or with them.
 */
#include "registry/credential_helper.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/login_save.h"
#include "tests/support/unit.h"

#define NOBODY "echo 'credentials not found in native keychain'; exit 1\n"

static char *folder; /* of the test that runs */
static char *path_variable;
static char *config_variable;
static const char *environment[4];

static const struct registry_login me = {.user = (char *)"me", .password = (char *)"secret"};

static int make_folder(void **state)
{
    (void)state;
    struct error err;

    if (!folder_make_temporary("/tmp", "skiff-helper-", &folder, &err))
        return -1;
    path_variable = text_format("PATH=%s:/bin:/usr/bin", folder);
    config_variable = text_format("DOCKER_CONFIG=%s/new/docker", folder);
    environment[0] = path_variable;
    environment[1] = config_variable;
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    struct error err;
    bool removed = folder_remove(folder, &err);

    free(folder);
    free(path_variable);
    free(config_variable);
    return removed ? 0 : -1;
}

/* A script as docker-credential-x: $1 is the verb. */
static void write_helper(const char *script)
{
    struct error err;
    owned(memory) char *path = text_format("%s/docker-credential-x", folder);
    owned(memory) char *text = text_format("#!/bin/sh\n%s", script);

    assert_ok(file_write(path, 0755, text, strlen(text), &err));
}

static void write_config(const char *text)
{
    struct error err;
    owned(memory) char *parent = text_format("%s/new/docker", folder);
    owned(memory) char *path = text_format("%s/config.json", parent);

    assert_ok(folder_make(parent, &err));
    assert_ok(file_write(path, 0644, text, strlen(text), &err));
}

static char *read_file(const char *name)
{
    struct error err;
    owned(memory) char *path = text_format("%s/%s", folder, name);
    char *text;
    size_t count;

    assert_ok(file_read(path, 10000, &text, &count, &err));
    return text;
}

static void a_helper_knows_who_we_are(void **state)
{
    (void)state;
    static const struct {
        const char *script;
        const char *user;
        const char *password;
        const char *identity_token;
    } cases[] = {
        {"[ $1 = get ] && read host; echo \"{\\\"Username\\\": \\\"$host\\\", "
         "\\\"Secret\\\": \\\"s\\\"}\"",
         "quay.io", "s", NULL},
        {"echo '{\"ServerURL\": \"\", \"Username\": \"<token>\", \"Secret\": \"t\"}'", NULL,
         NULL, "t"},
        {"echo '{\"Username\": \"\", \"Secret\": \"\"}'", NULL, NULL, NULL},
        {NOBODY, NULL, NULL, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(registry_login) struct registry_login login = {0};

        write_helper(cases[i].script);
        assert_ok(credential_helper_get(environment, "x", "quay.io", &login, &err));
        assert_string_equal(login.user ? login.user : "", cases[i].user ? cases[i].user : "");
        assert_string_equal(login.password ? login.password : "",
                            cases[i].password ? cases[i].password : "");
        assert_string_equal(login.identity_token ? login.identity_token : "",
                            cases[i].identity_token ? cases[i].identity_token : "");
    }
}

static void what_goes_wrong_is_told_without_secrets(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *script;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {"x", "echo 'the key\tis locked'; echo more; exit 3", ERROR_DENIED,
         "docker-credential-x get ended with status 3: the key is locked; run it by hand"},
        {"x", "echo '{\"Username\": \"me\", \"Secret\": \"secret\"}'; exit 1", ERROR_DENIED,
         "docker-credential-x get ended with status 1; run it by hand"},
        {"x", "echo secret", ERROR_INVALID, "answer of docker-credential-x: not JSON"},
        {"x", "echo '{\"Secret\": \"secret\"}'", ERROR_INVALID, "Username"},
        {"x", "printf %s '{\"Username\": \"me\", \"Secret\": \"secret\\n\"}'", ERROR_INVALID,
         "line break"},
        {"x", "yes '{\"Secret\": \"secret\"}'", ERROR_LIMIT, "it says more than 65536 bytes"},
        {"missing", "", ERROR_SYSTEM, "docker-credential-missing, which is not in PATH"},
        {"../x", "", ERROR_INVALID, "'../x' is no name of a credential helper"},
        {"x;y", "", ERROR_INVALID, "is no name"},
        {"", "", ERROR_INVALID, "is no name"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct registry_login login = {0};

        write_helper(cases[i].script);
        assert_fails(credential_helper_get(environment, cases[i].name, "a", &login, &err),
                     cases[i].kind, cases[i].words);
        assert_null(strstr(err.text, "secret"));
    }
}

static void a_refusal_to_keep_a_secret_does_not_tell_it(void **state)
{
    (void)state;
    struct error err;
    bool erased;

    write_helper("echo 'cannot keep secret'; exit 1");
    assert_fails(credential_helper_store(environment, "x", "a", &me, &err), ERROR_DENIED,
                 "store ended with status 1; run");
    assert_fails(credential_helper_erase(environment, "x", "a", &erased, &err), ERROR_DENIED,
                 "erase ended with status 1: cannot keep");
}

static void a_login_is_written_as_docker_does(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *keeper = NULL;
    owned(registry_logins) struct registry_logins logins = {0};
    owned(memory) char *path = text_format("%s/new/docker/config.json", folder);
    owned(memory) char *parent = text_format("%s/new/docker", folder);
    struct stat status;
    bool found;

    assert_ok(registry_login_save(environment, "docker.io", &me, &keeper, &err));
    assert_string_equal(keeper, path);
    assert_int_equal(stat(path, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0600);
    assert_int_equal(stat(parent, &status), 0);
    assert_int_equal(status.st_mode & 07777, 0700);
    owned(memory) char *text = read_file("new/docker/config.json");
    assert_string_equal(text,
                        "{\n    \"auths\": {\n        \"https://index.docker.io/v1/\": {\n"
                        "            \"auth\": \"bWU6c2VjcmV0\"\n        }\n    }\n}");
    assert_ok(registry_logins_find(environment, "docker.io", &logins, &err));
    assert_string_equal(registry_logins_for(&logins, "library/alpine")->password, "secret");

    for (int i = 0; i < 2; i++) { /* the second time there is nothing to forget */
        owned(memory) char *again = NULL;
        assert_ok(registry_login_erase(environment, "docker.io", &found, &again, &err));
        assert_int_equal(found, i == 0);
    }
    owned(memory) char *rest = read_file("new/docker/config.json");
    assert_null(strstr(rest, "bWU6"));
}

static void what_else_a_file_says_stays(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *keeper = NULL;
    owned(memory) char *other = NULL;
    bool found;

    write_config(
        "{\"HttpHeaders\": {\"z\": \"1\", \"a\": \"2\"}, \"auths\": {\"b\": {\"auth\": "
        "\"dTpw\"}, \"https://a.io/v1/\": {\"auth\": \"dTpw\"}, \"a.io/team\": {}}}");
    assert_ok(registry_login_save(environment, "a.io", &me, &keeper, &err));
    owned(memory) char *text = read_file("new/docker/config.json");
    assert_non_null(strstr(text, "\"z\": \"1\",\n        \"a\": \"2\""));
    assert_non_null(strstr(text, "\"b\""));
    assert_non_null(strstr(text, "\"a.io/team\""));
    assert_null(strstr(text, "https://a.io/v1/"));

    assert_ok(registry_login_erase(environment, "a.io", &found, &other, &err));
    assert_true(found);
    owned(memory) char *rest = read_file("new/docker/config.json");
    assert_non_null(strstr(rest, "\"a.io/team\""));
    assert_null(strstr(rest, "\"a.io\""));
}

static void a_file_that_is_a_link_stays_one(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *link = text_format("%s/new/docker/config.json", folder);
    owned(memory) char *real = text_format("%s/real.json", folder);
    const char *const targets[] = {real, "../../real.json"};
    struct stat status;

    for (size_t i = 0; i < 2 * COUNT(targets); i++) {
        owned(memory) char *keeper = NULL;
        write_config("{}");
        assert_int_equal(rename(link, real), 0);
        if (i >= COUNT(targets)) /* it may lead to nothing yet */
            assert_int_equal(remove(real), 0);
        assert_int_equal(symlink(targets[i % COUNT(targets)], link), 0);
        assert_ok(registry_login_save(environment, "a.io", &me, &keeper, &err));
        assert_int_equal(lstat(link, &status), 0);
        assert_true(S_ISLNK(status.st_mode));
        owned(memory) char *text = read_file("real.json");
        assert_non_null(strstr(text, "a.io"));
        assert_int_equal(remove(link), 0);
    }
}

static void a_file_may_be_empty(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *keeper = NULL;

    write_config(" \n");
    assert_ok(registry_login_save(environment, "a.io", &me, &keeper, &err));
    owned(memory) char *text = read_file("new/docker/config.json");
    assert_non_null(strstr(text, "a.io"));
}

static void a_helper_keeps_what_the_file_then_has_not(void **state)
{
    (void)state;
    struct error err;
    bool found;

    static const char *const configs[] = {
        "{\"credsStore\": \"x\"}",
        "{\"credHelpers\": {\"a.io\": \"x\"}, \"credsStore\": \"missing\"}",
    };
    write_helper(
        "cd \"${0%/*}\"\ncase $1 in\nstore) cat > kept ;;\nget) [ -f kept ] && cat kept || {"
        " " NOBODY "} ;;\nerase) rm kept ;;\nesac\n");
    for (size_t i = 0; i < COUNT(configs); i++) {
        owned(memory) char *keeper = NULL;
        owned(memory) char *other = NULL;
        owned(registry_logins) struct registry_logins logins = {0};
        owned(registry_logins) struct registry_logins none = {0};

        write_config(configs[i]);
        assert_ok(registry_logins_find(environment, "a.io", &none, &err));
        assert_int_equal(none.count, 0);
        assert_ok(registry_login_save(environment, "a.io", &me, &keeper, &err));
        assert_string_equal(keeper, "docker-credential-x");
        owned(memory) char *kept = read_file("kept");
        assert_string_equal(
            kept, "{\"Secret\":\"secret\",\"ServerURL\":\"a.io\",\"Username\":\"me\"}");
        owned(memory) char *text = read_file("new/docker/config.json");
        assert_non_null(strstr(text, "\"a.io\": {}"));
        assert_ok(registry_logins_find(environment, "a.io", &logins, &err));
        assert_string_equal(registry_logins_for(&logins, "x")->password, "secret");
        assert_ok(registry_login_erase(environment, "a.io", &found, &other, &err));
        assert_true(found);
    }
}

static void a_login_that_cannot_be_kept_changes_nothing(void **state)
{
    (void)state;
    struct error err;
    char *keeper = NULL;
    static const struct {
        const char *config;
        enum error_kind kind;
    } cases[] = {
        {"{\"credsStore\": \"missing\"}", ERROR_SYSTEM},
        {"{\"credHelpers\": {\"a.io\": \"../x\"}}", ERROR_INVALID},
        {"{", ERROR_INVALID},
        {"[]", ERROR_INVALID},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        write_config(cases[i].config);
        assert_false(registry_login_save(environment, "a.io", &me, &keeper, &err));
        assert_int_equal(err.kind, cases[i].kind);
        assert_null(strstr(err.text, "secret"));
        owned(memory) char *text = read_file("new/docker/config.json");
        assert_string_equal(text, cases[i].config);
    }
    assert_fails(registry_login_save(environment + 3, "a.io", &me, &keeper, &err), ERROR_USAGE,
                 "says where logins");
}

#define IN_A_FOLDER(test) cmocka_unit_test_setup_teardown(test, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_FOLDER(a_helper_knows_who_we_are),
        IN_A_FOLDER(what_goes_wrong_is_told_without_secrets),
        IN_A_FOLDER(a_refusal_to_keep_a_secret_does_not_tell_it),
        IN_A_FOLDER(a_login_is_written_as_docker_does),
        IN_A_FOLDER(what_else_a_file_says_stays),
        IN_A_FOLDER(a_file_that_is_a_link_stays_one),
        IN_A_FOLDER(a_file_may_be_empty),
        IN_A_FOLDER(a_helper_keeps_what_the_file_then_has_not),
        IN_A_FOLDER(a_login_that_cannot_be_kept_changes_nothing),
    };
    return cmocka_run_group_tests_name("credential_helper", tests, NULL, NULL);
}
