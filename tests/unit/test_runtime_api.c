/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Runtime API as a function meets it: over a socket, in pieces, with rubbish, twice. Each
 * test plays a function in a thread while the server serves.
 */
#include "lambda/local/runtime_api.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

#define ID "0b6f5a3e-1111-4222-8333-444455556666"
#define NEXT "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: x\r\n\r\n"
#define RESPONSE_TO(id) "POST /2018-06-01/runtime/invocation/" id "/response HTTP/1.1\r\n"
#define ERROR_TO(id) "POST /2018-06-01/runtime/invocation/" id "/error HTTP/1.1\r\n"
#define ANSWER RESPONSE_TO(ID) "Content-Length: 2\r\n\r\n{}"

/* --- a function in a thread -------------------------------------------------------------- */

struct function {
    const char *address;
    void (*play)(struct function *function);
    int exit_fd; /* closing the other end says that the function has ended */
};

static int connect_to(const struct function *function)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    address.sin_port = htons((uint16_t)atoi(strchr(function->address, ':') + 1));
    if (connect(fd, (struct sockaddr *)&address, sizeof address) != 0)
        abort();
    return fd;
}

static void send_text(int fd, const char *text)
{
    for (size_t left = strlen(text); left > 0;) {
        ssize_t sent = send(fd, text, left, MSG_NOSIGNAL);
        if (sent < 0)
            return;
        text += sent;
        left -= (size_t)sent;
    }
}

/* Reads until `words` has come; a thread cannot fail a test, so it ends the program. */
static void expect(int fd, const char *words)
{
    char bytes[8192];
    size_t count = 0;

    while (count < sizeof bytes - 1) {
        ssize_t got = recv(fd, bytes + count, 1, 0);
        if (got <= 0)
            break;
        count += (size_t)got;
        bytes[count] = '\0';
        if (strstr(bytes, words))
            return;
    }
    fprintf(stderr, "expected '%s', got '%.*s'\n", words, (int)count, bytes);
    abort();
}

static long long read_number(int fd)
{
    long long number = 0;

    for (char byte; recv(fd, &byte, 1, 0) == 1 && byte >= '0' && byte <= '9';)
        number = 10 * number + (byte - '0');
    return number;
}

static void *play(void *argument)
{
    struct function *function = argument;

    function->play(function);
    close(function->exit_fd);
    return NULL;
}

static const struct runtime_event test_event = {
    .request_id = ID,
    .function_arn = "arn:aws:lambda:local:000000000000:function:f",
    .trace_id = "Root=1-0-0",
    .payload = "{\"a\":1}",
    .count = 7,
    .timeout_ms = 20 * 1000,
};

static void serve_event(const struct runtime_event *event,
                        void (*player)(struct function *function),
                        struct runtime_outcome *outcome)
{
    struct error err;
    owned(runtime_api) struct runtime_api *api = NULL;
    int ends[2];
    pthread_t thread;

    assert_ok(runtime_api_open(&api, &err));
    assert_int_equal(pipe(ends), 0);
    struct function function = {runtime_api_address(api), player, ends[1]};
    assert_int_equal(pthread_create(&thread, NULL, play, &function), 0);
    const struct runtime_watch watch = {.exit_fd = ends[0], .memory_fd = -1, .stop_fd = -1};
    *outcome = (struct runtime_outcome){0};
    bool served = runtime_api_init(api, &watch, RUNTIME_INIT_LIMIT_MS, outcome, &err);
    if (served && outcome->end == RUNTIME_READY)
        served = runtime_api_serve(api, event, &watch, outcome, &err);
    runtime_api_free(take(&api)); /* ends a function that waits for what never comes */
    pthread_join(thread, NULL);
    close(ends[0]);
    assert_ok(served);
}

static void serve(void (*player)(struct function *function), struct runtime_outcome *outcome)
{
    serve_event(&test_event, player, outcome);
}

static void responds(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "200 OK");
    expect(fd, "Lambda-Runtime-Aws-Request-Id: " ID "\r\n");
    expect(fd, "Lambda-Runtime-Deadline-Ms: ");
    long long left_ms = read_number(fd) - (long long)time(NULL) * 1000;
    if (left_ms < 10 * 1000 || left_ms > 30 * 1000)
        abort();
    expect(fd, "Function-Arn: arn:aws:lambda:local:000000000000:function:f\r\n");
    expect(fd, "Trace-Id: Root=1-0-0\r\n");
    expect(fd, "\r\n\r\n{\"a\":1}");
    send_text(fd, RESPONSE_TO(ID) "Content-Length: 10\r\n\r\n{\"ok\":123}");
    expect(fd, "202 Accepted");
    expect(fd, "{\"status\":\"OK\"}");
    send_text(fd, NEXT);
    close(fd);
}

static void a_response_is_the_outcome(void **state)
{
    (void)state;
    owned(runtime_outcome) struct runtime_outcome outcome;

    serve(responds, &outcome);
    assert_int_equal(outcome.end, RUNTIME_RESPONDED);
    assert_int_equal(outcome.count, 10);
    assert_memory_equal(outcome.body, "{\"ok\":123}", 10);
    assert_true(outcome.duration_ms >= 0);
    assert_null(outcome.content_type);
}

static void answers_slowly_and_chunked(struct function *function)
{
    static const char answer[] = RESPONSE_TO(ID) "Expect: 100-continue\r\n"
                                                 "Transfer-Encoding: chunked\r\n\r\n";
    static const char body[] = "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n";
    int fd = connect_to(function);

    for (const char *at = NEXT; *at; at++)
        send(fd, at, 1, MSG_NOSIGNAL);
    expect(fd, "{\"a\":1}");
    for (const char *at = answer; *at; at++)
        send(fd, at, 1, MSG_NOSIGNAL);
    expect(fd, "HTTP/1.1 100 Continue\r\n\r\n");
    for (const char *at = body; *at; at++)
        send(fd, at, 1, MSG_NOSIGNAL);
    expect(fd, "202 Accepted");
    close(fd);
}

static void pieces_chunks_and_continue_are_understood(void **state)
{
    (void)state;
    owned(runtime_outcome) struct runtime_outcome outcome;

    serve(answers_slowly_and_chunked, &outcome);
    assert_int_equal(outcome.end, RUNTIME_RESPONDED);
    assert_int_equal(outcome.count, 5);
    assert_memory_equal(outcome.body, "[1,2]", 5);
}

static void fails(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, ERROR_TO(ID) "Lambda-Runtime-Function-Error-Type: Oh.No\r\n"
                               "Content-Length: 20\r\n\r\n{\"errorType\":\"OhNo\"}");
    expect(fd, "202 Accepted");
    close(fd);
}

static void fails_wordlessly(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, ERROR_TO(ID) "Lambda-Runtime-Function-Error-Type: Oh.\"No\r\n\r\n");
    expect(fd, "202 Accepted");
    close(fd);
}

static void fails_early(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd,
              "POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}");
    expect(fd, "202 Accepted");
    close(fd);
}

static void errors_are_the_outcome(void **state)
{
    (void)state;
    static const struct {
        void (*player)(struct function *function);
        enum runtime_end end;
        const char *body;
    } cases[] = {
        {fails, RUNTIME_FAILED, "{\"errorType\":\"OhNo\"}"},
        {fails_wordlessly, RUNTIME_FAILED,
         "{\"errorMessage\":\"\",\"errorType\":\"Oh.\\\"No\"}"},
        {fails_early, RUNTIME_INIT_FAILED, "{}"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(runtime_outcome) struct runtime_outcome outcome;
        serve(cases[i].player, &outcome);
        assert_int_equal(outcome.end, cases[i].end);
        assert_int_equal(outcome.count, strlen(cases[i].body));
        assert_memory_equal(outcome.body, cases[i].body, outcome.count);
    }
}

/* Asks everything wrong, then does it right. */
static void stumbles(struct function *function)
{
    static const struct {
        const char *request, *status;
    } early[] = {
        {ANSWER, "403 Forbidden"},
        {"GET / HTTP/1.1\r\n\r\n", "404 Not Found"},
        {"POST /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n", "405 Method Not Allowed"},
        {"GET /2018-06-01/runtime/init/error HTTP/1.1\r\n\r\n", "405 Method Not Allowed"},
    };
    static const struct {
        const char *request, *status;
    } late[] = {
        {RESPONSE_TO("wrong") "\r\n", "400 Bad Request"},
        {RESPONSE_TO(ID "0") "\r\n", "400 Bad Request"},
        {RESPONSE_TO("") "\r\n", "400 Bad Request"},
        {"POST /2018-06-01/runtime/invocation/" ID "/other HTTP/1.1\r\n\r\n", "404 Not Found"},
        {"GET /2018-06-01/runtime/invocation/" ID "/response HTTP/1.1\r\n\r\n", "405 Method"},
        {"POST /2018-06-01/runtime/init/error HTTP/1.1\r\n\r\n", "403 Forbidden"},
    };
    int fd = connect_to(function);

    for (size_t i = 0; i < COUNT(early); i++) {
        send_text(fd, early[i].request);
        expect(fd, early[i].status);
        expect(fd, "\"}");
    }
    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    for (size_t i = 0; i < COUNT(late); i++) {
        send_text(fd, late[i].request);
        expect(fd, late[i].status);
        expect(fd, "\"}");
    }
    send_text(fd, ANSWER);
    expect(fd, "202 Accepted");
    send_text(fd, ANSWER);
    expect(fd, "403 Forbidden");
    close(fd);
}

/* Rubbish on one connection does no harm to another. */
static void throws_rubbish(struct function *function)
{
    int good = connect_to(function);
    int bad = connect_to(function);
    int half = connect_to(function);
    int many[40];

    send_text(half, "GET /2018-06-01/runti");
    send_text(bad, "\x16\x03\x01 what is this\r\n\r\n");
    expect(bad, "400 Bad Request");
    send_text(bad, NEXT NEXT NEXT);
    for (size_t i = 0; i < COUNT(many); i++)
        many[i] = connect_to(function);
    send_text(good, NEXT);
    expect(good, "{\"a\":1}");
    for (size_t i = 0; i < COUNT(many); i++)
        close(many[i]);
    close(half);
    send_text(good, ANSWER);
    expect(good, "202 Accepted");
    close(good);
    close(bad);
}

static void closes_each_time(struct function *function)
{
    int fd = connect_to(function);
    send_text(fd, "GET /2018-06-01/runtime/invocation/next HTTP/1.0\r\n\r\n");
    expect(fd, "{\"a\":1}");
    char byte;
    if (recv(fd, &byte, 1, 0) != 0)
        abort();
    close(fd);
    fd = connect_to(function);
    send_text(fd, ANSWER);
    expect(fd, "202 Accepted");
    close(fd);
}

static void asks_twice(struct function *function)
{
    int first = connect_to(function);
    int second = connect_to(function);

    send_text(first, NEXT);
    expect(first, "{\"a\":1}");
    send_text(second, NEXT);
    expect(second, "403 Forbidden");
    expect(second, "from Running to Ready");
    send_text(first, ANSWER);
    expect(first, "202 Accepted");
    close(first);
    close(second);
}

static void mistakes_are_answered_and_forgiven(void **state)
{
    (void)state;
    static void (*const players[])(struct function *) = {stumbles, throws_rubbish,
                                                         closes_each_time, asks_twice};

    for (size_t i = 0; i < COUNT(players); i++) {
        owned(runtime_outcome) struct runtime_outcome outcome;
        serve(players[i], &outcome);
        assert_int_equal(outcome.end, RUNTIME_RESPONDED);
        assert_int_equal(outcome.count, 2);
    }
}

static void answers_too_much(struct function *function)
{
    int fd = connect_to(function);
    owned(memory) char *zeros = memory_new(1024 * 1024 + 1, 1);
    memset(zeros, '0', 1024 * 1024);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, RESPONSE_TO(ID) "Content-Length: 7340032\r\n\r\n");
    for (int i = 0; i < 7; i++)
        send_text(fd, zeros);
    expect(fd, "413 Request Entity Too Large");
    expect(fd, "RequestEntityTooLarge");
    close(fd);
}

static void an_answer_beyond_6_mib_is_an_error(void **state)
{
    (void)state;
    owned(runtime_outcome) struct runtime_outcome outcome;

    serve(answers_too_much, &outcome);
    assert_int_equal(outcome.end, RUNTIME_FAILED);
    assert_non_null(strstr(outcome.body, "Function.ResponseSizeTooLarge"));
    assert_non_null(strstr(outcome.body, "(7340032 bytes) exceeded maximum allowed payload "
                                         "size (6291556 bytes)."));
}

static void does_nothing(struct function *function)
{
    (void)function;
}

static void takes_the_event_and_ends(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    close(fd);
}

/* What was sent before the end counts, though the end is seen first. */
static void answers_and_ends_at_once(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    close(fd);
    fd = connect_to(function);
    send_text(fd, ANSWER);
    close(function->exit_fd);
    function->exit_fd = -1;
    expect(fd, "202 Accepted");
    close(fd);
}

static void the_end_of_the_function_is_noticed(void **state)
{
    (void)state;
    static const struct {
        void (*player)(struct function *function);
        enum runtime_end end;
    } cases[] = {
        {does_nothing, RUNTIME_EXITED},
        {takes_the_event_and_ends, RUNTIME_EXITED},
        {answers_and_ends_at_once, RUNTIME_RESPONDED},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(runtime_outcome) struct runtime_outcome outcome;
        serve(cases[i].player, &outcome);
        assert_int_equal(outcome.end, cases[i].end);
    }
}

static void takes_the_event_and_sleeps(struct function *function)
{
    int fd = connect_to(function);
    char byte;

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    recv(fd, &byte, 1, 0); /* until the server is gone */
    close(fd);
}

static void time_runs_out(void **state)
{
    (void)state;
    struct runtime_event event = test_event;
    owned(runtime_outcome) struct runtime_outcome outcome;

    event.timeout_ms = 100;
    serve_event(&event, takes_the_event_and_sleeps, &outcome);
    assert_int_equal(outcome.end, RUNTIME_TIMED_OUT);
    assert_true(outcome.duration_ms >= 100);
    assert_null(outcome.body);
}

static void streams(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, RESPONSE_TO(ID) "Lambda-Runtime-Function-Response-Mode: streaming\r\n"
                                  "Content-Type: text/plain\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
    send_text(fd, "3\r\ntwo\r\n0\r\n\r\n");
    expect(fd, "202 Accepted");
    close(fd);
}

#define LATE_ERROR                                                                             \
    RESPONSE_TO(ID)                                                                            \
    "Lambda-Runtime-Function-Response-Mode: streaming\r\nTransfer-Encoding: chunked\r\n"       \
    "Trailer: Lambda-Runtime-Function-Error-Type, Lambda-Runtime-Function-Error-Body\r\n\r\n"  \
    "3\r\none\r\n0\r\nLambda-Runtime-Function-Error-Type: Late.Error\r\n"

static void fails_late(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, LATE_ERROR "Lambda-Runtime-Function-Error-Body: eyJvbiI6MX0=\r\n\r\n");
    expect(fd, "202 Accepted");
    close(fd);
}

static void fails_late_in_few_words(struct function *function)
{
    int fd = connect_to(function);

    send_text(fd, NEXT);
    expect(fd, "{\"a\":1}");
    send_text(fd, LATE_ERROR "Lambda-Runtime-Function-Error-Body: !\r\n\r\n");
    expect(fd, "202 Accepted");
    close(fd);
}

static void a_streamed_response_is_one_piece_or_an_error(void **state)
{
    (void)state;
    static const struct {
        void (*player)(struct function *function);
        enum runtime_end end;
        const char *body, *content_type, *error_type;
    } cases[] = {
        {streams, RUNTIME_RESPONDED, "onetwo", "text/plain", NULL},
        {fails_late, RUNTIME_FAILED, "{\"on\":1}", NULL, "Late.Error"},
        {fails_late_in_few_words, RUNTIME_FAILED,
         "{\"errorMessage\":\"\",\"errorType\":\"Late.Error\"}", NULL, "Late.Error"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(runtime_outcome) struct runtime_outcome outcome;
        serve(cases[i].player, &outcome);
        assert_int_equal(outcome.end, cases[i].end);
        assert_int_equal(outcome.count, strlen(cases[i].body));
        assert_memory_equal(outcome.body, cases[i].body, outcome.count);
        assert_int_equal(outcome.content_type != NULL, cases[i].content_type != NULL);
        if (outcome.content_type)
            assert_string_equal(outcome.content_type, cases[i].content_type);
        if (outcome.error_type)
            assert_string_equal(outcome.error_type, cases[i].error_type);
    }
}

/* --- one event after the other ----------------------------------------------------------- */

static int hung_up[2]; /* a pipe */

static void answers_three_events(struct function *function)
{
    int fd = connect_to(function);

    for (int i = 0; i < 3; i++) {
        send_text(fd, NEXT);
        expect(fd, "{\"a\":1}");
        send_text(fd, ANSWER);
        expect(fd, "202 Accepted");
    }
    close(fd);
    /* It may hang up while it waits, and ask again. */
    fd = connect_to(function);
    send_text(fd, NEXT);
    close(fd);
    if (write(hung_up[1], "", 1) != 1)
        abort();
    fd = connect_to(function);
    send_text(fd, NEXT);
    expect(fd, "Client-Context: {\"c\":1}\r\n");
    expect(fd, "{\"a\":1}");
    send_text(fd, ANSWER);
    expect(fd, "202 Accepted");
    close(fd);
}

static void a_function_stays_for_the_next_event(void **state)
{
    (void)state;
    struct error err;
    struct runtime_event event = test_event;
    owned(runtime_api) struct runtime_api *api = NULL;
    int ends[2];
    pthread_t thread;

    assert_ok(runtime_api_open(&api, &err));
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(pipe(hung_up), 0);
    struct function function = {runtime_api_address(api), answers_three_events, ends[1]};
    assert_int_equal(pthread_create(&thread, NULL, play, &function), 0);
    const struct runtime_watch watch = {.exit_fd = ends[0], .memory_fd = -1, .stop_fd = -1};
    for (int i = 0; i < 5; i++) {
        owned(runtime_outcome) struct runtime_outcome outcome = {0};
        char byte;
        if (i == 4)
            assert_int_equal(read(hung_up[0], &byte, 1), 1);
        event.client_context = i == 4 ? "{\"c\":1}" : NULL;
        if (i == 0)
            assert_ok(runtime_api_init(api, &watch, 1000 * 1000, &outcome, &err));
        else
            assert_ok(runtime_api_serve(api, &event, &watch, &outcome, &err));
        assert_int_equal(outcome.end, i == 0 ? RUNTIME_READY : RUNTIME_RESPONDED);
        assert_int_equal(outcome.is_ready, i < 4);
    }
    pthread_join(thread, NULL);
    close(ends[0]);
    close(hung_up[0]);
    close(hung_up[1]);
}

static void whoever_waits_can_be_stopped(void **state)
{
    (void)state;
    struct error err;
    owned(runtime_api) struct runtime_api *api = NULL;
    owned(runtime_outcome) struct runtime_outcome outcome = {0};
    int ends[2];

    assert_ok(runtime_api_open(&api, &err));
    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    const struct runtime_watch watch = {.exit_fd = -1, .memory_fd = -1, .stop_fd = ends[0]};
    assert_fails(runtime_api_init(api, &watch, 1000 * 1000, &outcome, &err), ERROR_CONFLICT,
                 "stopped");
    close(ends[0]);
}

static void whoever_wants_too_much_memory_has_ended(void **state)
{
    (void)state;
    struct error err;
    owned(runtime_api) struct runtime_api *api = NULL;
    owned(runtime_outcome) struct runtime_outcome outcome = {0};
    int ends[2];

    assert_ok(runtime_api_open(&api, &err));
    assert_int_equal(pipe(ends), 0);
    close(ends[1]);
    const struct runtime_watch watch = {.exit_fd = -1, .memory_fd = ends[0], .stop_fd = -1};
    assert_ok(runtime_api_init(api, &watch, 1000 * 1000, &outcome, &err));
    assert_int_equal(outcome.end, RUNTIME_EXITED);
    assert_false(outcome.is_ready);
    close(ends[0]);
}

static void the_log_is_gathered_along_the_way(void **state)
{
    (void)state;
    struct error err;
    owned(runtime_api) struct runtime_api *api = NULL;
    owned(runtime_outcome) struct runtime_outcome outcome = {0};
    owned(function_log) struct function_log *log = function_log_new(NULL);

    assert_ok(runtime_api_open(&api, &err));
    assert_ok(function_log_open(log, &err));
    assert_int_equal(write(function_log_fd(log), "words", 5), 5);
    const struct runtime_watch watch = {
        .exit_fd = -1, .memory_fd = -1, .stop_fd = -1, .log = log};
    assert_ok(runtime_api_init(api, &watch, 20, &outcome, &err));
    assert_int_equal(outcome.end, RUNTIME_TIMED_OUT);
    owned(memory) char *text = function_log_cut(log);
    assert_string_equal(text, "words\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_is_the_outcome),
        cmocka_unit_test(pieces_chunks_and_continue_are_understood),
        cmocka_unit_test(errors_are_the_outcome),
        cmocka_unit_test(mistakes_are_answered_and_forgiven),
        cmocka_unit_test(an_answer_beyond_6_mib_is_an_error),
        cmocka_unit_test(the_end_of_the_function_is_noticed),
        cmocka_unit_test(time_runs_out),
        cmocka_unit_test(a_streamed_response_is_one_piece_or_an_error),
        cmocka_unit_test(a_function_stays_for_the_next_event),
        cmocka_unit_test(whoever_waits_can_be_stopped),
        cmocka_unit_test(whoever_wants_too_much_memory_has_ended),
        cmocka_unit_test(the_log_is_gathered_along_the_way),
    };
    return cmocka_run_group_tests_name("runtime_api", tests, NULL, NULL);
}
