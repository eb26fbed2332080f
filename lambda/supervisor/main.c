/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The program at the start of every function: asks Lambda for events and answers each with
 * what the user's program prints.
 *
 *     /var/task/supervisor [the image's own entrypoint and command...]
 *
 * It is one static file that needs nothing of the image it runs in. Where there is no Lambda
 * (AWS_LAMBDA_RUNTIME_API is not set) the event comes from stdin.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lambda/supervisor/config.h"
#include "lambda/supervisor/job.h"
#include "lambda/supervisor/log.h"
#include "lambda/supervisor/outside.h"
#include "lambda/supervisor/runtime_client.h"
#include "lambda/supervisor/server.h"
#include "lambda/supervisor/settings.h"
#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

/* An answer that Lambda refuses is lost, but not the function. */
static bool deliver(struct runtime_client *client, const char *request_id,
                    const struct job_result *result, enum log_level lowest, struct error *err)
{
    bool delivered = result->response
                         ? runtime_client_respond(client, request_id, result->response,
                                                  result->response_count, err)
                         : runtime_client_fail(client, request_id, result->failure_type,
                                               result->failure, err);
    if (!delivered && err->kind == ERROR_INVALID) {
        log_line(lowest, LOG_ERROR, "%s", err->text);
        return true;
    }
    return delivered;
}

static bool read_settings(const char *const *environment, bool is_outside, struct settings *out,
                          struct error *err)
{
    json_owned json_t *config = NULL;

    return config_read(environment, is_outside, &config, err) &&
           (settings_read(config, environment, is_outside, out, err) ||
            error_wrap(err, "configuration"));
}

/* Without what the program printed, which is in the log already. */
static void log_failure(const struct job_result *result, enum log_level lowest)
{
    size_t count = result->reason_count ? result->reason_count : strcspn(result->failure, "\n");

    log_line(lowest, LOG_ERROR, "%s: %.*s", result->failure_type, (int)count, result->failure);
}

/* Serves events until the API cannot be talked to any more; then false. `server` is NULL where
 * each event has a run of its own. */
static bool serve(struct runtime_client *client, const struct job_context *context,
                  struct server *server, struct error *err)
{
    enum log_level lowest = context->settings->log_level;

    for (;;) {
        owned(invocation) struct invocation invocation = {0};
        owned(job_result) struct job_result result = {0};

        if (!runtime_client_next(client, &invocation, err))
            return false;
        if (server)
            server_run(server, &invocation, &result);
        else
            job_run(context, &invocation, &result);
        if (!result.response)
            log_failure(&result, lowest);
        if (!deliver(client, invocation.request_id, &result, lowest, err))
            return false;
    }
}

/* Lambda is told why no event can be served. */
static int give_up(struct runtime_client *client, const char *type, const struct error *err)
{
    struct error again;

    log_line(LOG_INFO, LOG_CRITICAL, "%s", err->text);
    if (!runtime_client_fail(client, NULL, type, err->text, &again))
        log_line(LOG_INFO, LOG_CRITICAL, "%s", again.text);
    return 1;
}

static void enter_working_folder(enum log_level lowest)
{
    if (access(".", X_OK) != 0 && chdir("/") == 0)
        log_line(lowest, LOG_WARNING,
                 "The image's working folder cannot be entered: '/' it is");
}

static int run_inside(const char *api, struct job_context *context)
{
    owned(settings) struct settings settings = {0};
    owned(runtime_client) struct runtime_client *client = runtime_client_new(api);
    owned(server) struct server *server = NULL;
    struct error err;

    if (!read_settings(context->environment, false, &settings, &err))
        return give_up(client, "Skiff.InvalidConfiguration", &err);
    enter_working_folder(settings.log_level);
    context->settings = &settings;
    if (settings.mode == MODE_HTTP)
        server = server_new(context);
    if (server && !server_start(server, &err))
        return give_up(client, "Skiff.ServerFailed", &err);
    serve(client, context, server, &err);
    log_line(settings.log_level, LOG_CRITICAL, "%s", err.text);
    return 1;
}

static int run_outside(struct job_context *context)
{
    owned(settings) struct settings settings = {0};
    struct error err;
    int exit_code;

    if (read_settings(context->environment, true, &settings, &err)) {
        enter_working_folder(settings.log_level);
        context->settings = &settings;
        if (outside_run(context, &exit_code, &err))
            return exit_code;
    }
    log_line(settings.log_level, LOG_CRITICAL, "%s", err.text);
    return 1;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("supervisor " SKIFF_VERSION);
        return 0;
    }

    struct job_context context = {
        .environment = (const char *const *)environ,
        .command = (const char *const *)argv + (argc > 0 ? 1 : 0),
    };
    const char *api = environment_get(context.environment, "AWS_LAMBDA_RUNTIME_API");
    signal(SIGPIPE, SIG_IGN);
    context.is_outside = !api;
    return api ? run_inside(api, &context) : run_outside(&context);
}
