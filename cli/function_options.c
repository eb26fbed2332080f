/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/function_options.h"

#include <string.h>

#include "cli/context.h"

static bool check_supervisor(const struct function_values *values,
                             const struct definition_file *file, struct error *err)
{
    for (size_t i = 0; values->supervisor && i < file->function_count; i++)
        if (file->functions[i].supervisor_mode == SUPERVISOR_NONE)
            return error_set(err, ERROR_USAGE,
                             "--supervisor names a supervisor, and the definition's "
                             "supervisor.mode is none");
    return true;
}

bool function_options_read(const struct function_values *values, bool name_is_optional,
                           struct context *context, struct definition_file *out,
                           struct error *err)
{
    const struct definition_options options = {
        .image = values->image,
        .image_file = values->image_file,
        .name = values->name,
        .script = values->script,
        .description = values->description,
        .role = values->role,
        .creates_role = values->creates_role,
        .log_level = values->log_level,
        .input = values->input,
        .output = values->output,
        .timeout_threshold_s = values->timeout_threshold_s,
        .memory_mib = values->memory_mib,
        .timeout_s = values->timeout_s,
        .environment = values->environment.values,
        .function_environment = values->function_environment.values,
        .variables = context_environment(context),
        .copies = values->copies.values,
        .extra_payload = values->extra_payload,
        .name_is_optional = name_is_optional,
    };

    if (values->image && values->image_file)
        return error_set(err, ERROR_USAGE, "say --image or --image-file, not both");
    if (!values->file && !values->image && !values->image_file)
        return error_set(err, ERROR_USAGE, "say what the function is: -f FILE, or -i IMAGE%s",
                         name_is_optional ? "" : " -n NAME");
    if (values->runtime && strcmp(values->runtime, "image") != 0)
        return error_set(err, ERROR_USAGE,
                         "runtime '%.40s': skiff makes images only, so it is always 'image'",
                         values->runtime);
    if (values->execution_mode && strcmp(values->execution_mode, "lambda") != 0)
        return error_set(err, ERROR_USAGE, "execution mode '%.40s': " FUNCTION_OPTIONS_NO_BATCH,
                         values->execution_mode);
    return definition_file_read(values->file, &options, context_progress(context), out, err) &&
           check_supervisor(values, out, err);
}

bool function_options_find(const char *name, const char *path, struct progress *progress,
                           struct definition_file *out, struct error *err)
{
    const struct definition_options options = {0};

    if (!name == !path)
        return error_set(err, ERROR_USAGE, "say which function: -n NAME or -f FILE%s",
                         name ? ", not both" : "");
    return name ? definition_check_name(name, err)
                : definition_file_read(path, &options, progress, out, err);
}

bool function_options_find_one(const char *name, const char *path, struct progress *progress,
                               struct definition_file *file, const char **found,
                               const char **region, struct error *err)
{
    *found = name;
    *region = NULL;
    if (!function_options_find(name, path, progress, file, err))
        return false;
    if (name)
        return true;
    if (file->function_count > 1)
        return error_set(err, ERROR_USAGE, "'%.200s' has %zu functions: say which with -n NAME",
                         path, file->function_count);
    *found = file->functions[0].name;
    *region = file->functions[0].region;
    return true;
}
