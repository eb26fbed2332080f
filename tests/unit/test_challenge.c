/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Challenges: however a registry words its refusal, we find the best way of
 * asking that it offers, and nothing in it confuses us.
 */
#include "registry/challenge.h"

#include "tests/support/unit.h"

static void every_wording_is_understood(void **state)
{
    (void)state;
    static const struct {
        const char *headers[2];
        enum challenge_scheme scheme;
        const char *realm;
        const char *service;
    } cases[] = {
        {{"Basic realm=\"r\""}, CHALLENGE_BASIC, "r", NULL},
        {{"basic"}, CHALLENGE_BASIC, NULL, NULL},
        {{"Basic realm=\"https://1.dkr.ecr.eu-west-1.amazonaws.com/\","
          "service=\"ecr.amazonaws.com\""},
         CHALLENGE_BASIC,
         "https://1.dkr.ecr.eu-west-1.amazonaws.com/",
         "ecr.amazonaws.com"},
        {{"Bearer realm=\"https://auth.docker.io/token\",service=\"registry.docker.io\","
          "scope=\"repository:library/alpine:pull,push\""},
         CHALLENGE_BEARER,
         "https://auth.docker.io/token",
         "registry.docker.io"},
        {{"BEARER  Realm = token ,\tSERVICE=s"}, CHALLENGE_BEARER, "token", "s"},
        {{"Bearer realm=\"a\\\"b\\\\c, Basic\""}, CHALLENGE_BEARER, "a\"b\\c, Basic", NULL},
        {{"Basic realm=b, Bearer realm=\"t\", Negotiate"}, CHALLENGE_BEARER, "t", NULL},
        {{"Bearer realm=\"t\"", "Basic realm=b"}, CHALLENGE_BEARER, "t", NULL},
        {{"Basic realm=b", "Bearer realm=\"t\",service=s"}, CHALLENGE_BEARER, "t", "s"},
        {{"Negotiate YWJj==, Basic realm=b"}, CHALLENGE_BASIC, "b", NULL},
        {{"Negotiate a/b+c=,Basic realm=b"}, CHALLENGE_BASIC, "b", NULL},
        {{"Digest realm=d, nonce=\"x\", Basic realm=b"}, CHALLENGE_BASIC, "b", NULL},
        {{",, Basic realm=b ,,"}, CHALLENGE_BASIC, "b", NULL},
        {{"Bearer realm=\"open"}, CHALLENGE_BEARER, "open", NULL},
        {{"Bearer realm=a, realm=b"}, CHALLENGE_BEARER, "a", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_response_header headers[] = {
            {(char *)"www-authenticate", (char *)cases[i].headers[0]},
            {(char *)"WWW-Authenticate", (char *)cases[i].headers[1]},
        };
        struct http_response response = {
            .headers = headers,
            .header_count = cases[i].headers[1] ? 2 : 1,
        };
        struct challenge challenge = {0};

        challenge_read(&response, &challenge);

        assert_int_equal(challenge.scheme, cases[i].scheme);
        assert_string_equal(challenge.realm ? challenge.realm : "-",
                            cases[i].realm ? cases[i].realm : "-");
        assert_string_equal(challenge.service ? challenge.service : "-",
                            cases[i].service ? cases[i].service : "-");
        challenge_release(&challenge);
    }
}

static void what_we_do_not_know_is_no_challenge(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        " ",
        ",",
        "Negotiate",
        "Bearer",
        "Bearer service=s",
        "=",
        "\"",
        "realm=\"x\"",
        "Bearer realm",
        "Basically realm=b",
        "@@@, @@",
        "Bearer realm=",
        "\\",
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct http_response_header header = {(char *)"WWW-Authenticate", (char *)cases[i]};
        struct http_response response = {.headers = &header, .header_count = 1};
        struct challenge challenge = {0};

        challenge_read(&response, &challenge);

        if (challenge.scheme != CHALLENGE_NONE)
            fail_msg("'%s' was understood", cases[i]);
        challenge_release(&challenge);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_wording_is_understood),
        cmocka_unit_test(what_we_do_not_know_is_no_challenge),
    };
    return cmocka_run_group_tests_name("challenge", tests, NULL, NULL);
}
