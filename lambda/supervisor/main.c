/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The program at the start of every function: asks Lambda for events and answers each with
 * what the user's program prints.
 *
 *     /var/task/supervisor [the image's own entrypoint and command...]
 *
 * It is one static file that needs nothing of the image it runs in.
 */

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lambda/supervisor/config.h"
#include "lambda/supervisor/job.h"
#include "lambda/supervisor/log.h"
#include "lambda/supervisor/runtime_client.h"
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
                                                  strlen(result->response), err)
                         : runtime_client_fail(client, request_id, result->failure_type,
                                               result->failure, err);
    if (!delivered && err->kind == ERROR_INVALID) {
        log_line(lowest, LOG_ERROR, "%s", err->text);
        return true;
    }
    return delivered;
}

static bool read_settings(const char *const *environment, struct settings *out,
                          struct error *err)
{
    json_owned json_t *config = NULL;

    return config_read(environment, &config, err) &&
           (settings_read(config, environment, out, err) || error_wrap(err, "configuration"));
}

/* Serves events until the API cannot be talked to any more; then false. */
static bool serve(struct runtime_client *client, const struct job_context *context,
                  struct error *err)
{
    enum log_level lowest = context->settings->log_level;

    for (;;) {
        owned(invocation) struct invocation invocation = {0};
        owned(job_result) struct job_result result = {0};

        if (!runtime_client_next(client, &invocation, err))
            return false;
        job_run(context, &invocation, &result);
        if (!result.response) /* the lines that follow are output, in the log already */
            log_line(lowest, LOG_ERROR, "%s: %.*s", result.failure_type,
                     (int)strcspn(result.failure, "\n"), result.failure);
        if (!deliver(client, invocation.request_id, &result, lowest, err))
            return false;
    }
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "--version") == 0) {
        puts("supervisor " SKIFF_VERSION);
        return 0;
    }

    const char *const *environment = (const char *const *)environ;
    const char *api = environment_get(environment, "AWS_LAMBDA_RUNTIME_API");
    if (!api) {
        fputs("supervisor: AWS_LAMBDA_RUNTIME_API is not set: this program runs inside a "
              "Lambda function, or under 'skiff run --local'\n",
              stderr);
        return 1;
    }
    signal(SIGPIPE, SIG_IGN);

    struct error err;
    owned(settings) struct settings settings = {0};
    owned(runtime_client) struct runtime_client *client = runtime_client_new(api);
    if (!read_settings(environment, &settings, &err)) {
        log_line(LOG_INFO, LOG_CRITICAL, "%s", err.text);
        struct error again;
        if (!runtime_client_fail(client, NULL, "Skiff.InvalidConfiguration", err.text, &again))
            log_line(LOG_INFO, LOG_CRITICAL, "%s", again.text);
        return 1;
    }
    if (access(".", X_OK) != 0 && chdir("/") == 0)
        log_line(settings.log_level, LOG_WARNING,
                 "The image's working folder cannot be entered: '/' it is");

    struct job_context context = {
        .settings = &settings,
        .environment = environment,
        .command = (const char *const *)argv + (argc > 0 ? 1 : 0),
    };
    serve(client, &context, &err);
    log_line(settings.log_level, LOG_CRITICAL, "%s", err.text);
    return 1;
}
