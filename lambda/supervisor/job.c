/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/job.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "lambda/supervisor/answer.h"
#include "lambda/supervisor/event.h"
#include "lambda/supervisor/stage.h"
#include "oci/base/memory.h"

enum { ERRORS_LIMIT = 8 * 1024 }; /* more than a failure tells */

static const char TIME_OUT[] = "Skiff.Timeout";

/* What has come of the records so far. */
struct progress {
    struct run_outputs outputs;
    struct run_result run;    /* the last one's */
    struct error first_error; /* of those for which nothing could be run */
    const char *failure_type; /* that it makes */
    size_t failed;
    bool was_ended; /* the last program, at its time limit */
    int exit_code;  /* of the first program that ended with another than 0 */
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

static void note_failure(const struct run *run, struct error *err, struct progress *progress)
{
    if (run->event->record_count > 1) {
        error_wrap(err, "event.Records[%zu] ('%.200s')", run->index,
                   run->event->records[run->index].key);
        log_line(run->context->settings->log_level, LOG_ERROR, "%s", err->text);
    }
    if (progress->failed++ > 0)
        return;
    progress->first_error = *err;
    progress->failure_type = progress->run.timed_out ? TIME_OUT
                             : progress->run.lost    ? "Skiff.StorageError"
                                                     : failure_type(err->kind);
}

/* Stops at the first time-out: those that follow have no time, either. */
static void run_records(struct run *run, struct progress *progress)
{
    struct error err;

    while (run->index < run->event->record_count && !progress->run.timed_out) {
        bool has_run = run_record(run, &progress->outputs, &progress->run, &err);
        if (!has_run)
            note_failure(run, &err, progress);
        progress->was_ended = has_run && progress->run.timed_out;
        if (progress->exit_code == 0)
            progress->exit_code = progress->run.exit_code;
        run->index++;
    }
}

/* Where all of an output that is too large for an answer has gone to; NULL for nowhere. */
static char *store_output(const struct run *run, const struct output *output)
{
    struct stage stage = run_stage(run, REPORT_MS);
    owned(memory) char *name = text_format("output-%s.txt", run->invocation->request_id);
    char *place = NULL;
    struct error err;

    if (output->file && !stage_out_file(&stage, output->file, name, &place, &err))
        log_line(stage.log_level, LOG_ERROR, "The output of the script: %s", err.text);
    return place;
}

/* What there is to see of why it failed, which some tell in their response. */
static const struct output *last_words(const struct run_outputs *outputs)
{
    return outputs->has_errors && outputs->errors.kept.length > 0 ? &outputs->errors
                                                                  : &outputs->all;
}

static char *tell_failures(const struct run *run, const struct progress *progress)
{
    if (progress->failed == 1)
        return memory_copy_string(progress->first_error.text);
    return text_format("%zu of %zu records failed, the first one so: %s", progress->failed,
                       run->event->record_count, progress->first_error.text);
}

static void answer_with_time_out(const struct run *run, const struct progress *progress,
                                 struct job_result *out)
{
    owned(text) struct text reason = {0};

    text_addf(&reason,
              "the user script was ended at its time limit of %" PRId64
              " s (the function's time less the %d s of container.timeout_threshold)",
              progress->run.limit_s, run->context->settings->threshold_s);
    if (run->event->record_count > 1)
        text_addf(&reason, " at record %zu of %zu ('%.200s')", run->index,
                  run->event->record_count, run->event->records[run->index - 1].key);
    if (progress->failed > 0) {
        owned(memory) char *failures = tell_failures(run, progress);
        text_addf(&reason, ", and before that: %s", failures);
    }
    const struct run_outputs *outputs = &progress->outputs;
    out->failure_type = TIME_OUT;
    out->failure = outputs->has_errors
                       ? answer_failure(text_string(&reason), &outputs->errors, &outputs->all)
                       : answer_failure(text_string(&reason), &outputs->all, NULL);
    out->reason_count = reason.length;
}

/* What it printed is the response, byte for byte. */
static void answer_raw(struct progress *progress, struct job_result *out)
{
    struct output *output = &progress->outputs.all;

    if (output->printed > output->limit) {
        out->failure_type = "Skiff.LimitExceeded";
        out->failure = text_format("the response has %" PRIu64
                                   " bytes, and Lambda takes %d at most: store what is large",
                                   output->printed, RESPONSE_LIMIT);
        return;
    }
    out->response_count = output->kept.length;
    out->response = text_take(&output->kept);
}

static void answer(const struct run *run, struct progress *progress, struct job_result *out)
{
    const struct job_context *context = run->context;
    bool is_raw = context->settings->mode == MODE_RAW;

    if (progress->was_ended) {
        answer_with_time_out(run, progress, out);
    } else if (progress->failed > 0) {
        out->failure_type = progress->failure_type;
        out->failure = tell_failures(run, progress);
    } else if (context->is_outside) {
        return;
    } else if (progress->exit_code != 0 && (is_raw || context->settings->fails_with_script)) {
        owned(memory) char *reason =
            text_format("the user script exited with code %d", progress->exit_code);
        out->failure_type = "Skiff.ScriptFailed";
        out->failure = answer_failure(reason, last_words(&progress->outputs), NULL);
        out->reason_count = strlen(reason);
    } else if (is_raw) {
        answer_raw(progress, out);
    } else {
        owned(memory) char *place = store_output(run, &progress->outputs.all);
        log_line(context->settings->log_level, LOG_INFO, "Creating response");
        out->response = answer_response(run->invocation->request_id, context->environment,
                                        &progress->outputs.all, place, progress->exit_code);
        out->response_count = strlen(out->response);
    }
}

/* In the modes that leave events to the program, whatever came is its input. */
static bool read_event(const struct job_context *context, const struct invocation *invocation,
                       struct event *out, struct error *err)
{
    if (context->settings->mode == MODE_SCAR)
        return event_read(invocation->event, invocation->event_count,
                          context->settings->log_level, out, err);
    *out = (struct event){
        .record_count = 1, .input = invocation->event, .input_count = invocation->event_count};
    return true;
}

static struct run_outputs prepare_outputs(const struct job_context *context)
{
    const struct output errors = {.keeps_end = true, .limit = ERRORS_LIMIT};
    bool is_raw = context->settings->mode == MODE_RAW;

    if (context->is_outside)
        return (struct run_outputs){{.way = OUTPUT_PRINTED}, errors, true};
    if (is_raw)
        return (struct run_outputs){
            {.way = OUTPUT_KEPT, .limit = RESPONSE_LIMIT}, errors, true};
    bool has_storage = context->settings->storage.output_count > 0;
    return (struct run_outputs){.all = {.limit = OUTPUT_LIMIT, .keeps_all = has_storage}};
}

void job_run(const struct job_context *context, const struct invocation *invocation,
             struct job_result *out)
{
    owned(event) struct event event = {0};
    struct error err;

    *out = (struct job_result){0};
    if (!read_event(context, invocation, &event, &err)) {
        out->failure_type = failure_type(err.kind);
        out->failure = memory_copy_string(err.text);
        return;
    }

    struct run run = {.context = context, .invocation = invocation, .event = &event};
    struct progress progress = {.outputs = prepare_outputs(context)};
    run_records(&run, &progress);
    out->exit_code = progress.exit_code;
    answer(&run, &progress, out);
    output_release(&progress.outputs.all);
    output_release(&progress.outputs.errors);
}
