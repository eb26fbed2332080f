/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lambda/supervisor/answer.h"
#include "lambda/supervisor/event.h"
#include "lambda/supervisor/scratch.h"
#include "lambda/supervisor/variables.h"
#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"

static const char TIME_OUT[] = "Skiff.Timeout";

/* The places one event may use. */
struct folders {
    char *input;
    char *output;
    char *event_file;
};

void job_result_release(struct job_result *result)
{
    free(result->response);
    free(result->failure);
    *result = (struct job_result){0};
}

static const char *failure_type(enum error_kind kind)
{
    switch (kind) {
    case ERROR_INVALID:
        return "Skiff.InvalidEvent";
    case ERROR_NOT_FOUND:
        return "Skiff.NotFound";
    case ERROR_LIMIT:
        return "Skiff.LimitExceeded";
    default:
        return "Skiff.SystemError";
    }
}

static bool folders_make(const struct invocation *invocation, struct folders *folders,
                         struct error *err)
{
    if (!scratch_make(&folders->input, err) || !scratch_make(&folders->output, err))
        return false;
    folders->event_file =
        text_format("%s/event-file-%s", folders->input, invocation->request_id);
    return file_write(folders->event_file, 0600, invocation->event, invocation->event_count,
                      err);
}

static void folders_remove(struct folders *folders, enum log_level lowest)
{
    struct error err;

    if (!scratch_remove(folders->input, &err))
        log_line(lowest, LOG_WARNING, "%s", err.text);
    if (!scratch_remove(folders->output, &err))
        log_line(lowest, LOG_WARNING, "%s", err.text);
    free(folders->input);
    free(folders->output);
    free(folders->event_file);
}

static void set_variables(const struct job_context *context,
                          const struct invocation *invocation, const struct folders *folders,
                          struct variables *variables)
{
    variables_init(variables, context->environment);
    variables_set(variables, "TMP_INPUT_DIR", folders->input);
    variables_set(variables, "TMP_OUTPUT_DIR", folders->output);
    variables_set(variables, "INPUT_FILE_PATH", folders->event_file);
    variables_set(variables, "AWS_LAMBDA_REQUEST_ID", invocation->request_id);
    if (invocation->trace_id)
        variables_set(variables, "_X_AMZN_TRACE_ID", invocation->trace_id);
    for (char **own = context->settings->variables; own && *own; own++)
        variables_put(variables, *own);
}

/* The seconds the program may take; 0 when there is no limit. */
static bool time_limit(const struct invocation *invocation, int threshold_s, int64_t *limit_s,
                       struct error *err)
{
    *limit_s = 0;
    if (invocation->deadline_ms == 0)
        return true;

    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    int64_t now_ms = (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
    int64_t left_s = (invocation->deadline_ms - now_ms) / 1000;
    *limit_s = left_s - threshold_s;
    if (*limit_s <= 0)
        return error_set(err, ERROR_LIMIT,
                         "no time to run anything: %" PRId64 " s are left, and "
                         "container.timeout_threshold keeps %d s of them; give the function a "
                         "longer time, or a lower threshold",
                         left_s, threshold_s);
    return true;
}

static void report(enum log_level lowest, const struct child_result *result)
{
    if (result->signal != 0)
        log_line(lowest, LOG_WARNING, "User script was killed by signal %d (%s)!",
                 result->signal, strsignal(result->signal));
    else if (result->exit_code != 0)
        log_line(lowest, LOG_WARNING, "User script exited with code %d!", result->exit_code);
}

static bool run(const struct job_context *context, const struct invocation *invocation,
                const struct folders *folders, struct job_result *out, struct error *err)
{
    const struct settings *settings = context->settings;
    owned(variables) struct variables variables = {0};
    owned(program) struct program program = {0};
    owned(child_result) struct child_result result = {0};
    int64_t limit_s;

    set_variables(context, invocation, folders, &variables);
    const char *search = environment_get((const char *const *)variables.list, "PATH");
    struct event event = {
        .bytes = invocation->event,
        .count = invocation->event_count,
        .folder = folders->input,
        .search = search ? search : "/usr/local/bin:/usr/bin:/bin",
    };
    if (!event_program(&event, settings, context->command, &program, err))
        return false;
    if (!time_limit(invocation, settings->threshold_s, &limit_s, err)) {
        out->failure_type = TIME_OUT;
        return false;
    }

    log_line(settings->log_level, LOG_INFO, "INPUT_FILE_PATH variable set to '%s'",
             folders->event_file);
    log_line(settings->log_level, LOG_INFO, "Starting '%.200s'", program.path);
    struct child child = {
        .program = &program,
        .environment = variables.list,
        .limit_ms = limit_s * 1000,
        .output_limit = OUTPUT_LIMIT,
        .log_level = settings->log_level,
    };
    if (!child_run(&child, &result, err))
        return false;

    if (result.timed_out) {
        out->failure_type = TIME_OUT;
        out->failure = answer_time_out(limit_s, settings->threshold_s, &result);
        return true;
    }
    report(settings->log_level, &result);
    log_line(settings->log_level, LOG_INFO, "Creating response");
    out->response = answer_response(invocation->request_id, context->environment, &result);
    return true;
}

void job_run(const struct job_context *context, const struct invocation *invocation,
             struct job_result *out)
{
    struct folders folders = {0};
    struct error err;

    *out = (struct job_result){0};
    if (!folders_make(invocation, &folders, &err) ||
        !run(context, invocation, &folders, out, &err)) {
        out->failure = memory_copy_string(err.text);
        if (!out->failure_type)
            out->failure_type = failure_type(err.kind);
    }
    folders_remove(&folders, context->settings->log_level);
}
