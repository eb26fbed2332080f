/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/function_start.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

void function_names_make(const char *function, struct function_names *out)
{
    *out = (struct function_names){
        .arn = text_format("arn:aws:lambda:local:000000000000:function:%s", function),
        .log_group = text_format("/aws/lambda/%s", function),
    };
}

void function_names_release(struct function_names *names)
{
    free(names->arn);
    free(names->log_group);
    free(names->log_stream);
    *names = (struct function_names){0};
}

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
                                   const struct function_names *names, const char *api)
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
        {"AWS_XRAY_CONTEXT_MISSING", "LOG_ERROR"},
    };
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        set(variables, reserved[i].name, reserved[i].value);
}

static char **make_environment(const struct function_record *function,
                               const struct image *image, const struct function_names *names,
                               const char *api)
{
    json_owned json_t *variables = json_object();
    const char *name;
    json_t *value;
    size_t count = 0;

    set_image_variables(variables, image);
    json_object_update(variables, function->environment);
    set_reserved_variables(variables, function, names, api);

    char **list = memory_new(json_object_size(variables) + 1, sizeof(char *));
    json_object_foreach(variables, name, value)
    {
        if (json_is_string(value))
            list[count++] = text_format("%s=%s", name, json_string_value(value));
    }
    return list;
}

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
static bool make_arguments(const struct function_record *function, const struct image *image,
                           const char ***out, struct error *err)
{
    const json_t *config = function->image_config;
    owned(memory) const char **entrypoint =
        chosen_words(json_object_get(config, "EntryPoint"), image_entrypoint(image));
    owned(memory) const char **command =
        chosen_words(json_object_get(config, "Command"), image_command(image));
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

bool function_start_make(const struct function_record *function, const struct image *image,
                         const struct function_names *names, const char *api,
                         struct function_start *out, struct error *err)
{
    const char *folder = json_optional_string(function->image_config, "WorkingDirectory");

    if (!make_arguments(function, image, &out->arguments, err))
        return false;
    out->environment = make_environment(function, image, names, api);
    out->working_directory = folder ? folder : image_working_directory(image);
    return true;
}

void function_start_release(struct function_start *start)
{
    for (char **at = start->environment; at && *at; at++)
        free(*at);
    free(start->environment);
    free(start->arguments);
    *start = (struct function_start){0};
}
