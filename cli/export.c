/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/deploy_setup.h"
#include "lambda/aws/aws_session.h"
#include "lambda/aws/function_export.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct export_values {
    const char *name;
    const char *file;
    const char *role;
    const char *supervisor;
    const char *form;
};

static const struct option export_options[] = {
    OPTION_TEXT(struct export_values, name, "n", "name", "NAME", "a function that is there"),
    OPTION_TEXT(struct export_values, file, "f", "conf-file", "FILE",
                "or else a definition, whose image 'skiff build --push' has pushed"),
    OPTION_TEXT(struct export_values, form, NULL, "format", "FORMAT",
                "terraform, sam or json: the body of CreateFunction"),
    OPTION_TEXT(struct export_values, role, "r", "iam-role", "ARN",
                "the role the function runs as"),
    OPTION_TEXT(struct export_values, supervisor, NULL, "supervisor", "FILE",
                "a supervisor of your own instead of the one inside"),
    OPTION_END,
};

static bool choose_form(const char *word, enum function_export_form *out, struct error *err)
{
    static const char *const words[] = {
        [FUNCTION_EXPORT_TERRAFORM] = "terraform",
        [FUNCTION_EXPORT_SAM] = "sam",
        [FUNCTION_EXPORT_JSON] = "json",
    };

    for (size_t i = 0; word && i < sizeof words / sizeof *words; i++)
        if (strcmp(word, words[i]) == 0) {
            *out = (enum function_export_form)i;
            return true;
        }
    return error_set(err, ERROR_USAGE, "--format: expected terraform, sam or json%s%.40s%s",
                     word ? ", found '" : "", word ? word : "", word ? "'" : "");
}

static bool from_function(struct context *context, const char *name,
                          struct function_export *out, struct error *err)
{
    struct aws_options options;
    owned(aws_session) struct aws_session session = {0};

    return definition_check_name(name, err) && context_aws(context, NULL, &options, err) &&
           aws_session_open(&options, &session, err) &&
           function_export_deployed(&session.aws, name, out, err);
}

static bool from_definition(struct context *context, const struct export_values *values,
                            struct function_export *out, struct error *err)
{
    const struct definition_options options = {.role = values->role};
    owned(definition_file) struct definition_file file = {0};
    owned(deploy_setup) struct deploy_setup setup = {0};
    owned(memory) char *image_uri = NULL;

    if (!definition_file_read(values->file, &options, context_progress(context), &file, err))
        return false;
    if (file.function_count != 1)
        return error_set(err, ERROR_USAGE, "'%.200s' has %zu functions; export writes one",
                         values->file, file.function_count);
    return deploy_setup_open(context, &file.functions[0], values->supervisor, &setup, err) &&
           deploy_find_image(&setup.tools, &image_uri, err) &&
           function_export_definition(&file.functions[0], image_uri, out, err);
}

static void tell_left_out(struct progress *progress, const struct function_export *function,
                          enum function_export_form form, const json_t *left_out)
{
    const json_t *key = NULL;
    size_t i;

    json_array_foreach(left_out, i, key) progress_warn(
        progress, "left out, it has no place in this form: %s", json_string_value(key));
    if (function->has_secrets)
        progress_warn(progress,
                      form == FUNCTION_EXPORT_JSON
                          ? "FDL holds the accounts of storage_providers: keep this secret"
                          : "FDL is a parameter, for it holds the accounts of "
                            "storage_providers; 'skiff export --format json' has its value");
}

static bool export_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    const struct export_values *wanted = values;
    owned(function_export) struct function_export function = {0};
    json_owned json_t *left_out = json_array();
    enum function_export_form form = FUNCTION_EXPORT_TERRAFORM;
    (void)arguments;

    if (context_globals(context)->local)
        return error_set(err, ERROR_USAGE, "export is for AWS, not for --local");
    if (!wanted->name == !wanted->file)
        return error_set(err, ERROR_USAGE,
                         "say what to export: -n NAME, a function that is there, or -f FILE");
    if (!choose_form(wanted->form, &form, err))
        return false;
    if (!(wanted->name ? from_function(context, wanted->name, &function, err)
                       : from_definition(context, wanted, &function, err)))
        return error_wrap(err, "export");
    owned(memory) char *text = function_export_text(&function, form, left_out);
    tell_left_out(context_progress(context), &function, form, left_out);
    fputs(text, stdout);
    return true;
}

const struct command export_command = {
    .name = "export",
    .summary = "write a function down for Terraform, SAM or the AWS CLI",
    .description =
        "Prints the function, with its image by digest, for those who deploy with other "
        "tools.\n"
        "With -n it is one that is there; with -f one that a definition describes, whose "
        "image\n"
        "'skiff build --push' has brought to ECR before. What a form has no place for is "
        "named\n"
        "on stderr. The accounts of storage_providers, which are secret, are in json only.",
    .examples = "skiff build -f function.yaml --push\n"
                "skiff export -f function.yaml --format terraform > function.tf\n"
                "skiff export -f function.yaml --format sam > template.yaml\n"
                "skiff export -n hello --format json > function.json\n"
                "aws lambda create-function --cli-input-json file://function.json",
    .options = export_options,
    .values_size = sizeof(struct export_values),
    .result_is_content = true,
    .run = export_run,
};
