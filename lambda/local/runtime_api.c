/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/runtime_api.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lambda/local/runtime_request.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    CONNECTIONS_LIMIT = 16,
    READ_BYTES = 64 * 1024,
    GRACE_MS = 500, /* for a function that has answered to finish what it logs */
};

#define PREFIX "/2018-06-01/runtime/"

struct connection {
    int fd; /* -1: free */
    struct runtime_request request;
    struct text out;
    size_t sent;
    bool is_held;    /* asked for an event that has not come yet */
    bool is_closing; /* what it still sends is thrown away */
};

enum phase {
    PHASE_INIT,    /* nobody has asked for the event */
    PHASE_RUNNING, /* the function has it */
    PHASE_ANSWERED,
    PHASE_OVER,
};

struct runtime_api {
    int listener;
    char address[32];
    struct connection connections[CONNECTIONS_LIMIT];

    /* For the length of one runtime_api_serve(). */
    const struct runtime_event *event;
    struct runtime_outcome *outcome;
    enum phase phase;
    bool has_exited;
    double begun_ms, given_ms, until_ms;
};

static double clock_ms(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

bool runtime_api_open(struct runtime_api **out, struct error *err)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (listener < 0)
        return error_set_errno(err, "listen on 127.0.0.1");
    if (bind(listener, (struct sockaddr *)&address, size) != 0 ||
        listen(listener, CONNECTIONS_LIMIT) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &size) != 0) {
        error_set_errno(err, "listen on 127.0.0.1");
        close(listener);
        return false;
    }
    struct runtime_api *api = memory_new(1, sizeof *api);
    api->listener = listener;
    snprintf(api->address, sizeof api->address, "127.0.0.1:%d", ntohs(address.sin_port));
    for (size_t i = 0; i < CONNECTIONS_LIMIT; i++)
        api->connections[i].fd = -1;
    *out = api;
    return true;
}

const char *runtime_api_address(const struct runtime_api *api)
{
    return api->address;
}

static void connection_close(struct connection *connection)
{
    if (connection->fd >= 0)
        close(connection->fd);
    runtime_request_release(&connection->request);
    text_release(&connection->out);
    *connection = (struct connection){.fd = -1};
}

void runtime_api_free(struct runtime_api *api)
{
    if (!api)
        return;
    for (size_t i = 0; i < CONNECTIONS_LIMIT; i++)
        connection_close(&api->connections[i]);
    close(api->listener);
    free(api);
}

static void reply(struct connection *connection, int status, const char *body)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {202, "Accepted"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Request Entity Too Large"},
        {431, "Request Header Fields Too Large"},
    };
    const char *name = "Error";

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == status)
            name = names[i].name;
    text_addf(&connection->out,
              "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n",
              status, name, strlen(body));
    text_add(&connection->out, body);
}

static char *error_json(const char *type, const char *message)
{
    json_owned json_t *json =
        json_pack("{s:o, s:o}", "errorType", json_lossy_string(type, strlen(type)),
                  "errorMessage", json_lossy_string(message, strlen(message)));

    return json_text(json);
}

static void reply_error(struct connection *connection, int status, const char *type,
                        const char *message)
{
    owned(memory) char *body = error_json(type, message);

    reply(connection, status, body);
}

static void give_event(struct runtime_api *api, struct connection *connection)
{
    const struct runtime_event *event = api->event;
    double now = clock_ms(CLOCK_MONOTONIC);

    api->phase = PHASE_RUNNING;
    api->given_ms = now;
    api->until_ms = now + event->timeout_ms;
    /* The function compares the deadline with the machine's clock, so that one is asked. */
    text_addf(&connection->out,
              "HTTP/1.1 200 OK\r\n"
              "Content-Type: application/json\r\n"
              "Lambda-Runtime-Aws-Request-Id: %s\r\n"
              "Lambda-Runtime-Deadline-Ms: %.0f\r\n"
              "Lambda-Runtime-Invoked-Function-Arn: %s\r\n"
              "Lambda-Runtime-Trace-Id: %s\r\n"
              "Content-Length: %zu\r\n\r\n",
              event->request_id, clock_ms(CLOCK_REALTIME) + event->timeout_ms,
              event->function_arn, event->trace_id, event->count);
    text_add_bytes(&connection->out, event->payload, event->count);
}

static void end_with(struct runtime_api *api, enum runtime_end end)
{
    double now = clock_ms(CLOCK_MONOTONIC);
    bool was_given = api->phase == PHASE_RUNNING;

    api->outcome->end = end;
    api->outcome->init_ms = (was_given ? api->given_ms : now) - api->begun_ms;
    api->outcome->duration_ms = was_given ? now - api->given_ms : 0;
    api->phase = PHASE_ANSWERED;
    api->until_ms = now + GRACE_MS;
}

static void refuse_large_answer(struct runtime_api *api, struct connection *connection)
{
    owned(memory) char *told =
        text_format("Exceeded maximum allowed payload size (%d bytes).", REQUEST_BODY_LIMIT);
    owned(memory) char *message = text_format(
        "Response payload size (%llu bytes) exceeded maximum allowed payload size (%d bytes).",
        (unsigned long long)connection->request.body_size, REQUEST_BODY_LIMIT);

    api->outcome->body = error_json("Function.ResponseSizeTooLarge", message);
    api->outcome->count = strlen(api->outcome->body);
    reply_error(connection, 413, "RequestEntityTooLarge", told);
    end_with(api, RUNTIME_FAILED);
}

/* Takes the body of the function's response or error as the outcome. */
static void accept_answer(struct runtime_api *api, struct connection *connection,
                          enum runtime_end end)
{
    struct runtime_request *request = &connection->request;
    struct runtime_outcome *outcome = api->outcome;

    if (request->body_size > REQUEST_BODY_LIMIT) {
        refuse_large_answer(api, connection);
        return;
    }
    if (request->body.length == 0 && end != RUNTIME_RESPONDED) {
        const char *type = *request->error_type ? request->error_type : "Unhandled";
        outcome->body = error_json(type, "");
        outcome->count = strlen(outcome->body);
    } else {
        outcome->count = request->body.length;
        outcome->body = text_take(&request->body);
    }
    reply(connection, 202, "{\"status\":\"OK\"}\n");
    end_with(api, end);
}

static bool expect_method(struct connection *connection, const char *method)
{
    if (strcmp(connection->request.method, method) == 0)
        return true;
    reply_error(connection, 405, "MethodNotAllowed", "Method not allowed");
    return false;
}

static void handle_next(struct runtime_api *api, struct connection *connection)
{
    if (!expect_method(connection, "GET"))
        return;
    if (api->phase == PHASE_INIT) {
        give_event(api, connection);
        return;
    }
    connection->is_held = true;
    if (api->phase == PHASE_ANSWERED)
        api->phase = PHASE_OVER;
}

static void handle_init_error(struct runtime_api *api, struct connection *connection)
{
    if (!expect_method(connection, "POST"))
        return;
    if (api->phase == PHASE_INIT)
        accept_answer(api, connection, RUNTIME_INIT_FAILED);
    else
        reply_error(connection, 403, "InvalidStateTransition",
                    "State transition to InitError failed for runtime. "
                    "Error: State transition is not allowed");
}

/* `rest` is what follows the request id. */
static void handle_answer(struct runtime_api *api, struct connection *connection,
                          bool is_right_id, const char *rest)
{
    bool is_error = strcmp(rest, "/error") == 0;

    if (!is_error && strcmp(rest, "/response") != 0)
        reply_error(connection, 404, "NotFound", "404 page not found");
    else if (!expect_method(connection, "POST"))
        return;
    else if (api->phase != PHASE_RUNNING)
        reply_error(connection, 403, "InvalidStateTransition",
                    "State transition to InvocationResponse failed for runtime. "
                    "Error: State transition is not allowed");
    else if (!is_right_id)
        reply_error(connection, 400, "InvalidRequestID", "Invalid request ID");
    else
        accept_answer(api, connection, is_error ? RUNTIME_FAILED : RUNTIME_RESPONDED);
}

static void handle_request(struct runtime_api *api, struct connection *connection)
{
    static const char invocation[] = PREFIX "invocation/";
    const char *target = connection->request.target;

    if (strcmp(target, PREFIX "invocation/next") == 0) {
        handle_next(api, connection);
    } else if (strcmp(target, PREFIX "init/error") == 0) {
        handle_init_error(api, connection);
    } else if (strncmp(target, invocation, strlen(invocation)) == 0) {
        const char *id = target + strlen(invocation);
        size_t length = strcspn(id, "/");
        bool is_right_id = length == strlen(api->event->request_id) &&
                           strncmp(id, api->event->request_id, length) == 0;
        handle_answer(api, connection, is_right_id, id + length);
    } else {
        reply_error(connection, 404, "NotFound", "404 page not found");
    }
}

static void handle_bytes(struct runtime_api *api, struct connection *connection,
                         const char *bytes, size_t count)
{
    struct runtime_request *request = &connection->request;

    while (count > 0 && !connection->is_closing) {
        if (connection->is_held) {
            connection->is_closing = true; /* it should be waiting */
            return;
        }
        size_t used = runtime_request_add(request, bytes, count);
        bytes += used;
        count -= used;
        if (request->state == REQUEST_BODY && request->expects_continue) {
            text_add(&connection->out, "HTTP/1.1 100 Continue\r\n\r\n");
            request->expects_continue = false;
        }
        if (request->state == REQUEST_BROKEN) {
            reply_error(connection, request->status, "BadRequest", "not a request");
            connection->is_closing = true;
        }
        if (request->state == REQUEST_COMPLETE) {
            handle_request(api, connection);
            connection->is_closing = request->is_last && !connection->is_held;
            runtime_request_release(request);
        }
    }
}

static void read_connection(struct runtime_api *api, struct connection *connection)
{
    char bytes[READ_BYTES];
    ssize_t got = recv(connection->fd, bytes, sizeof bytes, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        connection_close(connection);
        return;
    }
    handle_bytes(api, connection, bytes, (size_t)got);
}

static void write_connection(struct connection *connection)
{
    struct text *out = &connection->out;
    ssize_t sent = send(connection->fd, out->bytes + connection->sent,
                        out->length - connection->sent, MSG_NOSIGNAL);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent < 0) {
        connection_close(connection);
        return;
    }
    connection->sent += (size_t)sent;
    if (connection->sent < out->length)
        return;
    text_release(out);
    connection->sent = 0;
    /* Closing outright would lose the answer where unread bytes are left. */
    if (connection->is_closing)
        shutdown(connection->fd, SHUT_WR);
}

static void accept_connection(struct runtime_api *api)
{
    int fd = accept4(api->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (size_t i = 0; fd >= 0 && i < CONNECTIONS_LIMIT; i++) {
        if (api->connections[i].fd >= 0)
            continue;
        api->connections[i].fd = fd;
        return;
    }
    if (fd >= 0)
        close(fd);
}

/* Waits for something to happen and deals with it; `*quiet` when nothing did. */
static bool serve_once(struct runtime_api *api, int exit_fd, int wait_ms, bool *quiet,
                       struct error *err)
{
    enum { EXIT = CONNECTIONS_LIMIT, LISTENER, WATCHED };
    struct pollfd watched[WATCHED];

    for (size_t i = 0; i < CONNECTIONS_LIMIT; i++) {
        const struct connection *connection = &api->connections[i];
        short events = connection->out.length > 0 ? POLLIN | POLLOUT : POLLIN;
        watched[i] = (struct pollfd){.fd = connection->fd, .events = events};
    }
    watched[EXIT] = (struct pollfd){.fd = api->has_exited ? -1 : exit_fd, .events = POLLIN};
    watched[LISTENER] = (struct pollfd){.fd = api->listener, .events = POLLIN};

    int ready = poll(watched, WATCHED, wait_ms);
    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, "wait for the function");
    *quiet = ready == 0;
    if (ready <= 0)
        return true;
    for (size_t i = 0; i < CONNECTIONS_LIMIT; i++) {
        if (watched[i].revents & POLLOUT)
            write_connection(&api->connections[i]);
        if (watched[i].revents & ~POLLOUT && api->connections[i].fd >= 0)
            read_connection(api, &api->connections[i]);
    }
    if (watched[LISTENER].revents)
        accept_connection(api);
    if (watched[EXIT].revents)
        api->has_exited = true;
    return true;
}

/* The last answers go out too, whichever connection said that all is over. */
static bool has_unsent(const struct runtime_api *api)
{
    for (size_t i = 0; i < CONNECTIONS_LIMIT; i++)
        if (api->connections[i].fd >= 0 && api->connections[i].out.length > 0)
            return true;
    return false;
}

bool runtime_api_serve(struct runtime_api *api, const struct runtime_event *event, int exit_fd,
                       struct runtime_outcome *out, struct error *err)
{
    api->event = event;
    api->outcome = out;
    api->phase = PHASE_INIT;
    api->has_exited = false;
    api->begun_ms = clock_ms(CLOCK_MONOTONIC);
    api->until_ms = api->begun_ms + RUNTIME_INIT_LIMIT_MS + event->timeout_ms;

    while (api->phase != PHASE_OVER || has_unsent(api)) {
        double left_ms = api->until_ms - clock_ms(CLOCK_MONOTONIC);
        bool quiet;
        /* What the function sent before it ended is read before its end counts. */
        int wait_ms = api->has_exited || left_ms < 0 ? 0 : (int)left_ms + 1;
        if (!serve_once(api, exit_fd, wait_ms, &quiet, err))
            return false;
        if ((!api->has_exited || !quiet) && left_ms > 0)
            continue;
        if (api->phase == PHASE_ANSWERED)
            break;
        if (api->phase != PHASE_OVER)
            end_with(api, api->has_exited ? RUNTIME_EXITED : RUNTIME_TIMED_OUT);
        break;
    }
    return true;
}

void runtime_outcome_release(struct runtime_outcome *outcome)
{
    free(outcome->body);
    *outcome = (struct runtime_outcome){0};
}
