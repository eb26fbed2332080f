/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/server.h"

#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lambda/supervisor/child.h"
#include "lambda/supervisor/reaper.h"
#include "lambda/supervisor/runtime_variables.h"
#include "lambda/supervisor/script.h"
#include "lambda/supervisor/server_client.h"
#include "oci/base/environment.h"
#include "oci/base/memory.h"

enum {
    START_LIMIT_MS = 9000, /* of the ten seconds that Lambda gives */
    PAUSE_MS = 2,
    END_WAIT_MS = 200, /* a connection ends a little before its process */
    BODY_SHOWN = 2000,
};

struct server {
    const struct job_context *context;
    pid_t pid;      /* 0: it does not run */
    bool is_ready;  /* it was seen listening */
    int64_t end_ms; /* of the event's time, since 1970; 0: none */
};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
    nanosleep(&(struct timespec){.tv_nsec = ms * 1000000L}, NULL);
}

struct server *server_new(const struct job_context *context)
{
    struct server *server = memory_new(1, sizeof *server);

    server->context = context;
    return server;
}

void server_free(struct server *server)
{
    int status;

    if (server && server->pid)
        reaper_end(server->pid, &status);
    free(server);
}

/* --- its process --- */

static bool choose(const struct job_context *context, struct variables *variables,
                   struct program *program, struct error *err)
{
    const struct settings *settings = context->settings;
    const struct event none = {0};
    owned(memory) char *port = text_format("%d", settings->port);

    variables_init(variables, context->environment);
    for (char **own = settings->variables; own && *own; own++)
        variables_put(variables, *own, settings->log_level);
    runtime_variables_add(variables, settings, context->command);
    variables_set(variables, "PORT", port, settings->log_level);

    const char *search = environment_get((const char *const *)variables->list, "PATH");
    const struct script_places places = {
        .folder = "/tmp",
        .search = search ? search : SCRIPT_SEARCH,
        .command = context->command,
    };
    return script_choose(&none, settings, &places, program, err);
}

bool server_become(const struct job_context *context, struct error *err)
{
    owned(variables) struct variables variables = {0};
    owned(program) struct program program = {0};

    if (!choose(context, &variables, &program, err))
        return false;
    signal(SIGPIPE, SIG_DFL);
    execve(program.path, program.arguments, variables.list);
    return error_set_errno(err, "'%.200s' cannot start", program.path);
}

/* Somebody else's answers would be taken for its own. */
static bool launch(struct server *server, struct error *err)
{
    const struct job_context *context = server->context;
    enum log_level lowest = context->settings->log_level;
    owned(variables) struct variables variables = {0};
    owned(program) struct program program = {0};

    if (server_client_can_connect(context->settings->port))
        return error_set(
            err, ERROR_CONFLICT,
            "port %d is taken before the server has started: supervisor.port names "
            "another, and the server finds it in PORT",
            context->settings->port);
    if (!choose(context, &variables, &program, err))
        return false;
    log_line(lowest, LOG_INFO, "Starting the server '%.200s'", program.path);
    const struct child child = {
        .program = &program, .environment = variables.list, .log_level = lowest};
    server->is_ready = false;
    return child_start(&child, &server->pid, err);
}

/* Buries it and says how it ended. */
static void bury(struct server *server, const char *when, struct error *err)
{
    int status = 0;

    reaper_end(server->pid, &status);
    server->pid = 0;
    if (WIFSIGNALED(status))
        error_set(err, ERROR_SYSTEM, "the server was killed by signal %d (%s) %s",
                  WTERMSIG(status), strsignal(WTERMSIG(status)), when);
    else
        error_set(err, ERROR_SYSTEM, "the server exited with code %d %s", WEXITSTATUS(status),
                  when);
}

static bool wait_until_ready(struct server *server, int64_t end_ms, struct error *err)
{
    while (!server->is_ready) {
        server->is_ready = server_client_can_connect(server->context->settings->port);
        if (reaper_has_ended(server->pid)) {
            owned(memory) char *when =
                text_format("before it listened on port %d", server->context->settings->port);
            bury(server, when, err);
            return false;
        }
        if (server->is_ready || (end_ms > 0 && now_ms() >= end_ms))
            break;
        pause_ms(PAUSE_MS);
    }
    return true;
}

bool server_start(struct server *server, struct error *err)
{
    const struct settings *settings = server->context->settings;

    reaper_adopt();
    if (!launch(server, err) || !wait_until_ready(server, now_ms() + START_LIMIT_MS, err))
        return false;
    if (!server->is_ready)
        log_line(settings->log_level, LOG_WARNING,
                 "The server does not listen on port %d yet: the first event waits for it",
                 settings->port);
    return true;
}

/* --- an event --- */

static void fail(struct job_result *out, const char *type, const char *text)
{
    out->failure_type = type;
    out->failure = memory_copy_string(text);
}

/* The server is of no use any more, whatever it does. */
static void fail_with_time_out(struct server *server, struct job_result *out, const char *what)
{
    const struct settings *settings = server->context->settings;
    int status;

    reaper_end(server->pid, &status);
    server->pid = 0;
    out->failure_type = "Skiff.Timeout";
    out->failure =
        text_format("%s (container.timeout_threshold keeps %d s of the function's "
                    "time); the server was ended, and starts anew for the next event",
                    what, settings->threshold_s);
}

/* Starts it again where that is needed. */
static bool be_ready(struct server *server, struct job_result *out)
{
    const struct settings *settings = server->context->settings;
    struct error err;

    if (server->pid && reaper_has_ended(server->pid)) {
        bury(server, "between two events", &err);
        log_line(settings->log_level, LOG_WARNING, "%s: it is started again", err.text);
    }
    if ((!server->pid && !launch(server, &err)) ||
        !wait_until_ready(server, server->end_ms, &err)) {
        fail(out, "Skiff.ServerFailed", err.text);
        return false;
    }
    if (server->is_ready)
        return true;
    owned(memory) char *what = text_format(
        "the server did not listen on port %d of 127.0.0.1 in time", settings->port);
    fail_with_time_out(server, out, what);
    return false;
}

static void explain_silence(struct server *server, enum server_silence why, struct error *err,
                            struct job_result *out)
{
    if (why == SERVER_TOO_SLOW) {
        fail_with_time_out(server, out, err->text);
        return;
    }
    if (why == SERVER_TOO_MUCH) {
        fail(out, "Skiff.LimitExceeded", err->text);
        return;
    }
    for (int waited_ms = 0; waited_ms < END_WAIT_MS; waited_ms += PAUSE_MS) {
        if (reaper_has_ended(server->pid)) {
            bury(server, "while it had an event to answer", err);
            break;
        }
        pause_ms(PAUSE_MS);
    }
    fail(out, "Skiff.ServerFailed", err->text);
}

static void take_answer(const struct request *request, struct server_answer *answer,
                        struct job_result *out)
{
    if (request->form == REQUEST_DIRECT && answer->status >= 400) {
        out->failure_type = "Skiff.ServerRefused";
        out->failure = text_format("the server answered %s %s with status %d: %.*s",
                                   request->method, request->target, answer->status, BODY_SHOWN,
                                   text_string(&answer->body));
        return;
    }
    out->response = server_answer_response(answer, request->form, &out->response_count);
    if (out->response_count <= RESPONSE_LIMIT)
        return;
    free(take(&out->response));
    out->failure_type = "Skiff.LimitExceeded";
    out->failure =
        text_format("the answer to %s %.200s needs %zu bytes as a response, and "
                    "Lambda takes %d at most",
                    request->method, request->target, out->response_count, RESPONSE_LIMIT);
}

static void exchange(struct server *server, const struct request *request,
                     struct job_result *out)
{
    owned(server_answer) struct server_answer answer = {0};
    int64_t left_ms = server->end_ms ? server->end_ms - now_ms() : 0;
    enum server_silence why;
    struct error err;

    if (server->end_ms && left_ms < 1)
        left_ms = 1;
    if (server_client_exchange(server->context->settings->port, request, left_ms, &answer, &why,
                               &err))
        take_answer(request, &answer, out);
    else
        explain_silence(server, why, &err, out);
}

void server_run(struct server *server, const struct invocation *invocation,
                struct job_result *out)
{
    const struct settings *settings = server->context->settings;
    owned(request) struct request request = {0};
    struct error err;

    *out = (struct job_result){0};
    server->end_ms = invocation->deadline_ms
                         ? invocation->deadline_ms - (int64_t)settings->threshold_s * 1000
                         : 0;
    if (!request_read(invocation->event, invocation->event_count, &request, &err)) {
        fail(out, "Skiff.InvalidEvent", err.text);
        return;
    }
    owned(memory) char *deadline = text_format("%" PRId64, invocation->deadline_ms);
    request_set_header(&request, "Lambda-Runtime-Aws-Request-Id", invocation->request_id);
    request_set_header(&request, "Lambda-Runtime-Deadline-Ms", deadline);
    if (invocation->trace_id)
        request_set_header(&request, "X-Amzn-Trace-Id", invocation->trace_id);
    if (be_ready(server, out))
        exchange(server, &request, out);
}
