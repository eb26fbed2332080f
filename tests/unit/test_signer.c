/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signature Version 4, held against AWS's published examples one step at a time.
 */
#include <stdlib.h>

#include "lambda/signer/signer.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

#define EMPTY_HASH "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define DATE "X-Amz-Date", "20150830T123600Z"
#define DATE_LINE "x-amz-date:20150830T123600Z\n"

enum { EXAMPLE_TIME = 1440938160 }; /* 2015-08-30 12:36:00 UTC */

static char access_key[] = "AKIDEXAMPLE";
static char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
static const struct aws_credentials EXAMPLE = {access_key, secret_key, NULL};

struct example {
    const char *service;
    struct signer_request request;
    const char *canonical;
    const char *signature; /* NULL where none was published */
};

/* The first three are AWS's: get-vanilla and get-vanilla-query-order-key-case of its test
 * suite, and the User Guide's ListUsers. */
static const struct example examples[] = {
    {"service",
     {.method = "GET",
      .url = "https://example.amazonaws.com/",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "GET\n/\n\nhost:example.amazonaws.com\n" DATE_LINE "\nhost;x-amz-date\n" EMPTY_HASH,
     "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
    {"service",
     {.method = "GET",
      .url = "https://example.amazonaws.com/?Param2=value2&Param1=value1",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "GET\n/\nParam1=value1&Param2=value2\nhost:example.amazonaws.com\n" DATE_LINE
     "\nhost;x-amz-date\n" EMPTY_HASH,
     "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
    {"iam",
     {.method = "GET",
      .url = "https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08",
      .headers =
          (const struct http_header[]){
              {DATE},
              {"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"},
              {NULL, NULL}}},
     "GET\n/\nAction=ListUsers&Version=2010-05-08\n"
     "content-type:application/x-www-form-urlencoded; charset=utf-8\n"
     "host:iam.amazonaws.com\n" DATE_LINE "\ncontent-type;host;x-amz-date\n" EMPTY_HASH,
     "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"},
    /* An ARN in a path is encoded on the wire and once more in what is signed. */
    {"lambda",
     {.method = "GET",
      .url = "https://lambda.eu-west-1.amazonaws.com/2017-03-31/tags/"
             "arn%3Aaws%3Alambda%3Aeu-west-1%3A1%3Afunction%3Af",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "GET\n/2017-03-31/tags/arn%253Aaws%253Alambda%253Aeu-west-1%253A1%253Afunction%253Af\n\n"
     "host:lambda.eu-west-1.amazonaws.com\n" DATE_LINE "\nhost;x-amz-date\n" EMPTY_HASH,
     NULL},
    /* The same path for S3 is signed as it is. */
    {"s3",
     {.method = "GET",
      .url = "https://b.s3.amazonaws.com/a%3Ab",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "GET\n/a%3Ab\n\nhost:b.s3.amazonaws.com\n" DATE_LINE "\nhost;x-amz-date\n" EMPTY_HASH,
     NULL},
    /* A query is signed the same however it was spelt, sorted by name and then value. */
    {"lambda",
     {.method = "GET",
      .url = "http://127.0.0.1:5000/f?b=2&Qualifier=$LATEST&a-b=1&a=%7e%2b&a=&flag#end",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "GET\n/f\nQualifier=%24LATEST&a=&a=~%2B&a-b=1&b=2&flag=\n"
     "host:127.0.0.1:5000\n" DATE_LINE "\nhost;x-amz-date\n" EMPTY_HASH,
     NULL},
    /* No path is the root, and the usual port goes without saying, as in the Host header. */
    {"ecr",
     {.method = "POST",
      .url = "https://api.example.com:443",
      .headers = (const struct http_header[]){{DATE}, {NULL, NULL}}},
     "POST\n/\n\nhost:api.example.com\n" DATE_LINE "\nhost;x-amz-date\n" EMPTY_HASH,
     NULL},
    /* Header names are lower-cased and sorted, their values trimmed; the token is signed too.
     */
    {"ecr",
     {.method = "POST",
      .url = "https://api.example.com/",
      .headers = (const struct http_header[]){{"X-Amz-Security-Token", "token"},
                                              {DATE},
                                              {"My-Header", "  a   b  "},
                                              {NULL, NULL}}},
     "POST\n/\n\nhost:api.example.com\nmy-header:a b\n" DATE_LINE
     "x-amz-security-token:token\n\nhost;my-header;x-amz-date;x-amz-security-"
     "token\n" EMPTY_HASH,
     NULL},
};

static struct signer_scope scope_of(const char *service)
{
    return (struct signer_scope){"us-east-1", service, EXAMPLE_TIME};
}

static void canonical_requests_are_those_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        struct signer_scope scope = scope_of(examples[i].service);
        owned(memory) char *canonical =
            signer_canonical_request(&scope, &examples[i].request, EMPTY_HASH);
        assert_string_equal(canonical, examples[i].canonical);
    }
}

static void the_string_to_sign_names_time_scope_and_hash(void **state)
{
    (void)state;
    struct signer_scope scope = scope_of("iam");
    owned(memory) char *to_sign = signer_string_to_sign(&scope, examples[2].canonical);

    assert_string_equal(to_sign,
                        "AWS4-HMAC-SHA256\n20150830T123600Z\n"
                        "20150830/us-east-1/iam/aws4_request\n"
                        "f536975d06c0309214f805bb90ccff089219ecd68b2577efef23edd43b7e1a59");
}

static void signatures_are_those_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(examples); i++) {
        if (!examples[i].signature)
            continue;
        struct signer_scope scope = scope_of(examples[i].service);
        owned(memory) char *proof =
            signer_authorization(&EXAMPLE, &scope, &examples[i].request, EMPTY_HASH);
        const char *signature = strstr(proof, "Signature=");
        assert_non_null(signature);
        assert_string_equal(signature + strlen("Signature="), examples[i].signature);
    }
}

static void the_proof_says_who_and_what_was_signed(void **state)
{
    (void)state;
    struct signer_scope scope = scope_of("iam");
    owned(memory) char *proof =
        signer_authorization(&EXAMPLE, &scope, &examples[2].request, EMPTY_HASH);
    const char *expected =
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
        "SignedHeaders=content-type;host;x-amz-date, Signature=";

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
        cmocka_unit_test(canonical_requests_are_those_published),
        cmocka_unit_test(the_string_to_sign_names_time_scope_and_hash),
        cmocka_unit_test(signatures_are_those_published),
        cmocka_unit_test(the_proof_says_who_and_what_was_signed),
        cmocka_unit_test(dates_and_hashes_have_their_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
