/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/run.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lambda/supervisor/child.h"
#include "lambda/supervisor/runtime_variables.h"
#include "lambda/supervisor/scratch.h"
#include "lambda/supervisor/script.h"
#include "lambda/supervisor/stage.h"
#include "lambda/supervisor/variables.h"
#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

/* The places of one run. */
struct folders {
    char *input;
    char *output;
    char *input_file; /* NULL: none is given to the program */
};

static bool folders_make(struct folders *folders, struct error *err)
{
    return scratch_make(&folders->input, err) && scratch_make(&folders->output, err);
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
    free(folders->input_file);
}

/* --- what the program gets --- */

/* What the event, or its part, is about goes into a file. */
static bool write_input(const struct run *run, struct folders *folders, struct error *err)
{
    const struct event *event = run->event;
    owned(memory) char *text = event->records ? event_record_text(event, run->index) : NULL;

    folders->input_file =
        text_format("%s/event-file-%s", folders->input, run->invocation->request_id);
    return scratch_write(folders->input_file, text ? text : event->input,
                         text ? strlen(text) : event->input_count, err);
}

struct stage run_stage(const struct run *run, int64_t reserve_ms)
{
    int64_t deadline_ms = run->invocation->deadline_ms;

    return (struct stage){
        .storage = &run->context->settings->storage,
        .environment = run->context->environment,
        .log_level = run->context->settings->log_level,
        .deadline_ms = deadline_ms > 0 ? deadline_ms - reserve_ms : 0,
    };
}

/* The object itself, or the event where there is none to be had. */
static bool get_input(const struct run *run, struct folders *folders, struct run_result *out,
                      struct error *err)
{
    const struct settings *settings = run->context->settings;
    struct stage stage = run_stage(run, (int64_t)settings->threshold_s * 1000);

    if (run->event->records && settings->leaves_objects) {
        log_line(settings->log_level, LOG_INFO, "Skipping download of input file.");
        return true;
    }
    if (run->event->records &&
        !stage_in(&stage, run->event, run->index, folders->input, &folders->input_file, err)) {
        out->lost = true;
        out->timed_out = err->kind == ERROR_LIMIT;
        return error_wrap(err, "download the input");
    }
    return folders->input_file || write_input(run, folders, err);
}

/* Also after a time-out: what is there is there. */
static bool put_output(const struct run *run, const struct folders *folders,
                       struct run_result *out, struct error *err)
{
    struct stage stage = run_stage(run, REPORT_MS);

    if (stage_out(&stage, folders->output, err))
        return true;
    out->lost = true;
    return false;
}

/* A stranger who chose BASH_ENV or LD_PRELOAD would choose what is run: without the prefix come
 * names alone that look like nothing a program listens to. */
static bool is_harmless_name(const char *name)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789";
    size_t length = strlen(name);
    bool has_letter = name[strcspn(name, letters)] != '\0';

    for (const char *c = name; *c; c++)
        if (!strchr(letters, *c) && !strchr(others, *c))
            return false;
    return has_letter && !strchr("0123456789", name[0]) &&
           !(length >= 6 && strcasecmp(name + length - 6, "_proxy") == 0);
}

static bool is_free(const struct variables *variables, const char *name)
{
    return is_harmless_name(name) && !variables_has(variables, name);
}

/* Without the prefix only where the name is free. */
static void set_parameters(const struct run *run, const char *prefix,
                           struct variables *variables)
{
    const char *key;
    json_t *value;

    json_object_foreach(run->event->parameters, key, value)
    {
        const char *given = json_plain_string(value);
        bool has_text = given || (!json_is_string(value) && !json_is_null(value));
        if (key[0] == '\0' || strchr(key, '=') || !has_text)
            continue;
        owned(memory) char *name = text_format("%s%s", prefix, key);
        owned(memory) char *text = given ? memory_copy_string(given) : json_text(value);
        if (*prefix || is_free(variables, name))
            variables_set(variables, name, text, run->context->settings->log_level);
    }
}

static void set_record(const struct run *run, struct variables *variables)
{
    enum log_level lowest = run->context->settings->log_level;
    const struct event_record *record = &run->event->records[run->index];
    owned(memory) char *text = event_record_text(run->event, run->index);

    variables_set(variables, "STORAGE_OBJECT_KEY", record->key, lowest);
    if (record->time)
        variables_set(variables, "EVENT_TIME", record->time, lowest);
    variables_set(variables, "EVENT", text, lowest);
}

static void set_variables(const struct run *run, const struct folders *folders,
                          struct variables *variables)
{
    const struct settings *settings = run->context->settings;
    const struct invocation *invocation = run->invocation;
    enum log_level lowest = settings->log_level;

    variables_init(variables, run->context->environment);
    variables_set(variables, "TMP_INPUT_DIR", folders->input, lowest);
    variables_set(variables, "TMP_OUTPUT_DIR", folders->output, lowest);
    if (folders->input_file) {
        variables_set(variables, "INPUT_FILE_PATH", folders->input_file, lowest);
        log_line(lowest, LOG_INFO, "INPUT_FILE_PATH variable set to '%s'", folders->input_file);
    }
    variables_set(variables, "AWS_LAMBDA_REQUEST_ID", invocation->request_id, lowest);
    if (invocation->trace_id)
        variables_set(variables, "_X_AMZN_TRACE_ID", invocation->trace_id, lowest);
    if (run->event->records)
        set_record(run, variables);
    set_parameters(run, "CONT_VAR_", variables);
    for (char **own = settings->variables; own && *own; own++)
        variables_put(variables, *own, lowest);
    set_parameters(run, "", variables);
    if (settings->mode == MODE_RAW)
        runtime_variables_add(variables, settings, run->context->command);
}

/* --- the run --- */

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

static bool choose_program(const struct run *run, const struct folders *folders,
                           const struct variables *variables, struct program *out,
                           struct error *err)
{
    const char *search = environment_get((const char *const *)variables->list, "PATH");
    const struct script_places places = {
        .folder = folders->input,
        .search = search ? search : SCRIPT_SEARCH,
        .command = run->context->command,
    };

    return script_choose(run->event, run->context->settings, &places, out, err);
}

static void report(enum log_level lowest, const struct child_result *result)
{
    if (result->signal != 0)
        log_line(lowest, LOG_WARNING, "User script was killed by signal %d (%s)!",
                 result->signal, strsignal(result->signal));
    else if (result->exit_code != 0)
        log_line(lowest, LOG_WARNING, "User script exited with code %d!", result->exit_code);
}

static bool run_inside(const struct run *run, const struct folders *folders,
                       struct run_outputs *outputs, struct run_result *out, struct error *err)
{
    const struct settings *settings = run->context->settings;
    owned(variables) struct variables variables = {0};
    owned(program) struct program program = {0};
    struct child_result result = {0};

    set_variables(run, folders, &variables);
    if (!choose_program(run, folders, &variables, &program, err))
        return false;
    if (!time_limit(run->invocation, settings->threshold_s, &out->limit_s, err)) {
        out->timed_out = true;
        return false;
    }

    log_line(settings->log_level, LOG_INFO, "Starting '%.200s'", program.path);
    const struct child child = {
        .program = &program,
        .environment = variables.list,
        .limit_ms = out->limit_s * 1000,
        .input = settings->mode == MODE_RAW ? folders->input_file : NULL,
        .output = &outputs->all,
        .errors = outputs->has_errors ? &outputs->errors : NULL,
        .passes_signals = run->context->is_outside,
        .log_level = settings->log_level,
    };
    if (!child_run(&child, &result, err))
        return false;
    out->timed_out = result.timed_out;
    out->exit_code = result.exit_code;
    if (!result.timed_out)
        report(settings->log_level, &result);
    return put_output(run, folders, out, err) || result.timed_out;
}

bool run_record(const struct run *run, struct run_outputs *outputs, struct run_result *out,
                struct error *err)
{
    struct folders folders = {0};

    *out = (struct run_result){0};
    bool ran = folders_make(&folders, err) && get_input(run, &folders, out, err) &&
               run_inside(run, &folders, outputs, out, err);
    folders_remove(&folders, run->context->settings->log_level);
    return ran;
}
