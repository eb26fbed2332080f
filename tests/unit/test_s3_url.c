/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where objects are: at Amazon's hosts and at others', whatever their keys are made of.
 */
#include "lambda/supervisor/s3_url.h"
#include "oci/base/memory.h"
#include "tests/support/unit.h"

static void urls_name_endpoint_bucket_and_key(void **state)
{
    (void)state;
    static const struct {
        const char *endpoint, *region, *bucket, *key, *query, *url;
    } table[] = {
        {NULL, "eu-west-1", "photos", "a.jpg", NULL,
         "https://photos.s3.eu-west-1.amazonaws.com/a.jpg"},
        {NULL, "cn-north-1", "photos", "a.jpg", NULL,
         "https://photos.s3.cn-north-1.amazonaws.com.cn/a.jpg"},
        {NULL, "us-east-1", "my.photos", "a.jpg", NULL,
         "https://s3.us-east-1.amazonaws.com/my.photos/a.jpg"},
        {NULL, "us-east-1", "Old_Bucket", "a", NULL,
         "https://s3.us-east-1.amazonaws.com/Old_Bucket/a"},
        {NULL, "us-east-1", "-photos", "a", NULL,
         "https://s3.us-east-1.amazonaws.com/-photos/a"},
        {"http://minio:9000", "us-east-1", "photos", "in/a b.jpg", NULL,
         "http://minio:9000/photos/in/a%20b.jpg"},
        {"http://minio:9000/s3", "us-east-1", "photos", "a", "uploads",
         "http://minio:9000/s3/photos/a?uploads"},
        {"http://m", "r", "b", "a+b%20/c?d#e&f=g", NULL,
         "http://m/b/a%2Bb%2520/c%3Fd%23e%26f%3Dg"},
        {"http://m", "r", "b", "../../x", NULL, "http://m/b/../../x"},
        {"http://m", "r", "b", "//a//", NULL, "http://m/b///a//"},
        {"http://m", "r", "b", "\xC3\xA9\x01\xFF", NULL, "http://m/b/%C3%A9%01%FF"},
        {"http://m", "r", "b", "-._~!'()*:@,;$[]", NULL,
         "http://m/b/-._~%21%27%28%29%2A%3A%40%2C%3B%24%5B%5D"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error err;
        owned(memory) char *url = NULL;
        assert_ok(s3_url(table[i].endpoint, table[i].region, table[i].bucket, table[i].key,
                         table[i].query, &url, &err));
        assert_string_equal(url, table[i].url);
    }
}

static void what_would_change_the_host_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *region, *bucket, *words;
    } table[] = {
        {"eu-west-1", "", "'' is no name of a bucket"},
        {"eu-west-1", "evil.example/", "'evil.example/' is no name of a bucket"},
        {"eu-west-1", "evil.example#", "is no name of a bucket"},
        {"eu-west-1", "user@evil", "is no name of a bucket"},
        {"eu-west-1", "..", "'..' is no name of a bucket"},
        {"eu-west-1", "a\nb", "is no name of a bucket"},
        {"", "photos", "'' is no name of a region"},
        {"evil.example/", "photos", "'evil.example/' is no name of a region"},
        {"eu-west-1.evil", "photos", "is no name of a region"},
        {"0123456789012345678901234567890123456789012345678901234567890123", "photos",
         "is no name of a region"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        struct error err;
        owned(memory) char *url = NULL;
        assert_fails(s3_url(NULL, table[i].region, table[i].bucket, "a", NULL, &url, &err),
                     ERROR_INVALID, table[i].words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(urls_name_endpoint_bucket_and_key),
        cmocka_unit_test(what_would_change_the_host_is_refused),
    };
    return cmocka_run_group_tests_name("s3_url", tests, NULL, NULL);
}
