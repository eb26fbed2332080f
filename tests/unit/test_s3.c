/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Downloads and uploads against a scripted server: what is taken up again, what is asked again,
 * and what is not.
 */
#include "lambda/supervisor/s3.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "tests/support/loopback_server.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

#define OK(length) "HTTP/1.1 200 OK\r\nETag: \"v1\"\r\nContent-Length: " length "\r\n\r\n"
#define REFUSED(status, code)                                                                  \
    "HTTP/1.1 " status " No\r\nConnection: close\r\n\r\n<Error><Code>" code "</Code></Error>"

static const char *const nobody[] = {NULL};
static const struct s3_object object = {"bucket", "key", NULL};

struct trial {
    struct loopback_seen seen;
    struct error err;
    bool done;
    char *bytes; /* of the file afterwards; NULL: there is none */
    size_t count;
};

static void trial_cleanup(struct trial *trial)
{
    text_release(&trial->seen.heads);
    free(trial->bytes);
}

/* Downloads from the script, or uploads to it when there is something to upload. */
static struct trial try_it(const struct loopback_answer *script, size_t count,
                           const char *upload)
{
    struct trial trial = {0};
    char *folder = temp_folder();
    owned(memory) char *file = text_format("%s/file", folder);
    struct loopback_server *server = loopback_server_start(script, count);
    struct s3_account account = {
        .name = (char[]){"minio.m"},
        .endpoint = loopback_server_url(server, ""),
        .region = (char[]){"us-east-1"},
        .credentials = {(char[]){"AKIDEXAMPLE"}, (char[]){"secret"}, NULL},
    };
    struct s3 *s3 = s3_new(&account, nobody, 0);
    struct error missing;

    if (upload) {
        assert_true(file_write(file, 0600, upload, strlen(upload), &trial.err));
        trial.done = s3_upload(s3, &object, file, &trial.err);
    } else {
        trial.done = s3_download(s3, &object, file, &trial.err);
    }
    s3_free(s3);
    loopback_server_stop(server, &trial.seen);
    if (!file_read(file, 1 << 20, &trial.bytes, &trial.count, &missing))
        trial.bytes = NULL;
    free(account.endpoint);
    temp_folder_remove(folder);
    return trial;
}

static void assert_downloaded(const struct trial *trial, const char *bytes)
{
    if (!trial->done)
        fail_msg("%s", trial->err.text);
    assert_non_null(trial->bytes);
    assert_string_equal(trial->bytes, bytes);
}

static void a_download_that_breaks_off_goes_on_where_it_ended(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("10") "0123", .after = LOOPBACK_CLOSE},
        {.bytes = REFUSED("503", "SlowDown"), .after = LOOPBACK_CLOSE},
        {.bytes = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n"
                  "Content-Length: 6\r\n\r\n45",
         .after = LOOPBACK_CLOSE},
        {.bytes = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 6-9/10\r\n"
                  "Content-Length: 4\r\n\r\n6789"},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_downloaded(&trial, "0123456789");
    assert_int_equal(trial.seen.requests, 4);
    assert_non_null(strstr(trial.seen.heads.bytes, "Range: bytes=4-\r\n"));
    assert_non_null(strstr(trial.seen.heads.bytes, "Range: bytes=6-\r\n"));
    assert_non_null(strstr(trial.seen.heads.bytes, "If-Match: \"v1\"\r\n"));
}

static void a_server_that_knows_no_ranges_begins_again(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("10") "0123", .after = LOOPBACK_CLOSE},
        {.bytes = OK("5") "abcde"},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_downloaded(&trial, "abcde");
}

static void an_object_that_changed_meanwhile_is_read_from_its_beginning(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("10") "0123", .after = LOOPBACK_CLOSE},
        {.bytes = REFUSED("412", "PreconditionFailed"), .after = LOOPBACK_CLOSE},
        {.bytes = OK("3") "new"},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_downloaded(&trial, "new");
}

static void another_part_than_the_one_asked_for_is_not_taken(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("10") "0123", .after = LOOPBACK_CLOSE},
        {.bytes = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 0-5/10\r\n"
                  "Content-Length: 6\r\n\r\nxxxxxx",
         .after = LOOPBACK_CLOSE},
        {.bytes = "HTTP/1.1 206 Partial\r\nETag: \"v1\"\r\nContent-Range: bytes 4-9/10\r\n"
                  "Content-Length: 6\r\n\r\n456789"},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_downloaded(&trial, "0123456789");
}

static void what_is_refused_for_good_is_asked_once_and_leaves_no_file(void **state)
{
    (void)state;
    static const struct {
        const char *answer;
        enum error_kind kind;
        const char *words;
    } table[] = {
        {REFUSED("404", "NoSuchKey"), ERROR_NOT_FOUND, "s3://bucket/key: status 404 NoSuchKey"},
        {REFUSED("403", "AccessDenied"), ERROR_DENIED, "may the function's role"},
        {REFUSED("403", "SignatureDoesNotMatch"), ERROR_DENIED,
         "the secret key does not belong to the access key"},
        {REFUSED("400", "InvalidRequest"), ERROR_INVALID, "status 400 InvalidRequest"},
        {REFUSED("301", "PermanentRedirect"), ERROR_INVALID, "301 PermanentRedirect"},
    };

    for (size_t i = 0; i < COUNT(table); i++) {
        const struct loopback_answer script[] = {
            {.bytes = table[i].answer, .after = LOOPBACK_CLOSE}};
        owned(trial) struct trial trial = try_it(script, 1, NULL);
        struct error err = trial.err;
        assert_fails(trial.done, table[i].kind, table[i].words);
        assert_int_equal(trial.seen.requests, 1);
        assert_null(trial.bytes);
    }
}

static void another_region_is_asked_with_another_signature(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = "HTTP/1.1 400 No\r\nConnection: close\r\n\r\n<Error><Code>"
                  "AuthorizationHeaderMalformed</Code><Region>eu-south-2</Region></Error>",
         .after = LOOPBACK_CLOSE},
        {.bytes =
             "HTTP/1.1 301 No\r\nx-amz-bucket-region: ap-east-1\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = OK("2") "hi"},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_downloaded(&trial, "hi");
    assert_non_null(strstr(trial.seen.heads.bytes, "/us-east-1/s3/aws4_request"));
    assert_non_null(strstr(trial.seen.heads.bytes, "/eu-south-2/s3/aws4_request"));
    assert_non_null(strstr(trial.seen.heads.bytes, "/ap-east-1/s3/aws4_request"));
}

static void regions_that_send_each_other_the_bucket_end(void **state)
{
    (void)state;
#define MOVED(region)                                                                          \
    {                                                                                          \
        .bytes =                                                                               \
            "HTTP/1.1 301 No\r\nx-amz-bucket-region: " region "\r\nContent-Length: 0\r\n\r\n"  \
    }
    static const struct loopback_answer script[] = {MOVED("eu-1"), MOVED("us-1"),
                                                    MOVED("eu-1")};
    owned(trial) struct trial trial = try_it(script, COUNT(script), NULL);

    assert_false(trial.done);
    assert_int_equal(trial.seen.requests, 3);
}

static void an_upload_is_sent_again_as_a_whole(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.after = LOOPBACK_CLOSE},
        {.bytes = REFUSED("500", "InternalError"), .after = LOOPBACK_CLOSE},
        {.bytes = REFUSED("400", "RequestTimeout"), .after = LOOPBACK_CLOSE},
        {.bytes = OK("0")},
    };
    owned(trial) struct trial trial = try_it(script, COUNT(script), "twelve bytes");

    if (!trial.done)
        fail_msg("%s", trial.err.text);
    assert_int_equal(trial.seen.requests, 4);
    assert_int_equal(trial.seen.body_size, strlen("twelve bytes"));
    assert_non_null(strstr(trial.seen.heads.bytes, "PUT /bucket/key HTTP/1.1\r\n"));
    assert_null(strstr(trial.seen.heads.bytes, "Expect:"));
}

static void patience_ends(void **state)
{
    (void)state;
#define BUSY                                                                                   \
    {                                                                                          \
        .bytes = REFUSED("503", "SlowDown"), .after = LOOPBACK_CLOSE                           \
    }
    static const struct loopback_answer script[] = {BUSY, BUSY, BUSY, BUSY, BUSY, BUSY};
    owned(trial) struct trial trial = try_it(script, 5, NULL);
    struct error err = trial.err;

    assert_fails(trial.done, ERROR_NETWORK, "status 503 SlowDown");
    assert_null(trial.bytes);
}

static void time_that_is_up_is_an_error_of_its_own(void **state)
{
    (void)state;
    struct error err;
    struct s3_account account = {
        .name = (char[]){"s3"},
        .region = (char[]){"us-east-1"},
        .credentials = {(char[]){"AKIDEXAMPLE"}, (char[]){"secret"}, NULL},
    };
    struct s3 *s3 = s3_new(&account, nobody, 1);

    assert_fails(s3_download(s3, &object, "/tmp/skiff-never-made", &err), ERROR_LIMIT,
                 "the function's time is up");
    assert_int_not_equal(access("/tmp/skiff-never-made", F_OK), 0);
    s3_free(s3);
}

static void a_server_that_says_nothing_is_left_when_time_is_up(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("10") "0123", .after = LOOPBACK_SILENT}};
    struct loopback_server *server = loopback_server_start(script, 1);
    struct loopback_seen seen;
    struct error err;
    struct timespec now;
    char *folder = temp_folder();
    owned(memory) char *file = text_format("%s/file", folder);
    owned(memory) char *endpoint = loopback_server_url(server, "");
    struct s3_account account = {
        .name = (char[]){"minio.m"},
        .endpoint = endpoint,
        .region = (char[]){"us-east-1"},
        .credentials = {(char[]){"AKIDEXAMPLE"}, (char[]){"secret"}, NULL},
    };

    clock_gettime(CLOCK_REALTIME, &now);
    int64_t deadline_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000 + 300;
    struct s3 *s3 = s3_new(&account, nobody, deadline_ms);
    assert_fails(s3_download(s3, &object, file, &err), ERROR_LIMIT,
                 "the function's time is up");
    assert_int_not_equal(access(file, F_OK), 0);
    s3_free(s3);
    loopback_server_stop(server, &seen);
    text_release(&seen.heads);
    temp_folder_remove(folder);
}

static void without_credentials_nobody_is_asked(void **state)
{
    (void)state;
    struct error err;
    struct s3_account account = {.name = (char[]){"s3"}, .region = (char[]){"us-east-1"}};
    struct s3 *s3 = s3_new(&account, nobody, 0);

    assert_fails(s3_download(s3, &object, "/tmp/skiff-never-made", &err), ERROR_DENIED,
                 "no credentials: AWS_ACCESS_KEY_ID");
    s3_free(s3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_that_breaks_off_goes_on_where_it_ended),
        cmocka_unit_test(a_server_that_knows_no_ranges_begins_again),
        cmocka_unit_test(an_object_that_changed_meanwhile_is_read_from_its_beginning),
        cmocka_unit_test(another_part_than_the_one_asked_for_is_not_taken),
        cmocka_unit_test(what_is_refused_for_good_is_asked_once_and_leaves_no_file),
        cmocka_unit_test(another_region_is_asked_with_another_signature),
        cmocka_unit_test(regions_that_send_each_other_the_bucket_end),
        cmocka_unit_test(an_upload_is_sent_again_as_a_whole),
        cmocka_unit_test(patience_ends),
        cmocka_unit_test(time_that_is_up_is_an_error_of_its_own),
        cmocka_unit_test(a_server_that_says_nothing_is_left_when_time_is_up),
        cmocka_unit_test(without_credentials_nobody_is_asked),
    };
    return cmocka_run_group_tests_name("s3", tests, NULL, NULL);
}
