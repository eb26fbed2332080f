/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/output.h"
#include "lambda/aws/timestamp.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct log_values {
    const char *name;
    const char *file;
    const char *stream;
    const char *request_id;
    const char *since;
    bool follow;
};

static const struct option log_options[] = {
    OPTION_TEXT(struct log_values, name, "n", "name", "NAME", "the function"),
    OPTION_TEXT(struct log_values, file, "f", "conf-file", "FILE", "or else its definition"),
    OPTION_TEXT(struct log_values, stream, "ls", "log-stream-name", "STREAM",
                "only this stream of the log"),
    OPTION_TEXT(struct log_values, request_id, "ri", "request-id", "ID",
                "only this invocation"),
    OPTION_TEXT(struct log_values, since, NULL, "since", "TIME",
                "only what is younger: 90s, 15m, 2h, 7d or 2026-01-31T23:59:59Z"),
    OPTION_FLAG(struct log_values, follow, NULL, "follow",
                "go on with what comes, until Ctrl-C"),
    OPTION_END,
};

static bool print_event(void *context, const struct platform_log_event *event,
                        struct error *err)
{
    size_t length = strlen(event->message);
    bool has_end = length > 0 && event->message[length - 1] == '\n';
    (void)context;

    fputs(event->message, stdout);
    if (!has_end)
        putchar('\n');
    return output_flush(err);
}

static bool keep_event(void *context, const struct platform_log_event *event, struct error *err)
{
    json_t *kept = json_pack("{s:o}", "message",
                             json_lossy_string(event->message, strlen(event->message)));
    (void)err;

    if (event->time_ms)
        json_object_set_new(kept, "timestamp", json_integer(event->time_ms));
    if (*event->stream)
        json_object_set_new(kept, "logStreamName", json_string(event->stream));
    json_array_append_new(context, kept);
    return true;
}

/* "90s", "15m", "2h", "7d" before `now`, or a time as it is. */
static bool read_since(const char *text, time_t now, time_t *out, struct error *err)
{
    static const struct {
        char letter;
        int seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    char *end = NULL;
    long count = strtol(text, &end, 10);

    if (timestamp_parse(text, out))
        return true;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (end != text && count > 0 && count <= 100000 && *end == units[i].letter && !end[1]) {
            *out = now - count * units[i].seconds;
            return true;
        }
    return error_set(err, ERROR_USAGE,
                     "--since '%.40s': expected 90s, 15m, 2h, 7d or 2026-01-31T23:59:59Z",
                     text);
}

static bool check(const struct log_values *values, bool json, struct error *err)
{
    if (!values->name == !values->file)
        return error_set(err, ERROR_USAGE, "say which function: -n NAME or -f FILE");
    if (values->follow && (values->request_id || json))
        return error_set(
            err, ERROR_USAGE,
            "--follow has no end, so it goes with neither --request-id nor --json");
    if (values->request_id && strpbrk(values->request_id, "\"\\"))
        return error_set(err, ERROR_USAGE, "'%.80s' is no request's id", values->request_id);
    return true;
}

static bool read_log(struct context *context, const struct log_values *values, json_t *events,
                     struct error *err)
{
    owned(definition_file) struct definition_file file = {0};
    struct platform_log_wish wish = {
        .stream = values->stream,
        .request_id = values->request_id,
        .follow = values->follow,
        .listen = events ? keep_event : print_event,
        .context = events,
    };
    const char *name;
    const char *region;
    struct platform *platform;

    if (values->since && !read_since(values->since, context_now(context), &wish.since, err))
        return false;
    return function_options_find_one(values->name, values->file, context_progress(context),
                                     &file, &name, &region, err) &&
           context_platform(context, region, &platform, err) &&
           platform->ops->log(platform, name, &wish, err);
}

static bool log_run(struct context *context, const void *values, const char **arguments,
                    struct error *err)
{
    bool json = context_globals(context)->json;
    json_owned json_t *events = json ? json_array() : NULL;
    (void)arguments;

    if (!check(values, json, err) || !read_log(context, values, events, err))
        return error_wrap(err, "log");
    if (json)
        describe_print_json(json_pack("{s:O}", "Events", events), stdout);
    return true;
}

const struct command log_command = {
    .name = "log",
    .summary = "show what a function has logged",
    .description =
        "Prints the log of a function, all of it or one stream, one invocation or what is\n"
        "younger, from CloudWatch Logs or, with --local, from this machine.",
    .examples = "skiff log -n hello\n"
                "skiff log -n hello --since 15m --follow\n"
                "skiff log -n hello --request-id 8f507cfc-xmpl-4697-b07a-ac58fc914c95\n"
                "skiff --local log -n hello",
    .options = log_options,
    .values_size = sizeof(struct log_values),
    .result_is_content = true,
    .run = log_run,
};
