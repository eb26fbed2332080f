/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The real transport against servers that behave and servers that do not: bytes
 * arrive whole or as an error, connections are used again, and credentials go
 * nowhere they were not sent.
 */
#include "registry/http_curl.h"

#include <pthread.h>

#include "oci/base/memory.h"
#include "tests/support/loopback_server.h"
#include "tests/support/unit.h"

#define OK(length) "HTTP/1.1 200 OK\r\nContent-Length: " length "\r\n\r\n"

enum { BIG_BYTES = 8 * 1000 * 1000, ANSWER_LIMIT = 1000 };

static struct http *transport(void)
{
    return http_curl(&(struct http_curl_options){
        .user_agent = "test/1",
        .connect_s = 5,
        .silence_s = 1,
    });
}

/* Exchanges `method` without a body; the answer's body is read whole. */
static bool ask(struct http *http, const char *method, const char *url,
                const char *authorization, struct http_response *response, char **answer,
                struct error *err)
{
    struct http_request request = {.method = method, .url = url};
    size_t count;

    if (authorization)
        http_add_header(&request, "Authorization", authorization);
    return http_exchange_bytes(http, &request, NULL, 0, ANSWER_LIMIT, response, answer, &count,
                               err);
}

/* One request to a server that plays `script`. */
static bool ask_once(const char *method, const struct loopback_answer *script, size_t count,
                     struct http_response *response, char **answer, struct loopback_seen *seen,
                     struct error *err)
{
    struct http *http = transport();
    struct loopback_server *server = loopback_server_start(script, count);
    owned(memory) char *url = loopback_server_url(server, "/thing?secret");

    bool answered = ask(http, method, url, NULL, response, answer, err);
    if (answered) {
        source_free(response->body);
        response->body = NULL;
    }
    http_free(http);
    loopback_server_stop(server, seen);
    return answered;
}

static void an_answer_arrives_with_all_it_says(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = "HTTP/1.1 103 Early Hints\r\nX-Early: 1\r\n\r\n"
                  "HTTP/1.1 404 Not Here\r\nX-One:  a: b \r\nx-one: second\r\nEmpty:\r\n"
                  "Content-Length: 5\r\n\r\nhello"},
    };
    struct error err;
    struct http_response response = {0};
    struct loopback_seen seen;
    owned(memory) char *answer = NULL;

    assert_ok(ask_once("GET", script, 1, &response, &answer, &seen, &err));
    assert_int_equal(response.status, 404);
    assert_string_equal(answer, "hello");
    assert_string_equal(http_header(&response, "x-ONE"), "a: b");
    assert_string_equal(http_header(&response, "Empty"), "");
    assert_null(http_header(&response, "X-Early"));
    assert_non_null(strstr(response.url, "/thing?secret"));
    assert_non_null(strstr(seen.heads.bytes, "GET /thing?secret HTTP/1.1\r\n"));
    assert_non_null(strstr(seen.heads.bytes, "User-Agent: test/1\r\n"));
    http_response_release(&response);
    text_release(&seen.heads);
}

static void a_connection_is_used_again(void **state)
{
    (void)state;
    static const char *const methods[] = {"HEAD", "GET", "POST", "PUT", "DELETE", "GET"};
    static const struct loopback_answer script[] = {
        {.bytes = OK("999")},
        {.bytes = OK("2") "ok"},
        {.bytes = "HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = "HTTP/1.1 204 No Content\r\n\r\n"},
        {.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"},
    };
    struct error err;
    struct loopback_seen seen;
    struct http *http = transport();
    struct loopback_server *server = loopback_server_start(script, COUNT(script));
    owned(memory) char *url = loopback_server_url(server, "/");

    for (size_t i = 0; i < COUNT(methods); i++) {
        owned(http_response) struct http_response response = {0};
        owned(memory) char *answer = NULL;
        assert_ok(ask(http, methods[i], url, NULL, &response, &answer, &err));
        assert_string_equal(answer, strcmp(methods[i], "GET") == 0 ? "ok" : "");
    }
    http_free(http);
    loopback_server_stop(server, &seen);
    assert_int_equal(seen.connections, 1);
    assert_non_null(strstr(seen.heads.bytes, "POST / HTTP/1.1\r\n"));
    assert_null(strstr(seen.heads.bytes, "Expect"));
    assert_null(strstr(seen.heads.bytes, "Transfer-Encoding"));
    text_release(&seen.heads);
}

static void broken_answers_are_errors(void **state)
{
    (void)state;
    static const struct {
        struct loopback_answer answer;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{.bytes = OK("10") "half", .after = LOOPBACK_CLOSE}, ERROR_NETWORK, "6 bytes"},
        {{.bytes = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
          .after = LOOPBACK_CLOSE},
         ERROR_NETWORK,
         "GET"},
        {{.bytes = "HTTP/1.1 200 OK\r\nContent-Le", .after = LOOPBACK_CLOSE},
         ERROR_NETWORK,
         "GET"},
        {{.bytes = NULL, .after = LOOPBACK_CLOSE}, ERROR_NETWORK, "mpty reply"},
        {{.bytes = "220 mail.example ESMTP\r\n", .after = LOOPBACK_CLOSE},
         ERROR_INVALID,
         "HTTP/0.9"},
        {{.bytes = NULL, .after = LOOPBACK_SILENT}, ERROR_NETWORK, "too slow"},
        {{.bytes = OK("10") "half", .after = LOOPBACK_SILENT}, ERROR_NETWORK, "too slow"},
        {{.bytes = "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n",
          .after = LOOPBACK_CLOSE},
         ERROR_INVALID,
         "redirected to 'file:///etc/passwd'"},
        {{.bytes = OK("2000"), .filler = 2000}, ERROR_LIMIT, "larger than 1000"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct http_response response = {0};
        struct loopback_seen seen;
        char *answer = NULL;

        assert_fails(ask_once("GET", &cases[i].answer, 1, &response, &answer, &seen, &err),
                     cases[i].kind, cases[i].words);
        assert_non_null(strstr(err.text, "GET http://127.0.0.1:"));
        assert_null(strstr(err.text, "secret"));
        text_release(&seen.heads);
    }
}

static void headers_have_a_limit(void **state)
{
    (void)state;
    owned(text) struct text head = {0};
    struct error err;
    struct http_response response = {0};
    struct loopback_seen seen;
    char *answer = NULL;

    text_add(&head, "HTTP/1.1 200 OK\r\n");
    while (head.length < 70 * 1024)
        text_addf(&head, "X-%zu: %01000d\r\n", head.length, 0);
    const struct loopback_answer script = {.bytes = text_string(&head),
                                           .after = LOOPBACK_SILENT};

    assert_fails(ask_once("GET", &script, 1, &response, &answer, &seen, &err), ERROR_LIMIT,
                 "headers are larger than 65536 bytes");
    text_release(&seen.heads);
}

static void nobody_there_is_an_error(void **state)
{
    (void)state;
    struct error err;
    struct loopback_seen seen;
    struct http_response response = {0};
    char *answer = NULL;
    struct loopback_server *server = loopback_server_start(NULL, 0);
    owned(memory) char *url = loopback_server_url(server, "/");
    struct http *http = transport();

    loopback_server_stop(server, &seen); /* its port is free now */
    assert_fails(ask(http, "GET", url, NULL, &response, &answer, &err), ERROR_NETWORK,
                 "connect to 127.0.0.1");
    assert_fails(ask(http, "GET", "file:///etc/passwd", NULL, &response, &answer, &err),
                 ERROR_INVALID, "file");
    assert_fails(ask(http, "GET", "http://host:port/", NULL, &response, &answer, &err),
                 ERROR_INVALID, "http://host:port/");
    http_free(http);
}

/* Which is no name, so that nobody far away is asked for it. */
#define LABEL "0123456789012345678901234567890123456789012345678901234567890123"

static void a_name_that_nobody_has_can_be_asked_for_again(void **state)
{
    (void)state;
    struct error err;
    struct http_response response = {0};
    char *answer = NULL;
    struct http *http = transport();

    for (int i = 0; i < 3; i++)
        assert_fails(
            ask(http, "GET", "http://" LABEL ".invalid/", NULL, &response, &answer, &err),
            ERROR_NETWORK, "resolve host");
    http_free(http);
}

static void a_redirect_to_another_host_takes_no_credentials_along(void **state)
{
    (void)state;
    static const struct loopback_answer last[] = {{.bytes = OK("3") "far"}};
    struct error err;
    struct http *http = transport();
    struct loopback_server *far = loopback_server_start(last, 1);
    owned(memory) char *far_url = loopback_server_url(far, "/far");
    owned(memory) char *moved = text_format(
        "HTTP/1.1 307 Moved\r\nX-Near: 1\r\nLocation: %s\r\nContent-Length: 4\r\n\r\ngone",
        far_url);
    const struct loopback_answer first[] = {
        {.bytes = "HTTP/1.1 302 Moved\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"},
        {.bytes = moved},
    };
    struct loopback_server *near = loopback_server_start(first, 2);
    owned(memory) char *near_url = loopback_server_url(near, "/near");
    owned(http_response) struct http_response response = {0};
    owned(memory) char *answer = NULL;

    assert_ok(ask(http, "GET", near_url, "Bearer secret", &response, &answer, &err));
    assert_int_equal(response.status, 200);
    assert_string_equal(answer, "far");
    assert_string_equal(response.url, far_url);
    assert_null(http_header(&response, "X-Near"));
    http_response_release(&response);
    http_free(http);

    struct loopback_seen seen;
    loopback_server_stop(near, &seen);
    const char *second = strstr(seen.heads.bytes, "GET /next");
    assert_non_null(second);
    assert_non_null(strstr(second, "Authorization: Bearer secret"));
    text_release(&seen.heads);
    loopback_server_stop(far, &seen);
    assert_non_null(strstr(seen.heads.bytes, "GET /far"));
    assert_null(strstr(seen.heads.bytes, "secret"));
    text_release(&seen.heads);
}

static void who_is_to_stay_stays(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = "HTTP/1.1 302 Moved\r\nLocation: /next\r\nContent-Length: 4\r\n\r\nstay"}};
    struct loopback_server *server = loopback_server_start(script, 1);
    owned(memory) char *url = loopback_server_url(server, "/first");
    struct http *http = transport();
    const struct http_request request = {.method = "GET", .url = url, .stays = true};
    owned(http_response) struct http_response response = {0};
    owned(memory) char *answer = NULL;
    struct loopback_seen seen;
    struct error err;
    size_t count;

    assert_ok(
        http_exchange_bytes(http, &request, NULL, 0, 100, &response, &answer, &count, &err));
    assert_int_equal(response.status, 302);
    assert_string_equal(answer, "stay");
    http_response_release(&response);
    http_free(http);
    loopback_server_stop(server, &seen);
    assert_int_equal(seen.requests, 1);
    text_release(&seen.heads);
}

static void only_reading_follows_redirects(void **state)
{
    (void)state;
    static const struct loopback_answer once[] = {
        {.bytes = "HTTP/1.1 307 Moved\r\nLocation: /next\r\nContent-Length: 0\r\n\r\n"},
    };
    struct loopback_answer circle[12];
    struct error err;
    struct http_response response = {0};
    struct loopback_seen seen;
    char *answer = NULL;

    assert_ok(ask_once("POST", once, 1, &response, &answer, &seen, &err));
    assert_int_equal(response.status, 307);
    assert_string_equal(http_header(&response, "Location"), "/next");
    http_response_release(&response);
    text_release(&seen.heads);
    free(take(&answer));

    for (size_t i = 0; i < COUNT(circle); i++)
        circle[i] = once[0];
    assert_fails(ask_once("GET", circle, COUNT(circle), &response, &answer, &seen, &err),
                 ERROR_INVALID, "redirects");
    assert_int_equal(seen.requests, 11);
    text_release(&seen.heads);
}

/* PUTs `body` to a server that plays `answer`. */
static bool put(struct http *http, struct source *body, uint64_t size,
                const struct loopback_answer *answer, int *status, struct loopback_seen *seen,
                struct error *err)
{
    struct loopback_server *server = loopback_server_start(answer, 1);
    owned(memory) char *url = loopback_server_url(server, "/put");
    struct http_request request = {
        .method = "PUT", .url = url, .body = body, .body_size = size};
    struct http_response response = {0};

    bool answered = http_exchange(http, &request, &response, err);
    *status = response.status;
    http_response_release(&response);
    http_free(http); /* so that the server sees us go */
    loopback_server_stop(server, seen);
    return answered;
}

static void one_hosts_answer_feeds_anothers_request(void **state)
{
    (void)state;
    static const struct loopback_answer get[] = {{.bytes = OK("8000000"), .filler = BIG_BYTES}};
    static const struct loopback_answer created = {
        .bytes = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n"};
    struct error err;
    int status;
    struct loopback_seen seen;
    struct http *from = transport();
    struct loopback_server *server = loopback_server_start(get, 1);
    owned(memory) char *url = loopback_server_url(server, "/get");
    struct http_request request = {.method = "GET", .url = url};
    struct http_response response = {0};

    assert_ok(http_exchange(from, &request, &response, &err));
    assert_ok(put(transport(), response.body, BIG_BYTES, &created, &status, &seen, &err));
    assert_int_equal(status, 201);
    assert_int_equal(seen.body_size, BIG_BYTES);
    assert_non_null(strstr(seen.heads.bytes, "Content-Length: 8000000\r\n"));
    assert_null(strstr(seen.heads.bytes, "Transfer-Encoding"));
    text_release(&seen.heads);

    owned(memory) unsigned char *expected = memory_new(BIG_BYTES, 1);
    struct digest digest;
    for (size_t i = 0; i < BIG_BYTES; i++)
        expected[i] = loopback_byte(i);
    char *ignored = NULL;
    size_t count;
    owned(sink) struct sink *sink =
        digest_sink(memory_sink(BIG_BYTES, &ignored, &count), &digest, NULL);
    assert_ok(sink_write(sink, expected, BIG_BYTES, &err));
    assert_ok(sink_finish(take(&sink), &err));
    free(ignored);
    assert_string_equal(digest_format(&seen.body_digest).text, digest_format(&digest).text);

    http_response_release(&response);
    http_free(from);
    loopback_server_stop(server, &seen);
    text_release(&seen.heads);
}

/* Gives `left` bytes, then fails or ends. */
struct meagre_source {
    struct source source;
    uint64_t left;
    bool fails;
};

static bool meagre_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                        struct error *err)
{
    struct meagre_source *meagre = (struct meagre_source *)self;

    if (meagre->left == 0 && meagre->fails)
        return error_set(err, ERROR_INVALID, "the source is dry");
    *count = meagre->left < capacity ? (size_t)meagre->left : capacity;
    memset(bytes, 'x', *count);
    meagre->left -= *count;
    return true;
}

static const struct source_ops meagre_ops = {.read = meagre_read};

static void a_body_that_fails_is_what_is_reported(void **state)
{
    (void)state;
    static const struct loopback_answer answer = {.bytes = OK("0")};
    static const struct {
        uint64_t given;
        bool fails;
        const char *words;
    } cases[] = {
        {0, true, "the source is dry"},
        {BIG_BYTES - 1, true, "the source is dry"},
        {0, false, "ends 8000000 bytes early"},
        {BIG_BYTES - 1, false, "ends 1 bytes early"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        int status;
        struct loopback_seen seen;
        struct meagre_source meagre = {{&meagre_ops}, cases[i].given, cases[i].fails};

        assert_fails(put(transport(), &meagre.source, BIG_BYTES, &answer, &status, &seen, &err),
                     ERROR_INVALID, cases[i].words);
        text_release(&seen.heads);
    }
}

static void a_refusal_may_come_before_the_body_is_sent(void **state)
{
    (void)state;
    static const struct loopback_answer no = {
        .bytes = "HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        .unheard = true,
    };
    static const struct loopback_answer hasty = {
        .bytes = "HTTP/1.1 201 Created\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        .unheard = true,
    };
    struct error err;
    int status;
    struct loopback_seen seen;
    struct meagre_source meagre = {{&meagre_ops}, BIG_BYTES, false};

    assert_ok(put(transport(), &meagre.source, BIG_BYTES, &no, &status, &seen, &err));
    assert_int_equal(status, 401);
    text_release(&seen.heads);

    /* Success is not believed that early, unless all of it was sent. */
    meagre.left = BIG_BYTES;
    bool answered = put(transport(), &meagre.source, BIG_BYTES, &hasty, &status, &seen, &err);
    assert_true(answered ? meagre.left == 0 : err.kind == ERROR_NETWORK);
    text_release(&seen.heads);
}

static void walking_away_from_a_body_breaks_nothing(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {
        {.bytes = OK("8000000"), .filler = BIG_BYTES},
        {.bytes = OK("2") "ok"},
    };
    struct error err;
    struct http *http = transport();
    struct loopback_server *server = loopback_server_start(script, COUNT(script));
    owned(memory) char *url = loopback_server_url(server, "/");
    struct http_request request = {.method = "GET", .url = url};
    struct http_response response = {0};
    owned(memory) char *answer = NULL;
    char bytes[100];
    size_t count;

    assert_ok(http_exchange(http, &request, &response, &err));
    assert_ok(source_read(response.body, bytes, sizeof bytes, &count, &err));
    assert_in_range(count, 1, sizeof bytes);
    http_response_release(&response);

    assert_ok(ask(http, "GET", url, NULL, &response, &answer, &err));
    assert_string_equal(answer, "ok");
    http_response_release(&response);
    http_free(http);

    struct loopback_seen seen;
    loopback_server_stop(server, &seen);
    assert_int_equal(seen.connections, 2);
    text_release(&seen.heads);
}

struct crowd {
    struct http *http;
    size_t succeeded; /* by this thread */
};

static void *ask_often(void *context)
{
    static const struct loopback_answer script[] = {
        {.bytes = OK("100000"), .filler = 100000},
        {.bytes = OK("100000"), .filler = 100000},
        {.bytes = OK("100000"), .filler = 100000},
    };
    struct crowd *crowd = context;
    struct loopback_server *server = loopback_server_start(script, COUNT(script));
    owned(memory) char *url = loopback_server_url(server, "/");

    for (size_t i = 0; i < COUNT(script); i++) {
        struct error err;
        struct http_request request = {.method = "GET", .url = url};
        owned(http_response) struct http_response response = {0};
        owned(memory) char *answer = NULL;
        size_t count = 0;
        if (http_exchange_bytes(crowd->http, &request, NULL, 0, 100000, &response, &answer,
                                &count, &err) &&
            count == 100000 && (unsigned char)answer[99999] == loopback_byte(99999))
            crowd->succeeded++;
    }

    struct loopback_seen seen;
    loopback_server_stop(server, &seen);
    text_release(&seen.heads);
    return NULL;
}

static void threads_share_one_transport(void **state)
{
    (void)state;
    pthread_t threads[4];
    struct crowd crowd[COUNT(threads)];
    struct http *http = transport();

    for (size_t i = 0; i < COUNT(threads); i++) {
        crowd[i] = (struct crowd){.http = http};
        assert_int_equal(pthread_create(&threads[i], NULL, ask_often, &crowd[i]), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(crowd[i].succeeded, 3);
    }
    http_free(http);
}

static void proxies_come_from_the_environment_given(void **state)
{
    (void)state;
    static const struct loopback_answer script[] = {{.bytes = OK("5") "proxy"}};
    struct error err;
    struct loopback_server *proxy = loopback_server_start(script, 1);
    owned(memory) char *proxy_url = loopback_server_url(proxy, "");
    owned(memory) char *variable = text_format("http_proxy=%s", proxy_url);
    const char *environment[] = {variable, NULL};
    struct http *http = http_curl(&(struct http_curl_options){
        .connect_s = 5, .silence_s = 5, .environment = environment});
    owned(http_response) struct http_response response = {0};
    owned(memory) char *answer = NULL;

    assert_ok(ask(http, "GET", "http://host.invalid/a", NULL, &response, &answer, &err));
    assert_string_equal(answer, "proxy");
    http_response_release(&response);

    assert_false(ask(http, "GET", "http://127.0.0.1:1/", NULL, &response, &answer, &err));
    assert_non_null(strstr(err.text, "connect to 127.0.0.1 port 1"));
    http_free(http);

    struct loopback_seen seen;
    loopback_server_stop(proxy, &seen);
    assert_non_null(strstr(seen.heads.bytes, "GET http://host.invalid/a HTTP/1.1"));
    text_release(&seen.heads);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_arrives_with_all_it_says),
        cmocka_unit_test(a_connection_is_used_again),
        cmocka_unit_test(broken_answers_are_errors),
        cmocka_unit_test(headers_have_a_limit),
        cmocka_unit_test(nobody_there_is_an_error),
        cmocka_unit_test(a_name_that_nobody_has_can_be_asked_for_again),
        cmocka_unit_test(a_redirect_to_another_host_takes_no_credentials_along),
        cmocka_unit_test(who_is_to_stay_stays),
        cmocka_unit_test(only_reading_follows_redirects),
        cmocka_unit_test(one_hosts_answer_feeds_anothers_request),
        cmocka_unit_test(a_body_that_fails_is_what_is_reported),
        cmocka_unit_test(a_refusal_may_come_before_the_body_is_sent),
        cmocka_unit_test(walking_away_from_a_body_breaks_nothing),
        cmocka_unit_test(threads_share_one_transport),
        cmocka_unit_test(proxies_come_from_the_environment_given),
    };
    return cmocka_run_group_tests_name("http_curl", tests, NULL, NULL);
}
