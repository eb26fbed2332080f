/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4, step by step: for every request in testdata/signing the canonical
 * request, the string to sign and the signature are those written there. Many are AWS's own:
 * get-* and post-* of its test suite, iam-list-users of the IAM User Guide, s3-* of the S3 API
 * reference.
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "lambda/signer/signer.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

#define FOLDER "testdata/signing"
#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

enum { EXAMPLE_TIME = 1440938160 /* 2015-08-30 12:36:00 UTC */, FILE_LIMIT = 64 * 1024 };

static char access_key[] = "AKIDEXAMPLE";
static char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
static const struct aws_credentials EXAMPLE = {access_key, secret_key, NULL};

/* Pointers into the text of the file, which has been cut into strings. */
struct example {
    char *text; /* owned */
    struct aws_credentials key;
    struct signer_scope scope;
    struct http_header headers[HTTP_HEADERS_LIMIT + 1];
    char *method;
    char *url; /* owned */
    char *body;
    const char *canonical;
    const char *to_sign;
    const char *signature;
};

static void example_cleanup(struct example *example)
{
    free(example->text);
    free(example->url);
}

/* What follows the line "== <title>", up to the next one, without its last line end. */
static char *cut_section(char *text, const char *title)
{
    owned(memory) char *line = text_format("== %s\n", title);
    char *start = strstr(text, line);

    assert_non_null(start);
    start += strlen(line);
    char *end = strstr(start, "\n== ");
    end = end ? end : start + strlen(start) - 1;
    assert_int_equal(*end, '\n');
    *end = '\0';
    return start;
}

/* Cuts the text at the first of `ends`, and gives the rest. */
static char *cut(char *text, const char *ends)
{
    char *end = text + strcspn(text, ends);

    assert_true(*end);
    *end = '\0';
    return end + 1;
}

static void read_request(char *request, struct example *example)
{
    char *path = cut(request, " ");
    char *line = cut(path, "\n");
    const char *host = NULL;
    size_t count = 0;

    cut(path, " ");
    example->method = request;
    while (*line != '\n' && *line) {
        char *next = cut(line, "\n");
        char *value = cut(line, ":");
        if (strcmp(line, "Host") == 0)
            host = value; /* which the signer takes out of the URL */
        else
            example->headers[count++] = (struct http_header){line, value};
        assert_true(count < HTTP_HEADERS_LIMIT);
        line = next;
    }
    assert_non_null(host);
    example->body = line + (*line == '\n');
    example->url = text_format("%s://%s%s", strchr(host, ':') ? "http" : "https", host, path);
}

/* Sections are cut from the last to the first, each from what is left. */
static void read_example(const char *name, struct example *out)
{
    owned(memory) char *path = text_format(FOLDER "/%s", name);
    struct error err = {0};
    size_t count;

    *out = (struct example){0};
    assert_ok(file_read(path, FILE_LIMIT, &out->text, &count, &err));
    char *key = strstr(out->text, "== key\n") + strlen("== key\n");
    char *request = strstr(out->text, "== request\n");
    char *canonical = strstr(out->text, "== canonical request\n");
    out->signature = cut_section(out->text, "signature");
    out->to_sign = cut_section(out->text, "string to sign");
    out->canonical = cut_section(canonical, "canonical request");
    request = cut_section(request, "request");
    cut(key, "\n");
    out->key.access_key = key;
    out->key.secret_key = cut(key, " ");
    read_request(request, out);
    out->scope.region = "us-east-1";
    out->scope.now = strstr(out->to_sign, "20130524T") ? 1369353600 : EXAMPLE_TIME;
}

/* The service of "20150830/us-east-1/<service>/aws4_request", a new string. */
static char *service_of(const struct example *example)
{
    const char *start = strstr(example->to_sign, "/us-east-1/");

    assert_non_null(start);
    start += strlen("/us-east-1/");
    return text_format("%.*s", (int)strcspn(start, "/"), start);
}

static void check_example(const char *name)
{
    owned(example) struct example example;

    read_example(name, &example);
    owned(memory) char *service = service_of(&example);
    const struct signer_request request = {example.method, example.url, example.headers};
    struct signer_hash hash = signer_hash(example.body, strlen(example.body));
    example.scope.service = service;

    print_message("%s\n", name);
    owned(memory) char *canonical =
        signer_canonical_request(&example.scope, &request, hash.text);
    assert_string_equal(canonical, example.canonical);
    owned(memory) char *to_sign = signer_string_to_sign(&example.scope, canonical);
    assert_string_equal(to_sign, example.to_sign);
    owned(memory) char *proof =
        signer_authorization(&example.key, &example.scope, &request, hash.text);
    const char *signature = strstr(proof, "Signature=");
    assert_non_null(signature);
    assert_string_equal(signature + strlen("Signature="), example.signature);
    assert_null(strstr(proof, example.key.secret_key));
}

static void every_step_is_as_written_down(void **state)
{
    (void)state;
    DIR *folder = opendir(FOLDER);
    int count = 0;

    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        if (entry->d_name[0] != '.') {
            check_example(entry->d_name);
            count++;
        }
    closedir(folder);
    assert_true(count >= 30);
}

/* How it is spelt is not what it is: the same is signed for all of a row. */
static void spelling_does_not_matter(void **state)
{
    (void)state;
    static const char *const rows[][3] = {
        {"https://a.example/", "https://a.example", "https://a.example:443"},
        {"http://a.example/", "http://a.example:80/", "http://a.example?"},
        {"https://a.example/?q=%24L", "https://a.example/?q=$L", "https://a.example/?q=$L#end"},
        {"https://a.example/?q=~%2B", "https://a.example/?q=%7e%2b",
         "https://a.example/?q=%7E%2b"},
        {"https://a.example/?a=&b=", "https://a.example/?b&a", "https://a.example/?a&b="},
    };
    const struct http_header none[] = {{NULL, NULL}};
    const struct signer_scope scope = {"us-east-1", "lambda", EXAMPLE_TIME};

    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct signer_request first = {"GET", rows[i][0], none};
        owned(memory) char *expected = signer_canonical_request(&scope, &first, EMPTY_HASH);
        for (size_t j = 1; j < 3; j++) {
            const struct signer_request other = {"GET", rows[i][j], none};
            owned(memory) char *found = signer_canonical_request(&scope, &other, EMPTY_HASH);
            assert_string_equal(found, expected);
        }
    }
}

static void the_proof_says_who_and_what_was_signed(void **state)
{
    (void)state;
    const struct http_header headers[] = {{"X-Amz-Date", "20150830T123600Z"}, {"B", "1"}, {0}};
    const struct signer_request request = {"GET", "https://iam.amazonaws.com/", headers};
    const struct signer_scope scope = {"us-east-1", "iam", EXAMPLE_TIME};
    owned(memory) char *proof = signer_authorization(&EXAMPLE, &scope, &request, EMPTY_HASH);
    const char *expected =
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=b;host;x-amz-date, Signature=";

    assert_memory_equal(proof, expected, strlen(expected));
    assert_null(strstr(proof, EXAMPLE.secret_key));
}

static void dates_and_hashes_have_their_form(void **state)
{
    (void)state;
    assert_string_equal(signer_date(EXAMPLE_TIME).text, "20150830T123600Z");
    assert_string_equal(signer_date(-1).text, "19700101T000000Z");
    assert_string_equal(signer_date((time_t)1 << 60).text, "99991231T235959Z");
    assert_string_equal(signer_hash("", 0).text, EMPTY_HASH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_step_is_as_written_down),
        cmocka_unit_test(spelling_does_not_matter),
        cmocka_unit_test(the_proof_says_who_and_what_was_signed),
        cmocka_unit_test(dates_and_hashes_have_their_form),
    };
    return cmocka_run_group_tests_name("signer", tests, NULL, NULL);
}
