/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logins: found where docker and podman keep them, under every name a host has,
 * and broken files are named instead of passed over.
 */
#include "registry/registry_login.h"

#include <stdlib.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

/* "user:pass:word" */
#define AUTH "{\"auth\": \"dXNlcjpwYXNzOndvcmQ=\"}"

static char *folder; /* of the test that runs */

static int make_folder(void **state)
{
    (void)state;
    struct error err;

    return folder_make_temporary("/tmp", "skiff-login-", &folder, &err) ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    struct error err;
    bool removed = folder_remove(folder, &err);

    free(folder);
    return removed ? 0 : -1;
}

static void write_file(const char *path, const char *text)
{
    struct error err;
    owned(memory) char *whole = text_format("%s/%s", folder, path);
    owned(memory) char *parent = memory_copy_string(whole);

    *strrchr(parent, '/') = '\0';
    assert_ok(folder_make(parent, &err));
    assert_ok(file_write(whole, 0600, text, strlen(text), &err));
}

/* Puts the folder where the "%s" is. */
static char *format_place(const char *variable)
{
    const char *mark = strstr(variable, "%s");

    if (!mark)
        return memory_copy_string(variable);
    return text_format("%.*s%s%s", (int)(mark - variable), variable, folder, mark + 2);
}

/* With up to two variables of the environment set. */
static bool find_all(const char *first, const char *second, const char *host,
                     struct registry_logins *out, struct error *err)
{
    owned(memory) char *one = format_place(first);
    owned(memory) char *two = second ? format_place(second) : NULL;
    const char *environment[] = {one, two, NULL};

    *out = (struct registry_logins){0};
    return registry_logins_find(environment, host, out, err);
}

/* The user for a repository, or "nobody". */
static const char *user_for(const struct registry_logins *logins, const char *repository)
{
    const char *user = registry_logins_for(logins, repository)->user;

    return user ? user : "nobody";
}

static void a_host_is_found_under_all_its_names(void **state)
{
    (void)state;
    static const struct {
        const char *key;
        const char *host;
        bool found;
    } cases[] = {
        {"quay.io", "quay.io", true},
        {"https://quay.io", "quay.io", true},
        {"http://quay.io/v1/", "quay.io", true},
        {"https://quay.io/v2/", "quay.io", true},
        {"Quay.IO", "quay.io", true},
        {"localhost:5000", "localhost:5000", true},
        {"https://index.docker.io/v1/", "docker.io", true},
        {"docker.io", "docker.io", true},
        {"registry-1.docker.io", "docker.io", true},
        {"quay.io/team", "quay.io", false},
        {"quay.io", "quay.io.example.org", false},
        {"quay.io.example.org", "quay.io", false},
        {"localhost:5001", "localhost:5000", false},
        {"localhost", "localhost:5000", false},
        {"https://index.docker.io/v1/", "index.example.org", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(registry_logins) struct registry_logins logins = {0};
        owned(memory) char *text = text_format("{\"auths\": {\"%s\": " AUTH "}}", cases[i].key);
        write_file("auth.json", text);

        assert_ok(
            find_all("REGISTRY_AUTH_FILE=%s/auth.json", NULL, cases[i].host, &logins, &err));
        const struct registry_login *login = registry_logins_for(&logins, "an/app");
        assert_int_equal(!registry_login_is_empty(login), cases[i].found);
        if (cases[i].found) {
            assert_string_equal(login->user, "user");
            assert_string_equal(login->password, "pass:word");
        }
    }
}

static void the_first_file_that_knows_the_host_wins(void **state)
{
    (void)state;
    struct error err;

    write_file(".docker/config.json",
               "{\"auths\": {\"a\": {\"username\": \"home\", \"password\": \"x\"},"
               " \"b\": {\"username\": \"home\", \"password\": \"x\"}, \"c\": {}}}");
    write_file("docker/config.json",
               "{\"auths\": {\"a\": {\"username\": \"docker\", \"password\": \"x\"}}}");
    write_file("containers/auth.json",
               "{\"auths\": {\"c\": {\"username\": \"podman\", \"password\": \"x\"},"
               " \"a\": {\"username\": \"podman\", \"password\": \"x\"}}}");
    write_file("auth.json",
               "{\"auths\": {\"a\": {\"username\": \"file\", \"password\": \"x\"}}}");
    write_file("empty/config.json", "");

    static const struct {
        const char *variables[2];
        const char *host;
        const char *user; /* NULL: nobody */
    } cases[] = {
        {{"HOME=%s", "DOCKER_CONFIG=%s/docker"}, "a", "docker"},
        {{"HOME=%s", "DOCKER_CONFIG=%s/docker"}, "b", "home"},
        {{"HOME=%s", "XDG_RUNTIME_DIR=%s"}, "a", "home"},
        {{"HOME=%s", "XDG_RUNTIME_DIR=%s"}, "c", "podman"}, /* an entry may be empty */
        {{"HOME=%s", "XDG_RUNTIME_DIR=%s"}, "d", NULL},
        {{"REGISTRY_AUTH_FILE=%s/auth.json", "DOCKER_CONFIG=%s/docker"}, "a", "file"},
        {{"REGISTRY_AUTH_FILE=%s/auth.json", "HOME=%s"}, "b", "home"},
        {{"DOCKER_CONFIG=%s/docker", "XDG_RUNTIME_DIR=%s"}, "a", "docker"},
        {{"HOME=%s", "DOCKER_CONFIG=%s/empty"}, "a", "home"},
        {{"HOME=%s/nowhere", "REGISTRY_AUTH_FILE="}, "a", NULL},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(registry_logins) struct registry_logins logins = {0};
        assert_ok(find_all(cases[i].variables[0], cases[i].variables[1], cases[i].host, &logins,
                           &err));
        assert_string_equal(user_for(&logins, "x"), cases[i].user ? cases[i].user : "nobody");
    }
}

static void broken_files_are_named_and_secrets_are_not(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "{\"auths\": {\"a\": {\"auth\": \"c2VjcmV0\"}}}",           /* no colon */
        "{\"auths\": {\"a\": {\"auth\": \"%%%secret\"}}}",          /* no base64 */
        "{\"auths\": {\"a\": {\"auth\": \"dXNlcjpzZWNyZXQACg\"}}}", /* a NUL */
        "{\"auths\": {\"a\": {\"username\": \"u\", \"password\": \"secret\\r\\nX: y\"}}}",
        "{\"auths\": {\"a\": ",
        "{\"auths\": {\"a\": {\"auth\": \"secret",
        "{\"auths\": {\"a\": {\"auth\" \"secret\"}}}",
        "{\"auths\": {\"a\": {\"identitytoken\": \"secret\\u001b\"}}}",
        "{\"auths\": {\"a\": {\"registrytoken\": \"secret\\n\"}}}",
        "[\"secret\"]",
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct registry_logins logins;
        write_file("config.json", cases[i]);

        assert_fails(find_all("DOCKER_CONFIG=%s", NULL, "a", &logins, &err), ERROR_INVALID,
                     "/config.json");
        assert_null(strstr(err.text, "secret"));
    }
}

static void the_longest_path_wins(void **state)
{
    (void)state;
    struct error err;
    owned(registry_logins) struct registry_logins logins = {0};
    static const struct {
        const char *repository;
        const char *user;
    } cases[] = {
        {"team/app", "app"},      {"team/app/deeper", "app"}, {"team/application", "team"},
        {"team", "team"},         {"team2/app", "all"},       {"other", "other"},
        {"other/below", "other"}, {"elsewhere/app", "all"},
    };

    write_file("auth.json",
               "{\"auths\": {\"a/team\": {\"username\": \"team\", \"password\": \"x\"},"
               " \"a\": {\"username\": \"all\", \"password\": \"x\"},"
               " \"a/team/app\": {\"username\": \"app\", \"password\": \"x\"},"
               " \"a/other\": {\"username\": \"other\", \"password\": \"x\"}}}");
    assert_ok(find_all("REGISTRY_AUTH_FILE=%s/auth.json", NULL, "a", &logins, &err));
    for (size_t i = 0; i < COUNT(cases); i++)
        assert_string_equal(user_for(&logins, cases[i].repository), cases[i].user);
}

static void a_path_of_an_earlier_file_comes_before_a_host_of_a_later_one(void **state)
{
    (void)state;
    struct error err;
    owned(registry_logins) struct registry_logins logins = {0};

    write_file("auth.json", "{\"auths\": {\"a/team\": {\"username\": \"first\","
                            " \"password\": \"x\"}}}");
    write_file("config.json",
               "{\"auths\": {\"a\": {\"username\": \"second\", \"password\": \"x\"},"
               " \"a/team/app\": {\"username\": \"third\", \"password\": \"x\"}}}");
    assert_ok(
        find_all("REGISTRY_AUTH_FILE=%s/auth.json", "DOCKER_CONFIG=%s", "a", &logins, &err));
    assert_string_equal(user_for(&logins, "team/app"), "first");
    assert_string_equal(user_for(&logins, "other"), "second");
}

static void tokens_stand_beside_an_empty_password(void **state)
{
    (void)state;
    struct error err;
    owned(registry_logins) struct registry_logins logins = {0};
    owned(registry_logins) struct registry_logins others = {0};

    /* "id:", as docker writes it for Azure */
    write_file("auth.json", "{\"auths\": {\"a\": {\"auth\": \"aWQ6\", "
                            "\"identitytoken\": \"secret\"},"
                            " \"b\": {\"registrytoken\": \"hidden\"}}}");
    assert_ok(find_all("REGISTRY_AUTH_FILE=%s/auth.json", NULL, "a", &logins, &err));
    assert_ok(find_all("REGISTRY_AUTH_FILE=%s/auth.json", NULL, "b", &others, &err));

    const struct registry_login *login = registry_logins_for(&logins, "x");
    assert_null(login->user);
    assert_string_equal(login->identity_token, "secret");
    assert_true(registry_login_tells(login, "your secret is wrong"));
    assert_string_equal(registry_logins_for(&others, "x")->registry_token, "hidden");
}

static void a_login_becomes_a_header(void **state)
{
    (void)state;
    struct registry_login aladdin = {.user = (char *)"Aladdin",
                                     .password = (char *)"open sesame"};
    struct registry_login nobody = {0};
    owned(memory) char *header = registry_login_basic(&aladdin);

    /* RFC 7617, section 2 */
    assert_string_equal(header, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_null(registry_login_basic(&nobody));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_host_is_found_under_all_its_names, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_first_file_that_knows_the_host_wins, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(broken_files_are_named_and_secrets_are_not, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(the_longest_path_wins, make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(
            a_path_of_an_earlier_file_comes_before_a_host_of_a_later_one, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(tokens_stand_beside_an_empty_password, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_login_becomes_a_header),
    };
    return cmocka_run_group_tests_name("registry_login", tests, NULL, NULL);
}
