/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/invocation.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "lambda/local/function_log.h"
#include "lambda/local/runtime_api.h"
#include "lambda/local/sandbox.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { LOG_TAIL = 4 * 1024 }; /* bytes: as much as Lambda sends along with the answer */

/* The names this invocation goes by; all owned. */
struct names {
    char *request_id, *trace_id, *arn, *log_group, *log_stream;
};

static void names_release(struct names *names)
{
    free(names->request_id);
    free(names->trace_id);
    free(names->arn);
    free(names->log_group);
    free(names->log_stream);
}

static inline void names_cleanup(struct names *names)
{
    names_release(names);
}

char *local_invocation_arn(const char *name)
{
    return text_format("arn:aws:lambda:local:000000000000:function:%s", name);
}

static bool make_names(const struct local_invocation *invocation, struct names *names,
                       struct error *err)
{
    unsigned char random[16];
    char hex[2 * sizeof random + 1], day[32];
    struct tm parts;

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, "get random bytes");
    hex_encode(random, sizeof random, hex);
    gmtime_r(&invocation->now, &parts);
    strftime(day, sizeof day, "%Y/%m/%d", &parts);
    names->log_stream = text_format("%s/[$LATEST]%s", day, hex);
    names->log_group = text_format("/aws/lambda/%s", invocation->function->name);
    names->arn = local_invocation_arn(invocation->function->name);
    names->trace_id =
        text_format("Root=1-%08llx-%.24s;Sampled=0", (unsigned long long)invocation->now, hex);

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, "get random bytes");
    random[6] = (unsigned char)(0x40 | (random[6] & 0x0f)); /* RFC 9562: a random UUID */
    random[8] = (unsigned char)(0x80 | (random[8] & 0x3f));
    hex_encode(random, sizeof random, hex);
    names->request_id =
        text_format("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return true;
}

/* --- the environment -----------------------------------------------------------------------
 */

static void set(json_t *variables, const char *name, const char *value)
{
    json_object_set_new(variables, name, json_lossy_string(value, strlen(value)));
}

/* The image's variables, under them what Lambda gives where an image says nothing. */
static void set_image_variables(json_t *variables, const struct image *image)
{
    owned(memory) const char **list = image_environment(image);

    set(variables, "PATH", "/usr/local/bin:/usr/bin:/bin:/opt/bin");
    set(variables, "TZ", ":UTC");
    set(variables, "LAMBDA_TASK_ROOT", "/var/task");
    set(variables, "LAMBDA_RUNTIME_DIR", "/var/runtime");
    for (size_t i = 0; list[i]; i++) {
        const char *equals = strchr(list[i], '=');
        if (!equals || equals == list[i])
            continue;
        owned(memory) char *name = text_format("%.*s", (int)(equals - list[i]), list[i]);
        set(variables, name, equals + 1);
    }
}

/* What only Lambda says, so that no function can lead itself astray. */
static void set_reserved_variables(json_t *variables, const struct function_record *function,
                                   const struct names *names, const char *api)
{
    const char *region = function->region ? function->region : "us-east-1";
    char memory[16];

    snprintf(memory, sizeof memory, "%d", function->memory_mib);
    const struct {
        const char *name, *value;
    } reserved[] = {
        {"AWS_LAMBDA_FUNCTION_NAME", function->name},
        {"AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"},
        {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE", memory},
        {"AWS_LAMBDA_LOG_GROUP_NAME", names->log_group},
        {"AWS_LAMBDA_LOG_STREAM_NAME", names->log_stream},
        {"AWS_LAMBDA_RUNTIME_API", api},
        {"AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand"},
        {"AWS_EXECUTION_ENV", "AWS_Lambda_Image"},
        {"AWS_REGION", region},
        {"AWS_DEFAULT_REGION", region},
    };
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        set(variables, reserved[i].name, reserved[i].value);
}

/* "NAME=value" strings, ended by NULL, all to be freed. */
struct environment {
    char **list;
};

static inline void environment_cleanup(struct environment *environment)
{
    for (char **at = environment->list; at && *at; at++)
        free(*at);
    free(environment->list);
}

static void make_environment(const struct local_invocation *invocation,
                             const struct names *names, const char *api,
                             struct environment *environment)
{
    json_owned json_t *variables = json_object();
    const char *name;
    json_t *value;
    size_t count = 0;

    set_image_variables(variables, invocation->image);
    json_object_update(variables, invocation->function->environment);
    set_reserved_variables(variables, invocation->function, names, api);

    environment->list = memory_new(json_object_size(variables) + 1, sizeof(char *));
    json_object_foreach(variables, name, value)
    {
        if (json_is_string(value))
            environment->list[count++] = text_format("%s=%s", name, json_string_value(value));
    }
}

/* --- the answer ----------------------------------------------------------------------------
 */

/* Lambda's own payload for what went wrong. */
static void fail(struct invocation *out, const char *type, const char *reason)
{
    owned(memory) char *message =
        text_format("RequestId: %s Error: %s", out->request_id, reason);
    json_owned json_t *json = json_pack("{s:s, s:o}", "errorType", type, "errorMessage",
                                        json_lossy_string(message, strlen(message)));

    out->failed = true;
    out->payload = json_text(json);
    out->payload_count = strlen(out->payload);
}

static void fail_exit(struct invocation *out, int status)
{
    char reason[128];

    if (WIFSIGNALED(status)) {
        snprintf(reason, sizeof reason, "Runtime exited with error: signal: %s",
                 strsignal(WTERMSIG(status)));
        char *name = strrchr(reason, ':') + 2;
        *name = (char)tolower((unsigned char)*name);
    } else if (WEXITSTATUS(status) != 0) {
        snprintf(reason, sizeof reason, "Runtime exited with error: exit status %d",
                 WEXITSTATUS(status));
    } else {
        snprintf(reason, sizeof reason, "Runtime exited without providing a reason");
    }
    fail(out, "Runtime.ExitError", reason);
}

static void fill_answer(struct invocation *out, struct runtime_outcome *outcome, int status,
                        int timeout_s)
{
    char reason[64];

    switch (outcome->end) {
    case RUNTIME_RESPONDED:
    case RUNTIME_FAILED:
    case RUNTIME_INIT_FAILED:
        out->failed = outcome->end != RUNTIME_RESPONDED;
        out->payload_count = outcome->count;
        out->payload = outcome->body ? take(&outcome->body) : memory_copy_string("");
        break;
    case RUNTIME_EXITED:
        fail_exit(out, status);
        break;
    case RUNTIME_TIMED_OUT:
        snprintf(reason, sizeof reason, "Task timed out after %d.00 seconds", timeout_s);
        fail(out, "Sandbox.Timedout", reason);
        break;
    }
}

/* The log with the lines Lambda puts around it. */
static char *dress_log(const struct local_invocation *invocation, const char *request_id,
                       const char *said, size_t count, const struct runtime_outcome *outcome,
                       const struct rusage *usage)
{
    owned(text) struct text log = {0};

    text_addf(&log, "START RequestId: %s Version: $LATEST\n", request_id);
    text_add_bytes(&log, said, count);
    if (log.bytes[log.length - 1] != '\n')
        text_add(&log, "\n");
    text_addf(&log,
              "END RequestId: %s\n"
              "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %lld ms\t"
              "Memory Size: %d MB\tMax Memory Used: %ld MB\tInit Duration: %.2f ms\n",
              request_id, request_id, outcome->duration_ms, (long long)outcome->duration_ms + 1,
              invocation->function->memory_mib, (usage->ru_maxrss + 1023) / 1024,
              outcome->init_ms);
    return text_take(&log);
}

/* The last whole lines that fit. */
static char *tail_of(const char *log)
{
    size_t length = strlen(log);
    if (length <= LOG_TAIL)
        return memory_copy_string(log);

    const char *tail = log + length - LOG_TAIL;
    const char *line_end = strchr(tail, '\n');
    return memory_copy_string(line_end && line_end[1] ? line_end + 1 : tail);
}

/* --- running -------------------------------------------------------------------------------
 */

/* The strings of `list`, ended by NULL, or `usual`, which it takes over; the caller's to
 * free().
 */
static const char **chosen_words(const json_t *list, const char **usual)
{
    size_t count = json_array_size(list);

    if (!list)
        return usual;
    free(usual);
    const char **words = memory_new(count + 1, sizeof *words);
    for (size_t i = 0, used = 0; i < count; i++)
        if (json_is_string(json_array_get(list, i)))
            words[used++] = json_string_value(json_array_get(list, i));
    return words;
}

/* As in Lambda, each of the two is the image's where the function's configuration has none. */
static bool make_arguments(const struct local_invocation *invocation, const char ***out,
                           struct error *err)
{
    const json_t *config = invocation->function->image_config;
    owned(memory) const char **entrypoint = chosen_words(json_object_get(config, "EntryPoint"),
                                                         image_entrypoint(invocation->image));
    owned(memory) const char **command =
        chosen_words(json_object_get(config, "Command"), image_command(invocation->image));
    size_t first = 0, second = 0;

    while (entrypoint[first])
        first++;
    while (command[second])
        second++;
    if (first + second == 0)
        return error_set(err, ERROR_INVALID,
                         "the image has neither an entrypoint nor a command");
    const char **arguments = memory_new(first + second + 1, sizeof *arguments);
    memcpy(arguments, entrypoint, first * sizeof *arguments);
    memcpy(arguments + first, command, second * sizeof *arguments);
    *out = arguments;
    return true;
}

static const char *working_directory(const struct local_invocation *invocation)
{
    const char *own =
        json_optional_string(invocation->function->image_config, "WorkingDirectory");

    return own ? own : image_working_directory(invocation->image);
}

/* Starts the function, gives it the event and ends it. The log is complete then. */
static bool serve(const struct local_invocation *invocation, const struct names *names,
                  struct function_log *log, struct runtime_outcome *outcome, int *status,
                  struct rusage *usage, struct error *err)
{
    owned(runtime_api) struct runtime_api *api = NULL;
    owned(environment) struct environment environment = {0};
    owned(memory) const char **arguments = NULL;
    if (!make_arguments(invocation, &arguments, err) || !runtime_api_open(&api, err))
        return false;

    make_environment(invocation, names, runtime_api_address(api), &environment);
    const struct sandbox_options options = {
        .root = invocation->root,
        .arguments = arguments,
        .environment = (const char *const *)environment.list,
        .working_directory = working_directory(invocation),
        .log_fd = function_log_fd(log),
    };
    owned(sandbox) struct sandbox *sandbox = NULL;
    if (!sandbox_start(&options, &sandbox, err))
        return false;

    function_log_begun(log);
    const struct runtime_event event = {
        .request_id = names->request_id,
        .function_arn = names->arn,
        .trace_id = names->trace_id,
        .payload = invocation->payload,
        .count = invocation->count,
        .timeout_ms = invocation->function->timeout_s * 1000,
    };
    if (!runtime_api_serve(api, &event, sandbox_exit_fd(sandbox), outcome, err))
        return false;
    sandbox_end(sandbox, status, usage);
    return true;
}

bool local_invocation_run(const struct local_invocation *invocation, struct invocation *out,
                          char **log_out, struct error *err)
{
    owned(names) struct names names = {0};
    owned(function_log) struct function_log *log = NULL;
    owned(runtime_outcome) struct runtime_outcome outcome = {0};
    struct rusage usage = {0};
    int status = 0;
    size_t count;

    if (!make_names(invocation, &names, err) || !function_log_open(&log, err))
        return false;
    bool served = serve(invocation, &names, log, &outcome, &status, &usage, err);
    if (!served && err->kind != ERROR_INVALID)
        return false;

    *out = (struct invocation){
        .request_id = memory_copy_string(names.request_id),
        .log_group = memory_copy_string(names.log_group),
        .log_stream = memory_copy_string(names.log_stream),
    };
    if (served)
        fill_answer(out, &outcome, status, invocation->function->timeout_s);
    else
        fail(out, "Runtime.InvalidEntrypoint", err->text);
    const char *said = function_log_finish(log, &count);
    *log_out = dress_log(invocation, names.request_id, said, count, &outcome, &usage);
    out->log_tail = tail_of(*log_out);
    return true;
}
