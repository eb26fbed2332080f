/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/instance.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lambda/local/function_start.h"
#include "lambda/local/invocation.h"
#include "lambda/local/runtime_api.h"
#include "lambda/local/sandbox.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct instance {
    struct instance_options options;
    struct function_names names;
    struct function_log *log;
    struct runtime_api *api; /* both NULL while it is cold */
    struct sandbox *sandbox;
    char *entry_point_error; /* why the program could not be started; NULL */
    int wait_status;         /* of the last sandbox */
    long peak_kib;
};

struct instance *instance_new(const struct instance_options *options)
{
    struct instance *instance = memory_new(1, sizeof *instance);

    instance->options = *options;
    instance->log = function_log_new(options->listener);
    function_names_make(options->function->name, &instance->names);
    return instance;
}

/* All that was written is in the log afterwards. */
static void stop(struct instance *instance)
{
    if (instance->sandbox) {
        sandbox_end(instance->sandbox, &instance->wait_status);
        function_log_finish(instance->log);
        instance->peak_kib = sandbox_peak_kib(instance->sandbox);
    }
    sandbox_free(take(&instance->sandbox));
    runtime_api_free(take(&instance->api));
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    stop(instance);
    function_log_free(instance->log);
    function_names_release(&instance->names);
    free(instance->entry_point_error);
    free(instance);
}

void instance_result_release(struct instance_result *result)
{
    invocation_release(&result->invocation);
    free(result->log);
    free(result->content_type);
    *result = (struct instance_result){0};
}

/* --- starting ------------------------------------------------------------------------------
 */

/* Each sandbox writes to a stream of its own. */
static bool name_stream(struct instance *instance, struct error *err)
{
    unsigned char random[16];
    char hex[2 * sizeof random + 1], day[32];
    time_t now = clock_now(instance->options.clock);
    struct tm parts;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, "get random bytes");
    hex_encode(random, sizeof random, hex);
    gmtime_r(&now, &parts);
    strftime(day, sizeof day, "%Y/%m/%d", &parts);
    free(instance->names.log_stream);
    instance->names.log_stream = text_format("%s/[$LATEST]%s", day, hex);
    return true;
}

/* "fork/exec /entry: exec format error", as Lambda has it. */
static void keep_entry_point_error(struct instance *instance, const struct error *reason)
{
    char *words = text_format("fork/exec %s", reason->text);
    char *colon = strrchr(words, ':');

    if (colon && colon[1] == ' ')
        colon[2] = (char)tolower((unsigned char)colon[2]);
    free(instance->entry_point_error);
    instance->entry_point_error = words;
}

static bool start_sandbox(struct instance *instance, struct error *err)
{
    const struct instance_options *options = &instance->options;
    owned(function_start) struct function_start start = {0};

    if (!function_start_make(options->function, options->image, &instance->names,
                             runtime_api_address(instance->api), &start, err))
        return false;
    const struct sandbox_options sandbox = {
        .place = *options->place,
        .arguments = start.arguments,
        .environment = (const char *const *)start.environment,
        .working_directory = start.working_directory,
        .log_fd = function_log_fd(instance->log),
    };
    bool started = sandbox_start(&sandbox, &instance->sandbox, err);
    if (started)
        runtime_api_admit(instance->api, sandbox_user(instance->sandbox));
    function_log_begun(instance->log);
    return started;
}

static struct runtime_watch watch_of(const struct instance *instance)
{
    return (struct runtime_watch){
        .exit_fd = sandbox_exit_fd(instance->sandbox),
        .memory_fd = sandbox_memory_fd(instance->sandbox),
        .stop_fd = instance->options.stop_fd,
        .log = instance->log,
    };
}

/* Starts the program and waits until it asks for an event. What keeps it from that is told by
 * `outcome`, or by entry_point_error. */
static bool start(struct instance *instance, int limit_ms, struct runtime_outcome *outcome,
                  struct error *err)
{
    free(take(&instance->entry_point_error));
    instance->wait_status = 0;
    instance->peak_kib = 0;
    if (!name_stream(instance, err) || !function_log_open(instance->log, err) ||
        !runtime_api_open(&instance->api, err))
        return false;
    if (!start_sandbox(instance, err)) {
        if (err->kind != ERROR_INVALID)
            return false;
        keep_entry_point_error(instance, err);
        outcome->end = RUNTIME_EXITED;
        return true;
    }
    const struct runtime_watch watch = watch_of(instance);
    return runtime_api_init(instance->api, &watch, limit_ms, outcome, err);
}

static struct invocation_end end_of(const struct instance *instance,
                                    const struct runtime_outcome *outcome)
{
    return (struct invocation_end){
        .outcome = outcome,
        .entry_point_error = instance->entry_point_error,
        .wait_status = instance->wait_status,
        .timeout_s = instance->options.function->timeout_s,
        .now = clock_now(instance->options.clock),
    };
}

static void log_init(struct instance *instance, const struct runtime_outcome *outcome,
                     const char *phase)
{
    stop(instance);
    const struct invocation_end end = end_of(instance, outcome);
    invocation_log_init(&end, phase, instance->log);
}

/* The init phase. One that takes too long is begun once more, at the expense of the event's
 * own time, as Lambda does. */
static bool start_for_event(struct instance *instance, struct runtime_outcome *outcome,
                            int *left_ms, struct error *err)
{
    const char *phase = "init";

    if (!start(instance, RUNTIME_INIT_LIMIT_MS, outcome, err))
        return false;
    if (outcome->end == RUNTIME_TIMED_OUT) {
        log_init(instance, outcome, phase);
        phase = "invoke";
        if (!start(instance, *left_ms, outcome, err))
            return false;
        *left_ms -= (int)outcome->duration_ms;
    }
    if (outcome->end != RUNTIME_READY)
        log_init(instance, outcome, phase);
    return true;
}

/* --- an event ------------------------------------------------------------------------------
 */

static bool give_event(struct instance *instance, const struct instance_event *event,
                       const char *request_id, int timeout_ms, struct runtime_outcome *outcome,
                       struct error *err)
{
    owned(memory) char *trace_id =
        text_format("Root=1-%08llx-%.8s%.4s%.12s;Sampled=0",
                    (unsigned long long)clock_now(instance->options.clock), request_id,
                    request_id + 9, request_id + 24);
    const struct runtime_watch watch = watch_of(instance);
    const struct runtime_event given = {
        .request_id = request_id,
        .function_arn = instance->names.arn,
        .trace_id = trace_id,
        .client_context = event->client_context,
        .payload = event->payload,
        .count = event->count,
        .timeout_ms = timeout_ms,
    };

    return runtime_api_serve(instance->api, &given, &watch, outcome, err);
}

static void fill_result(struct instance *instance, const char *request_id,
                        struct runtime_outcome *outcome, double init_ms,
                        struct instance_result *out)
{
    const struct invocation_end end = end_of(instance, outcome);
    const struct invocation_report report = {
        .duration_ms = outcome->duration_ms,
        .init_ms = init_ms,
        .memory_mib = instance->options.function->memory_mib,
        .peak_kib =
            instance->sandbox ? sandbox_peak_kib(instance->sandbox) : instance->peak_kib,
    };

    *out = (struct instance_result){
        .invocation = {.request_id = memory_copy_string(request_id),
                       .log_group = memory_copy_string(instance->names.log_group),
                       .log_stream = memory_copy_string(instance->names.log_stream)},
        .content_type = take(&outcome->content_type),
    };
    invocation_answer(&end, request_id, instance->log, &out->invocation);
    invocation_log_end(&end, request_id, &report, instance->log);
    out->log = function_log_cut(instance->log);
    out->invocation.log_tail = invocation_log_tail(out->log);
}

static bool invoke(struct instance *instance, const struct instance_event *event,
                   struct instance_result *out, struct error *err)
{
    owned(memory) char *new_id = NULL;
    owned(runtime_outcome) struct runtime_outcome outcome = {.end = RUNTIME_READY};
    int left_ms = instance->options.function->timeout_s * 1000;
    double init_ms = -1;

    if (!event->request_id && !invocation_new_id(&new_id, err))
        return false;
    const char *request_id = event->request_id ? event->request_id : new_id;
    if (!instance->sandbox) {
        if (!start_for_event(instance, &outcome, &left_ms, err))
            return false;
        if (outcome.end == RUNTIME_READY)
            init_ms = outcome.duration_ms;
    }
    invocation_log_start(request_id, instance->log);
    if (outcome.end == RUNTIME_READY &&
        !give_event(instance, event, request_id, left_ms, &outcome, err))
        return false;
    if (event->is_last || !outcome.is_ready)
        stop(instance);
    fill_result(instance, request_id, &outcome, init_ms, out);
    return true;
}

bool instance_invoke(struct instance *instance, const struct instance_event *event,
                     struct instance_result *out, struct error *err)
{
    if (invoke(instance, event, out, err))
        return true;
    /* Whatever it was, nothing is known of what runs there. */
    stop(instance);
    free(function_log_cut(instance->log));
    return false;
}
