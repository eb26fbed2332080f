/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/payload.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct run_values {
    const char *name;
    const char *file;
    const char *script;
    const char *payload;
    const char *output_file;
    int repeat;
};

static const struct option run_options[] = {
    OPTION_TEXT(struct run_values, name, "n", "name", "NAME", "the function to run"),
    OPTION_TEXT(struct run_values, file, "f", "conf-file", "FILE",
                "the definition that names it"),
    OPTION_TEXT(struct run_values, script, "s", "run-script", "FILE",
                "run this script in the function instead of its own"),
    OPTION_TEXT(struct run_values, payload, "p", "payload", "JSON|@FILE|-",
                "the event (default: {})"),
    OPTION_TEXT(struct run_values, output_file, "o", "output-file", "FILE",
                "write the output there, as it is"),
    OPTION_REFUSED(
        "a", "asynchronous",
        "skiff waits for the answer; 'aws lambda invoke --invocation-type Event' does "
        "not"),
    OPTION_REFUSED("ib", "input-bucket", "send the event of one file with --payload"),
    OPTION_NUMBER(struct run_values, repeat, NULL, "repeat", "N",
                  "so many times in turn; on this machine warm after the first"),
    OPTION_END,
};

/* The event, as SCAR's clients send it; a new string. */
static bool make_payload(const struct run_values *run, const char **words, char **out,
                         struct error *err)
{
    if ((run->script != NULL) + (run->payload != NULL) + (words[0] != NULL) > 1)
        return error_set(err, ERROR_USAGE, "a script, a payload or a command: one of them");
    size_t count;
    if (run->payload)
        return payload_read(run->payload, out, &count, err);

    json_owned json_t *event = json_object();
    if (run->script) {
        owned(memory) char *bytes = NULL;
        if (!file_read(run->script, PAYLOAD_LIMIT, &bytes, &count, err))
            return error_wrap(err, "--run-script");
        owned(memory) char *encoded = base64_encode(bytes, count);
        json_object_set_new(event, "script", json_string(encoded));
    } else if (words[0]) {
        json_owned json_t *list = json_strings(words);
        owned(memory) char *encoded = json_dumps(list, JSON_ENCODE_ANY);
        json_object_set_new(event, "cmd_args", json_string(encoded));
    }
    *out = json_text(event);
    return true;
}

/* What the script printed: the body of SCAR's answer, or the answer itself where it is none.
 * `*output` is the caller's to free(). */
static bool read_output(const struct invocation *invocation, const json_t *answer,
                        char **output, size_t *count, struct error *err)
{
    const char *body = json_optional_string(answer, "body");

    if (!body) {
        owned(text) struct text text = {0};
        text_add_bytes(&text, invocation->payload, invocation->payload_count);
        text_add(&text, "\n");
        *count = text.length;
        *output = text_take(&text);
        return true;
    }
    if (json_is_true(json_object_get(answer, "isBase64Encoded")))
        return base64_decode(body, output, count, err) || error_wrap(err, "the answer's body");
    *output = memory_copy_string(body);
    *count = strlen(body);
    return true;
}

static bool function_failed(const struct run_values *run, const struct invocation *invocation,
                            const json_t *answer, struct error *err)
{
    const char *type = json_optional_string(answer, "errorType");
    const char *message = json_optional_string(answer, "errorMessage");

    if (invocation->log_tail && invocation->log_tail[0])
        fprintf(stderr, "%s%s", invocation->log_tail,
                invocation->log_tail[strlen(invocation->log_tail) - 1] == '\n' ? "" : "\n");
    return error_set(err, ERROR_INVALID, "function '%s' failed: %s%s%s", run->name,
                     type ? type : "", type ? ": " : "",
                     message ? message : "it gave no reason");
}

/* A function that skiff did not make may not tell. */
static void print_known(const char *label, const char *value)
{
    if (value[0])
        printf("%s: %s\n", label, value);
}

static bool print_result(struct context *context, const struct run_values *run,
                         const struct invocation *invocation, const char *output, size_t count,
                         struct error *err)
{
    if (run->output_file)
        return file_write(run->output_file, 0644, output, count, err);
    if (context_globals(context)->json) {
        json_t *result = json_pack(
            "{s:i, s:s, s:s, s:s}", "StatusCode", 200, "RequestId", invocation->request_id,
            "LogGroupName", invocation->log_group, "LogStreamName", invocation->log_stream);
        json_object_set_new(result, "Payload", json_lossy_string(output, count));
        describe_print_json(json_pack("{s:o}", "LambdaOutput", result), stdout);
        return true;
    }
    if (!context_globals(context)->quiet) {
        print_known("Request Id", invocation->request_id);
        print_known("Log Group Name", invocation->log_group);
        print_known("Log Stream Name", invocation->log_stream);
    }
    /* At once: whoever interrupts the next turn has seen this one. */
    fwrite(output, 1, count, stdout);
    return fflush(stdout) == 0 || error_set_errno(err, "write the output");
}

static bool run_once(struct context *context, const struct run_values *run,
                     struct platform *platform, const struct event *event, struct error *err)
{
    owned(memory) char *output = NULL;
    owned(invocation) struct invocation invocation = {0};
    json_owned json_t *answer = NULL;
    struct error not_json;
    size_t count;

    if (!platform->ops->invoke(platform, run->name, event, &invocation, err))
        return error_wrap(err, "run");
    if (!json_parse(invocation.payload, invocation.payload_count, &answer, &not_json))
        answer = NULL; /* a function may answer in any words */
    if (invocation.failed)
        return function_failed(run, &invocation, answer, err);
    if (!read_output(&invocation, answer, &output, &count, err) ||
        !print_result(context, run, &invocation, output, count, err))
        return error_wrap(err, "run %s", run->name);

    const char *status =
        json_optional_string(json_object_get(answer, "headers"), "x-skiff-exit-status");
    if (status)
        return error_set(err, ERROR_INVALID, "the script of '%s' ended with exit status %.20s",
                         run->name, status);
    return true;
}

static bool run_run(struct context *context, const void *values, const char **arguments,
                    struct error *err)
{
    const struct run_values *given = values;
    const int times = given->repeat > 0 ? given->repeat : 1;
    owned(definition_file) struct definition_file file = {0};
    owned(memory) char *payload = NULL;
    struct run_values found = *given;
    const struct run_values *run = &found;
    const char *region;
    struct platform *platform;

    if (!function_options_find_one(given->name, given->file, context_progress(context), &file,
                                   &found.name, &region, err) ||
        !make_payload(run, arguments, &payload, err) ||
        !context_platform(context, region, &platform, err))
        return error_wrap(err, "run");
    for (int i = 1; i <= times; i++) {
        const struct event event = {
            .payload = payload, .count = strlen(payload), .more_follow = i < times};
        if (!run_once(context, run, platform, &event, err))
            return false;
    }
    return true;
}

const struct command run_command = {
    .name = "run",
    .arguments = "[COMMAND [ARGUMENT...]]",
    .summary = "run a function and print its output",
    .description = "Sends the function an event, waits, and prints what its script printed. A "
                   "COMMAND runs\n"
                   "in the function's image instead of the script. The exit status is 1 when "
                   "the script's\n"
                   "is not 0.",
    .examples = "skiff run -n hello\n"
                "skiff run -n hello -s other.sh\n"
                "skiff --local run -n hello df -h",
    .options = run_options,
    .values_size = sizeof(struct run_values),
    .arguments_max = -1,
    .arguments_are_a_command = true,
    .result_is_content = true,
    .run = run_run,
};
