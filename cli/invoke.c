/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/payload.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct invoke_values {
    const char *name;
    const char *file;
    const char *payload;
    const char *output_file;
};

static const struct option invoke_options[] = {
    OPTION_TEXT(struct invoke_values, name, "n", "name", "NAME", "the function to invoke"),
    OPTION_TEXT(struct invoke_values, file, "f", "conf-file", "FILE",
                "the definition that names it"),
    OPTION_TEXT(struct invoke_values, payload, NULL, "payload", "JSON|@FILE|-",
                "the event, written out, in a file, or on stdin (default: {})"),
    OPTION_TEXT(struct invoke_values, output_file, "o", "output-file", "FILE",
                "write the answer there"),
    /* SCAR's command of this name is a request to an API Gateway. */
    OPTION_REFUSED(
        "a", "asynchronous",
        "skiff waits for the answer; 'aws lambda invoke --invocation-type Event' does "
        "not"),
    OPTION_REFUSED("db", "data-binary", "--payload @FILE sends what is in a file"),
    OPTION_REFUSED("jd", "json-data", "--payload JSON is the event"),
    OPTION_REFUSED("p", "parameters",
                   "a request with parameters goes to function_url: by curl"),
    OPTION_END,
};

/* The answer is the function's own words, whether it went well or not. */
static bool print_answer(struct context *context, const struct invoke_values *invoke,
                         const struct invocation *invocation, struct error *err)
{
    const char *answer = invocation->payload;
    size_t count = invocation->payload_count;

    if (invoke->output_file)
        return file_write(invoke->output_file, 0644, answer, count, err);
    if (context_globals(context)->json) {
        describe_print_json(json_pack("{s:s, s:s, s:s, s:b, s:o}", "RequestId",
                                      invocation->request_id, "LogGroupName",
                                      invocation->log_group, "LogStreamName",
                                      invocation->log_stream, "Failed", invocation->failed,
                                      "Payload", json_lossy_string(answer, count)),
                            stdout);
        return true;
    }
    fwrite(answer, 1, count, stdout);
    if (count > 0 && answer[count - 1] != '\n')
        putchar('\n');
    return true;
}

static bool invoke_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    const struct invoke_values *invoke = values;
    owned(definition_file) struct definition_file file = {0};
    owned(memory) char *payload = NULL;
    owned(invocation) struct invocation invocation = {0};
    struct platform *platform;
    struct event event = {0};
    const char *name;
    const char *region;
    (void)arguments;

    if (!function_options_find_one(invoke->name, invoke->file, context_progress(context), &file,
                                   &name, &region, err) ||
        !payload_read(invoke->payload ? invoke->payload : "{}", &payload, &event.count, err))
        return error_wrap(err, "invoke");
    event.payload = payload;
    if (!context_platform(context, region, &platform, err) ||
        !platform->ops->invoke(platform, name, &event, &invocation, err) ||
        !print_answer(context, invoke, &invocation, err))
        return error_wrap(err, "invoke");
    if (!invocation.failed)
        return true;
    if (invocation.log_tail && !context_globals(context)->quiet)
        fputs(invocation.log_tail, stderr);
    return error_set(err, ERROR_INVALID, "function '%s' failed", name);
}

const struct command invoke_command = {
    .name = "invoke",
    .summary = "send a function an event and print its answer",
    .description = "Sends the event and prints what the function answers, as it is: 'run' "
                   "prints what its\n"
                   "script printed. The exit status is 1 when the function fails; the answer "
                   "is the error\n"
                   "then, and the end of the log is on stderr.",
    .examples = "skiff invoke -n hello\n"
                "skiff invoke -n hello --payload '{\"a\": 1}'\n"
                "skiff --local invoke -n hello --payload @event.json -o answer.json",
    .options = invoke_options,
    .values_size = sizeof(struct invoke_values),
    .result_is_content = true,
    .run = invoke_run,
};
