/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who we are at a registry: asked once, remembered per scope, renewed once when
 * it ran out, and told to nobody else.
 */
#include "registry/token.h"

#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/registry.h"
#include "registry/session.h"
#include "tests/support/scripted_http.h"
#include "tests/support/unit.h"

#define BASIC "Basic dXNlcjpzZWNyZXQ=" /* user:secret */
#define WANTS_BEARER                                                                           \
    {                                                                                          \
        "WWW-Authenticate", "Bearer realm=\"https://auth.example/token\",service=\"r\""        \
    }
#define WANTS_BASIC                                                                            \
    {                                                                                          \
        "WWW-Authenticate", "Basic realm=\"x\""                                                \
    }
#define A "/v2/team/a/manifests/1"
#define B "/v2/team/b/manifests/1"
#define TOKEN "https://auth.example/token?service=r&scope=repository:team/"
#define LONG                                                                                   \
    "secret-token-of-a-hundred-bytes-which-is-one-of-five-in-a-row-and-no-registry-has-any-"   \
    "business-with."
#define LONG_TOKEN LONG LONG LONG LONG LONG
#define IMAGE "{\"layers\": []}"

static const char *const nobody[] = {NULL};
static const struct registry_login user = {(char *)"user", (char *)"secret", NULL, NULL};
static const struct registry_login identity = {.identity_token = (char *)"secret"};
static const struct registry_login registry_token = {.registry_token = (char *)"secret"};

/* Reads tag 1 of each repository in turn at registry.example. */
static bool read_all(const struct scripted_exchange *script, size_t count,
                     const struct registry_login *login, const char *const *environment,
                     const char *const *repositories, struct error *err)
{
    struct scripted_http scripted;
    bool succeeded = true;

    scripted_http_init(&scripted, script, count);
    struct registries *registries = registries_new(&scripted.http, environment);
    if (login)
        registries_set_login(registries, "registry.example", NULL, login);
    for (; *repositories && succeeded; repositories++) {
        owned(document) struct document document = {0};
        struct store *store =
            registries_repository(registries, "registry.example", *repositories);
        succeeded = store_resolve(store, "1", &document, err);
    }
    registries_free(registries);
    scripted_http_release(&scripted);
    return succeeded;
}

/* The script is all that it takes. */
static void read_well(const struct scripted_exchange *script, size_t count,
                      const struct registry_login *login, const char *const *repositories)
{
    struct error err;

    assert_ok(read_all(script, count, login, nobody, repositories, &err));
}

/* A file with one login, "user:secret", for `place`: the variable that names it, the caller's.
 */
static char *write_login(const char *place)
{
    struct error err;
    owned(memory) char *path = memory_copy_string("/tmp/skiff-auth-XXXXXX");
    owned(memory) char *text = text_format(
        "{\"auths\": {\"%s\": {\"username\": \"user\", \"password\": \"secret\"}}}", place);

    int fd = mkstemp(path);
    assert_true(fd >= 0);
    close(fd);
    assert_ok(file_write(path, 0600, text, strlen(text), &err));
    return text_format("REGISTRY_AUTH_FILE=%s", path);
}

static const char *path_of(const char *variable)
{
    return strchr(variable, '=') + 1;
}

static const char *const only_a[] = {"team/a", NULL};
static const char *const a_b_a[] = {"team/a", "team/b", "team/a", NULL};

static void an_open_registry_is_asked_once(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", "https://registry.example" A, .status = 200, .answer = IMAGE},
    };

    read_well(script, COUNT(script), NULL, only_a);
}

static void nobody_gets_a_token_per_scope(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"for-a\"}"},
        {"GET", A, "Bearer for-a", .status = 200, .answer = IMAGE},
        /* The second repository knows the way already, the third request the token. */
        {"GET", TOKEN "b:pull", .status = 200, .answer = "{\"access_token\": \"for-b\"}"},
        {"GET", B, "Bearer for-b", .status = 200, .answer = IMAGE},
        {"GET", A, "Bearer for-a", .status = 200, .answer = IMAGE},
    };

    read_well(script, COUNT(script), NULL, a_b_a);
}

static void a_login_goes_to_the_token_server(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", BASIC, .status = 200, .answer = "{\"token\": \"t\"}"},
        {"GET", A, "Bearer t", .status = 200, .answer = IMAGE},
    };

    read_well(script, COUNT(script), &user, only_a);
}

static void a_login_is_looked_up_when_it_is_wanted(void **state)
{
    (void)state;
    struct error err;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {{"WWW-Authenticate", "Basic realm=x"}}},
        {"GET", A, BASIC, .status = 200, .answer = IMAGE},
        {"GET", B, BASIC, .status = 200, .answer = IMAGE},
        {"GET", A, BASIC, .status = 200, .answer = IMAGE},
    };

    owned(memory) char *variable = write_login("registry.example");
    const char *environment[] = {variable, NULL};

    assert_ok(read_all(script, COUNT(script), NULL, environment, a_b_a, &err));

    assert_ok(file_write(path_of(variable), 0600, "{", 1, &err));
    assert_fails(read_all(script, 1, NULL, environment, only_a, &err), ERROR_INVALID,
                 path_of(variable));
    unlink(path_of(variable));
}

static void a_token_that_ran_out_is_renewed_once(void **state)
{
    (void)state;
    struct error err;
    static const struct scripted_exchange renewed[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"one\"}"},
        {"GET", A, "Bearer one", .status = 200, .answer = IMAGE},
        {"GET", A, "Bearer one", .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"two\"}"},
        {"GET", A, "Bearer two", .status = 200, .answer = IMAGE},
    };
    static const char *const a_a[] = {"team/a", "team/a", NULL};
    static const struct scripted_exchange hopeless[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"one\"}"},
        {"GET", A, "Bearer one", .status = 401, .headers = {WANTS_BEARER}},
    };

    assert_ok(read_all(renewed, COUNT(renewed), NULL, nobody, a_a, &err));
    assert_fails(read_all(hopeless, COUNT(hopeless), NULL, nobody, only_a, &err), ERROR_DENIED,
                 "wants a login");
}

static void an_identity_token_is_changed_for_tokens(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"POST", "https://auth.example/token",
         .body = "grant_type=refresh_token&client_id=skiff&service=r&"
                 "scope=repository:team/a:pull&refresh_token=secret",
         .status = 200, .answer = "{\"access_token\": \"t\"}"},
        {"GET", A, "Bearer t", .status = 200, .answer = IMAGE},
    };

    read_well(script, COUNT(script), &identity, only_a);
}

static void a_registry_token_is_used_as_it_is(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", A, "Bearer secret", .status = 200, .answer = IMAGE},
    };

    read_well(script, COUNT(script), &registry_token, only_a);
}

static void a_body_that_was_sent_for_nothing_can_be_sent_again(void **state)
{
    (void)state;
    struct error err;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"one\"}"},
        {"GET", A, "Bearer one", .status = 200, .answer = IMAGE},
        {"PUT", A, "Bearer one", .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", .status = 200, .answer = "{\"token\": \"two\"}"},
        {"PUT", A, "Bearer two", .status = 201},
    };
    static const char scope[] = "repository:team/a:pull";
    struct scripted_http scripted;
    struct http_request get = {.method = "GET", .url = "https://registry.example" A};
    struct http_request put = {.method = "PUT", .url = "https://registry.example" A};

    scripted_http_init(&scripted, script, COUNT(script));
    struct session *session = session_new(&scripted.http, nobody, "registry.example");
    for (int i = 0; i < 3; i++) {
        owned(http_response) struct http_response response = {0};
        owned(source) struct source *body = memory_source("hello", 5);
        put.body = body;
        put.body_size = 5;
        if (i == 1)
            assert_fails(session_exchange(session, scope, &put, NULL, 0, &response, &err),
                         ERROR_NETWORK, "ran out");
        else
            assert_ok(session_exchange(session, scope, i == 0 ? &get : &put, NULL, 0, &response,
                                       &err));
    }
    session_free(session);
    scripted_http_release(&scripted);
}

static void a_login_may_be_for_some_repositories_only(void **state)
{
    (void)state;
    struct error err;
    static const struct scripted_exchange script[] = {
        {"GET", A, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "a:pull", BASIC, .status = 200, .answer = "{\"token\": \"for-a\"}"},
        {"GET", A, "Bearer for-a", .status = 200, .answer = IMAGE},
        {"GET", TOKEN "b:pull", .status = 200, .answer = "{\"token\": \"for-b\"}"},
        {"GET", B, "Bearer for-b", .status = 200, .answer = IMAGE},
        {"GET", A, "Bearer for-a", .status = 403},
    };

    owned(memory) char *variable = write_login("registry.example/team/a");
    const char *environment[] = {variable, NULL};

    assert_fails(read_all(script, COUNT(script), NULL, environment, a_b_a, &err), ERROR_DENIED,
                 "does not allow this to user 'user'");
    unlink(path_of(variable));
}

static void a_login_is_checked_without_a_scope(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange script[3];
        size_t count;
        const char *refusal; /* NULL: it is good */
    } cases[] = {
        {{{"GET", "/v2/", .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "https://auth.example/token?service=r", BASIC, .status = 200,
           .answer = "{\"token\": \"t\"}"},
          {"GET", "/v2/", "Bearer t", .status = 200}},
         3,
         NULL},
        {{{"GET", "/v2/", .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "https://auth.example/token?service=r", BASIC, .status = 401}},
         2,
         "refused the login of user 'user'"},
        {{{"GET", "/v2/", .status = 401, .headers = {WANTS_BASIC}},
          {"GET", "/v2/", BASIC, .status = 200}},
         2,
         NULL},
        {{{"GET", "/v2/", .status = 401, .headers = {WANTS_BASIC}},
          {"GET", "/v2/", BASIC, .status = 401, .headers = {WANTS_BASIC}}},
         2,
         "refused the login of user 'user'"},
        {{{"GET", "/v2/", .status = 404}}, 1, "404"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_http scripted;

        scripted_http_init(&scripted, cases[i].script, cases[i].count);
        owned(registries) struct registries *registries =
            registries_new(&scripted.http, nobody);
        registries_set_login(registries, "registry.example", NULL, &user);
        bool good = registries_check_login(registries, "registry.example", &err);
        assert_int_equal(good, !cases[i].refusal);
        if (!good)
            assert_non_null(strstr(err.text, cases[i].refusal));
        scripted_http_release(&scripted);
    }
}

static void refusals_say_what_to_do(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange script[3];
        size_t count;
        const struct registry_login *login;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}}},
         1,
         NULL,
         ERROR_DENIED,
         "registry registry.example wants a login and none was found; log in with "
         "'skiff login registry.example': GET https://registry.example" A ": 401"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}},
          {"GET", A, BASIC, .status = 401, .headers = {WANTS_BASIC}}},
         2,
         &user,
         ERROR_DENIED,
         "registry registry.example refused the login of user 'user'"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", BASIC, .status = 401}},
         2,
         &user,
         ERROR_DENIED,
         "refused the login of user 'user': GET https://auth.example/token: 401"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}},
          {"GET", A, BASIC, .status = 403,
           .answer = "{\"errors\": [{\"code\": \"DENIED\", \"message\": \"not yours\"}]}"}},
         2,
         &user,
         ERROR_DENIED,
         "does not allow this to user 'user': GET https://registry.example" A
         ": 403 DENIED: not yours"},
        {{{"GET", A, .status = 401}}, 1, NULL, ERROR_DENIED, "wants a login"},
        /* Some repeat what they do not like. */
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}},
          {"GET", A, BASIC, .status = 403,
           .answer = "{\"errors\": [{\"code\": \"X\", \"message\": \"secret is wrong\"}]}"}},
         2,
         &user,
         ERROR_DENIED,
         A ": 403"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}},
          {"GET", A, BASIC, .status = 403,
           .answer = "{\"errors\": [{\"code\": \"secret\", \"message\": \"\"}]}"}},
         2,
         &user,
         ERROR_DENIED,
         A ": 403"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}},
          {"GET", A, BASIC, .status = 403,
           .answer = "{\"errors\": [{\"code\": \"X\", \"message\": \"not " BASIC "\"}]}"}},
         2,
         &user,
         ERROR_DENIED,
         A ": 403"},
        /* More of it than a message has room for. */
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", .status = 200, .answer = "{\"token\": \"" LONG_TOKEN "\"}"},
          {"GET", A, "Bearer " LONG_TOKEN, .status = 403,
           .answer = "{\"errors\": [{\"code\": \"X\", \"message\": \"" LONG_TOKEN "\"}]}"}},
         3,
         NULL,
         ERROR_DENIED,
         A ": 403"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", BASIC, .status = 401,
           .answer = "{\"errors\": [{\"code\": \"X\", \"message\": \"secret is wrong\"}]}"}},
         2,
         &user,
         ERROR_DENIED,
         "token: 401"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"POST", "https://auth.example/token", .status = 400,
           .answer = "{\"error\": \"invalid_grant\", \"description\": \"secret\"}"}},
         2,
         &identity,
         ERROR_DENIED,
         "refused the login of the identity token: POST https://auth.example/token: 400"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", A, "Bearer secret", .status = 401, .headers = {WANTS_BEARER}}},
         2,
         &registry_token,
         ERROR_DENIED,
         "refused the login of the registry token"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BASIC}}},
         1,
         &identity,
         ERROR_DENIED,
         "refused the login of the identity token"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", .status = 503}},
         2,
         NULL,
         ERROR_NETWORK,
         "GET https://auth.example/token: 503"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", .status = 200, .answer = "{\"token\": \"a\\r\\nX: b\"}"}},
         2,
         NULL,
         ERROR_INVALID,
         "token from https://auth.example/token"},
        {{{"GET", A, .status = 401, .headers = {WANTS_BEARER}},
          {"GET", "a:pull", .status = 200, .answer = "{}"}},
         2,
         NULL,
         ERROR_INVALID,
         "no token"},
        {{{"GET", A, .status = 401,
           .headers = {{"WWW-Authenticate", "Bearer realm=\"http://auth.example/?secret\""}}}},
         1,
         &user,
         ERROR_INVALID,
         "the token server of https://registry.example is said to be 'http://auth.example/', "
         "which is not reached by https"},
        {{{"GET", A, .status = 401,
           .headers = {{"WWW-Authenticate", "Bearer realm=\"http://127.0.0.1/\""}}}},
         1,
         &user,
         ERROR_INVALID,
         "is not reached by https"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;

        assert_fails(
            read_all(cases[i].script, cases[i].count, cases[i].login, nobody, only_a, &err),
            cases[i].kind, cases[i].words);
        assert_null(strstr(err.text, "secret"));
        assert_null(strstr(err.text, BASIC));
    }
}

static void who_a_redirect_leads_to_gets_no_login(void **state)
{
    (void)state;
    static const struct http_header challenges[] = {WANTS_BEARER, WANTS_BASIC};

    for (size_t i = 0; i < COUNT(challenges); i++) {
        struct error err;
        const struct scripted_exchange script[] = {
            {"GET", A, .moved = "https://other.example/a", .status = 401,
             .headers = {challenges[i]}},
        };
        assert_fails(read_all(script, 1, &user, nobody, only_a, &err), ERROR_DENIED,
                     "GET https://other.example/a: 401");
        assert_null(strstr(err.text, "login"));
    }
}

static void a_local_registry_may_have_a_local_token_server(void **state)
{
    (void)state;
    static const struct {
        const char *realm;
        const char *registry;
        bool safe;
    } cases[] = {
        {"https://auth.example/t", "https://registry.example", true},
        {"https://auth.example/t", "http://localhost:5000", true},
        {"http://127.0.0.1:5001/t", "http://localhost:5000", true},
        {"http://plain.example/t", "http://plain.example", true},
        {"http://auth.example/t", "http://localhost:5000", false},
        {"http://auth.example/t", "http://plain.example", false},
        {"file:///etc/passwd", "http://localhost:5000", false},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        static const struct scripted_exchange script = {"GET", "?scope=one&scope=two:a,b",
                                                        BASIC, .status = 200,
                                                        .answer = "{\"token\": \"t\"}"};
        struct error err;
        struct scripted_http scripted;
        struct challenge challenge = {CHALLENGE_BEARER, (char *)cases[i].realm, NULL};
        owned(memory) char *token = NULL;

        scripted_http_init(&scripted, &script, cases[i].safe ? 1 : 0);
        bool given = token_get(&scripted.http, &challenge, cases[i].registry, "one two:a,b",
                               &user, &token, &err);
        assert_int_equal(given, cases[i].safe);
        scripted_http_release(&scripted);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_open_registry_is_asked_once),
        cmocka_unit_test(nobody_gets_a_token_per_scope),
        cmocka_unit_test(a_login_goes_to_the_token_server),
        cmocka_unit_test(a_login_is_looked_up_when_it_is_wanted),
        cmocka_unit_test(a_token_that_ran_out_is_renewed_once),
        cmocka_unit_test(an_identity_token_is_changed_for_tokens),
        cmocka_unit_test(a_registry_token_is_used_as_it_is),
        cmocka_unit_test(a_body_that_was_sent_for_nothing_can_be_sent_again),
        cmocka_unit_test(a_login_may_be_for_some_repositories_only),
        cmocka_unit_test(a_login_is_checked_without_a_scope),
        cmocka_unit_test(refusals_say_what_to_do),
        cmocka_unit_test(who_a_redirect_leads_to_gets_no_login),
        cmocka_unit_test(a_local_registry_may_have_a_local_token_server),
    };
    return cmocka_run_group_tests_name("token", tests, NULL, NULL);
}
