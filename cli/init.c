/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/login_options.h"
#include "lambda/deploy.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct init_values {
    struct function_values function;
    struct login_values login;
};

static const struct option init_options[] = {
    FUNCTION_OPTIONS(struct init_values, function),
    OPTION_LIST(struct init_values, function.function_environment, "le", "lambda-environment",
                "VAR=VALUE", "a variable of the Lambda function; may be repeated"),
    OPTION_NUMBER(struct init_values, function.memory_mib, "m", "memory", "MIB",
                  "memory, 128 to 10240 (default 512)"),
    OPTION_NUMBER(struct init_values, function.timeout_s, "t", "timeout", "SECONDS",
                  "time limit, 1 to 900 (default 300)"),
    OPTION_TEXT(struct init_values, function.description, "d", "description", "TEXT",
                "what the function is for"),
    OPTION_TEXT(struct init_values, function.role, "r", "iam-role", "ARN",
                "the role the function runs as"),
    OPTION_TEXT(struct init_values, function.log_level, "ll", "log-level", "LEVEL",
                "the supervisor's log level (default INFO)"),
    OPTION_TEXT(struct init_values, function.runtime, "rt", "runtime", "image",
                "accepted for SCAR's users; functions are always images"),
    OPTION_TEXT(struct init_values, function.supervisor, NULL, "supervisor", "FILE",
                "a supervisor of your own instead of the one inside"),
    LOGIN_OPTIONS(struct init_values, login),
    OPTION_END,
};

/* The login given is for the registry of the base images, of which there can be but one. */
static bool use_login(struct context *context, const struct init_values *values,
                      const struct definition_file *file, struct error *err)
{
    owned(location) struct location first = {0};

    if (!location_parse(file->functions[0].image, &first, err))
        return false;
    for (size_t i = 1; values->login.username && i < file->function_count; i++) {
        owned(location) struct location base = {0};
        if (!location_parse(file->functions[i].image, &base, err))
            return false;
        if (base.kind != first.kind || strcmp(base.reference.host, first.reference.host) != 0)
            return error_set(err, ERROR_USAGE,
                             "--username is for one registry, and the base images are in more: "
                             "use 'skiff login'");
    }
    return login_options_use(&values->login, context, &first, err);
}

/* Opens what the definition names and hands it to the deployment. */
static bool init_function(struct context *context, const struct init_values *values,
                          const struct definition *definition, json_t *results,
                          struct error *err)
{
    owned(location) struct location base = {0};
    owned(deployed) struct deployed deployed = {0};
    owned(memory) char *base_name = NULL;
    owned(memory) char *base_image = NULL;
    struct deploy_tools tools = {.progress = context_progress(context)};

    if (!location_parse(definition->image, &base, err) ||
        !context_created(context, &tools.recipe.created, err) ||
        !context_platform(context, definition->region, &tools.platform, err) ||
        !context_workspace(context, &tools.workspace, err) ||
        !context_image(context, &base, &tools.base, &base_image, err))
        return false;
    if (base.kind == LOCATION_REGISTRY)
        base_name = reference_format(&base.reference);
    tools.base_image = base_image;
    tools.recipe.definition = definition;
    tools.recipe.base_name = base_name;
    tools.recipe.supervisor_path = values->function.supervisor;
    if (!deploy_function(&tools, &deployed, err))
        return false;

    progress_step(tools.progress, "%s is active: %s", definition->name, deployed.arn);
    json_array_append_new(results, json_pack("{s:s, s:s, s:s}", "FunctionName",
                                             definition->name, "FunctionArn", deployed.arn,
                                             "ImageUri", deployed.image_uri));
    return true;
}

static bool init_run(struct context *context, const void *values, const char **arguments,
                     struct error *err)
{
    const struct init_values *init = values;
    owned(definition_file) struct definition_file file = {0};
    json_owned json_t *results = json_array();
    (void)arguments;

    if (!function_options_read(&init->function, false, context_progress(context), &file, err) ||
        !use_login(context, init, &file, err))
        return false;
    for (size_t i = 0; i < file.function_count; i++)
        if (!init_function(context, init, &file.functions[i], results, err))
            return error_wrap(err, "init %s", file.functions[i].name);
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:O}", "Functions", results), stdout);
    return true;
}

const struct command init_command = {
    .name = "init",
    .summary = "make a function from a base image and a script",
    .description =
        "Adds a supervisor, the script and its environment to the base image as small layers,\n"
        "pushes the result to Amazon ECR and creates the Lambda function. With --local the\n"
        "function lands on this machine instead, and nothing leaves it. --username is for the\n"
        "registry of the base image.",
    .examples = "skiff init -f function.yaml\n"
                "skiff init -i alpine:3.20 -n hello -s hello.sh -r arn:aws:iam::…:role/…\n"
                "skiff --local init -i alpine:3.20 -n hello -s hello.sh",
    .options = init_options,
    .values_size = sizeof(struct init_values),
    .run = init_run,
};
