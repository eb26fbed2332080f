/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/runtime_api.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "lambda/local/http_server.h"
#include "lambda/local/peer_user.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

#define PREFIX "/2018-06-01/runtime/"

/* Lambda's names for them are in its refusals. */
enum phase { PHASE_INIT, PHASE_READY, PHASE_RUNNING, PHASE_ANSWERED };
static const char *const PHASE_NAMES[] = {"Started", "Ready", "Running", "ResponseSent"};

struct runtime_api {
    struct http_server *server;
    enum phase phase;
    struct http_exchange *waiting; /* who asked for the next event; NULL: nobody */
    bool has_exited;
    double opened_ms;
    uid_t users[2];   /* who may ask */
    bool is_refusing; /* others, which has been said */

    /* For the length of one call. */
    struct function_log *log;          /* NULL: none */
    const struct runtime_event *event; /* NULL: in the init phase */
    struct runtime_outcome *outcome;
    bool is_given; /* the event */
    bool has_outcome;
    bool is_over; /* the function waits for what comes next, or will never */
    double begun_ms, until_ms;
};

static double clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

const char *runtime_api_address(const struct runtime_api *api)
{
    return http_server_address(api->server);
}

void runtime_api_free(struct runtime_api *api)
{
    if (!api)
        return;
    http_server_free(api->server);
    free(api);
}

/* --- answers -------------------------------------------------------------------------------
 */

static void reply(struct http_exchange *exchange, int status, const char *body)
{
    const struct http_reply answer = {.status = status,
                                      .content_type = "application/json",
                                      .body = body,
                                      .count = strlen(body)};

    http_exchange_reply(exchange, &answer);
}

static char *error_json(const char *type, const char *message)
{
    json_owned json_t *json =
        json_pack("{s:o, s:o}", "errorType", json_lossy_string(type, strlen(type)),
                  "errorMessage", json_lossy_string(message, strlen(message)));

    return json_text(json);
}

static void reply_error(struct http_exchange *exchange, int status, const char *type,
                        const char *message)
{
    owned(memory) char *body = error_json(type, message);

    reply(exchange, status, body);
}

static void refuse_transition(const struct runtime_api *api, struct http_exchange *exchange,
                              const char *to)
{
    owned(memory) char *message = text_format("State transition from %s to %s failed for "
                                              "runtime. Error: State transition is not allowed",
                                              PHASE_NAMES[api->phase], to);

    reply_error(exchange, 403, "InvalidStateTransition", message);
}

static void give_event(struct runtime_api *api)
{
    const struct runtime_event *event = api->event;
    owned(text) struct text fields = {0};

    /* The function compares the deadline with the machine's clock, so that one is asked. */
    text_addf(&fields,
              "Lambda-Runtime-Aws-Request-Id: %s\r\n"
              "Lambda-Runtime-Deadline-Ms: %lld\r\n"
              "Lambda-Runtime-Invoked-Function-Arn: %s\r\n"
              "Lambda-Runtime-Trace-Id: %s\r\n",
              event->request_id, (long long)clock_ms(CLOCK_REALTIME) + event->timeout_ms,
              event->function_arn, event->trace_id);
    if (event->client_context)
        text_addf(&fields, "Lambda-Runtime-Client-Context: %s\r\n", event->client_context);
    const struct http_reply answer = {.status = 200,
                                      .content_type = "application/json",
                                      .fields = fields.bytes,
                                      .body = event->payload,
                                      .count = event->count};
    http_exchange_reply(take(&api->waiting), &answer);
    api->phase = PHASE_RUNNING;
    api->is_given = true;
}

static void end_with(struct runtime_api *api, enum runtime_end end)
{
    api->has_outcome = true;
    api->outcome->end = end;
    api->outcome->duration_ms = clock_ms(CLOCK_MONOTONIC) - api->begun_ms;
}

/* --- requests ------------------------------------------------------------------------------
 */

static void set_body(struct runtime_outcome *outcome, char *body)
{
    outcome->body = body;
    outcome->count = strlen(body);
}

static void refuse_large_answer(struct runtime_api *api, struct http_exchange *exchange)
{
    owned(memory) char *told =
        text_format("Exceeded maximum allowed payload size (%d bytes).", REQUEST_BODY_LIMIT);
    owned(memory) char *message = text_format(
        "Response payload size (%llu bytes) exceeded maximum allowed payload size (%d bytes).",
        (unsigned long long)http_exchange_request(exchange)->body_size, REQUEST_BODY_LIMIT);

    set_body(api->outcome, error_json("Function.ResponseSizeTooLarge", message));
    api->outcome->error_type = memory_copy_string("Function.ResponseSizeTooLarge");
    reply_error(exchange, 413, "RequestEntityTooLarge", told);
    end_with(api, RUNTIME_FAILED);
}

/* An error that is found while a response is streamed comes behind it. */
static bool take_late_error(struct runtime_outcome *outcome, const struct http_request *request)
{
    const char *type =
        http_request_field(&request->trailers, "lambda-runtime-function-error-type");
    const char *encoded =
        http_request_field(&request->trailers, "lambda-runtime-function-error-body");
    struct error not_base64;

    if (!type)
        return false;
    outcome->error_type = memory_copy_string(type);
    if (!encoded || !base64_decode(encoded, &outcome->body, &outcome->count, &not_base64))
        set_body(outcome, error_json(type, ""));
    return true;
}

static char *copy_field(const struct http_request *request, const char *name)
{
    const char *value = http_request_field(&request->fields, name);

    return value ? memory_copy_string(value) : NULL;
}

/* Takes the body of the function's response or error as the outcome. */
static void accept_answer(struct runtime_api *api, struct http_exchange *exchange,
                          enum runtime_end end)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct runtime_outcome *outcome = api->outcome;

    if (request->body_size > REQUEST_BODY_LIMIT) {
        refuse_large_answer(api, exchange);
        return;
    }
    if (end == RUNTIME_RESPONDED && take_late_error(outcome, request)) {
        end = RUNTIME_FAILED;
    } else if (end == RUNTIME_RESPONDED) {
        outcome->content_type = copy_field(request, "content-type");
        outcome->body = http_exchange_take_body(exchange, &outcome->count);
    } else {
        outcome->error_type = copy_field(request, "lambda-runtime-function-error-type");
        if (request->body.length > 0)
            outcome->body = http_exchange_take_body(exchange, &outcome->count);
        else
            set_body(outcome,
                     error_json(outcome->error_type ? outcome->error_type : "Unhandled", ""));
    }
    reply(exchange, 202, "{\"status\":\"OK\"}\n");
    end_with(api, end);
}

static bool expect_method(struct http_exchange *exchange, const char *method)
{
    if (strcmp(http_exchange_request(exchange)->method, method) == 0)
        return true;
    reply_error(exchange, 405, "MethodNotAllowed", "Method not allowed");
    return false;
}

/* A function may have given up waiting, and asks once more. */
static void forget_who_is_gone(struct runtime_api *api)
{
    if (api->waiting && http_exchange_is_gone(api->waiting))
        reply(take(&api->waiting), 410, "");
}

static void handle_next(struct runtime_api *api, struct http_exchange *exchange)
{
    if (!expect_method(exchange, "GET"))
        return;
    forget_who_is_gone(api);
    if (api->waiting || api->phase == PHASE_RUNNING) {
        refuse_transition(api, exchange, "Ready");
        return;
    }
    api->waiting = exchange;
    if (api->event && !api->is_given) {
        give_event(api);
        return;
    }
    if (api->phase == PHASE_INIT)
        end_with(api, RUNTIME_READY);
    api->phase = PHASE_READY;
    api->is_over = true;
}

static void handle_init_error(struct runtime_api *api, struct http_exchange *exchange)
{
    if (!expect_method(exchange, "POST"))
        return;
    if (api->phase != PHASE_INIT) {
        refuse_transition(api, exchange, "InitError");
        return;
    }
    accept_answer(api, exchange, RUNTIME_INIT_FAILED);
    api->phase = PHASE_ANSWERED;
    api->is_over = true;
}

/* `rest` is what follows the request id. */
static void handle_answer(struct runtime_api *api, struct http_exchange *exchange,
                          bool is_right_id, const char *rest)
{
    bool is_error = strcmp(rest, "/error") == 0;

    if (!is_error && strcmp(rest, "/response") != 0) {
        reply_error(exchange, 404, "NotFound", "404 page not found");
    } else if (!expect_method(exchange, "POST")) {
        return;
    } else if (api->phase != PHASE_RUNNING) {
        refuse_transition(api, exchange,
                          is_error ? "InvocationErrorResponse" : "InvocationResponse");
    } else if (!is_right_id) {
        reply_error(exchange, 400, "InvalidRequestID", "Invalid request ID");
    } else {
        accept_answer(api, exchange, is_error ? RUNTIME_FAILED : RUNTIME_RESPONDED);
        api->phase = PHASE_ANSWERED;
    }
}

static void handle(void *context, struct http_exchange *exchange)
{
    static const char invocation[] = PREFIX "invocation/";
    struct runtime_api *api = context;
    const char *target = http_exchange_request(exchange)->target;

    if (strcmp(target, PREFIX "invocation/next") == 0) {
        handle_next(api, exchange);
    } else if (strcmp(target, PREFIX "init/error") == 0) {
        handle_init_error(api, exchange);
    } else if (strncmp(target, invocation, strlen(invocation)) == 0) {
        const char *id = target + strlen(invocation);
        size_t length = strcspn(id, "/");
        const char *expected = api->event ? api->event->request_id : "";
        bool is_right_id = length == strlen(expected) && strncmp(id, expected, length) == 0;
        handle_answer(api, exchange, is_right_id, id + length);
    } else {
        reply_error(exchange, 404, "NotFound", "404 page not found");
    }
}

static bool admits(void *context, int fd)
{
    struct runtime_api *api = context;
    uid_t user = 0;
    bool is_known = peer_user(fd, &user);

    if (is_known && (user == api->users[0] || user == api->users[1]))
        return true;
    if (is_known && api->log && !api->is_refusing) {
        function_log_addf(api->log,
                          "skiff: user %u of this machine tried to ask for the function's "
                          "events, and was refused\n",
                          user);
        api->is_refusing = true;
    }
    return false;
}

void runtime_api_admit(struct runtime_api *api, uid_t user)
{
    api->users[1] = user;
}

bool runtime_api_open(struct runtime_api **out, struct error *err)
{
    if (!peer_user_is_known(err))
        return false;
    struct runtime_api *api = memory_new(1, sizeof *api);
    const struct http_server_options options = {
        .handle = handle, .admits = admits, .context = api};

    api->users[0] = api->users[1] = geteuid();
    if (!http_server_open(&options, &api->server, err)) {
        free(api);
        return false;
    }
    api->opened_ms = clock_ms(CLOCK_MONOTONIC);
    *out = api;
    return true;
}

/* --- waiting -------------------------------------------------------------------------------
 */

/* Waits for something to happen and deals with it; `*quiet` when nothing did. */
static bool serve_once(struct runtime_api *api, const struct runtime_watch *watch, int wait_ms,
                       bool *quiet, struct error *err)
{
    enum { EXIT, MEMORY, STOP, LOG, WATCHED };
    struct pollfd watched[WATCHED] = {
        [EXIT] = {.fd = api->has_exited ? -1 : watch->exit_fd, .events = POLLIN},
        [MEMORY] = {.fd = api->has_exited ? -1 : watch->memory_fd, .events = POLLIN},
        [STOP] = {.fd = watch->stop_fd, .events = POLLIN},
        [LOG] = {.fd = watch->log ? function_log_source(watch->log) : -1, .events = POLLIN},
    };

    api->log = watch->log;
    if (!http_server_wait(api->server, watched, WATCHED, wait_ms, quiet, err))
        return false;
    if (watched[EXIT].revents || watched[MEMORY].revents)
        api->has_exited = true;
    if (watched[LOG].revents)
        function_log_gather(watch->log);
    if (watched[STOP].revents)
        return error_set(err, ERROR_CONFLICT, "the invocation was stopped");
    return true;
}

static bool serve(struct runtime_api *api, const struct runtime_watch *watch, int limit_ms,
                  struct error *err)
{
    api->until_ms = api->begun_ms + limit_ms;
    while (!api->is_over || http_server_has_unsent(api->server)) {
        double left_ms = api->until_ms - clock_ms(CLOCK_MONOTONIC);
        bool quiet;
        /* What the function sent before it ended is read before its end counts. */
        int wait_ms = api->has_exited || left_ms < 0 ? 0 : (int)left_ms + 1;
        if (!serve_once(api, watch, wait_ms, &quiet, err))
            return false;
        if (left_ms <= 0 || (api->has_exited && quiet))
            break;
    }
    if (!api->has_outcome)
        end_with(api, api->has_exited ? RUNTIME_EXITED : RUNTIME_TIMED_OUT);
    /* What it wrote before it asked for more belongs to what it did before. */
    if (watch->log)
        function_log_gather(watch->log);
    api->outcome->is_ready = api->phase == PHASE_READY && !api->has_exited;
    return true;
}

static void begin(struct runtime_api *api, const struct runtime_event *event,
                  struct runtime_outcome *outcome)
{
    api->event = event;
    api->outcome = outcome;
    api->is_given = api->has_outcome = api->is_over = false;
    api->begun_ms = clock_ms(CLOCK_MONOTONIC);
}

bool runtime_api_init(struct runtime_api *api, const struct runtime_watch *watch, int limit_ms,
                      struct runtime_outcome *out, struct error *err)
{
    begin(api, NULL, out);
    api->begun_ms = api->opened_ms; /* the program has been started meanwhile */
    return serve(api, watch, limit_ms, err);
}

bool runtime_api_serve(struct runtime_api *api, const struct runtime_event *event,
                       const struct runtime_watch *watch, struct runtime_outcome *out,
                       struct error *err)
{
    bool quiet;

    begin(api, event, out);
    /* What happened while nobody looked: it may have hung up. */
    if (!serve_once(api, watch, 0, &quiet, err))
        return false;
    forget_who_is_gone(api);
    if (api->waiting)
        give_event(api);
    return serve(api, watch, event->timeout_ms, err);
}

void runtime_outcome_release(struct runtime_outcome *outcome)
{
    free(outcome->body);
    free(outcome->content_type);
    free(outcome->error_type);
    *outcome = (struct runtime_outcome){0};
}
