/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Three ways to say what a function is to be: it is new, it is there, or either.
 */

#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/deploy_setup.h"
#include "cli/describe.h"
#include "cli/function_options.h"
#include "cli/login_options.h"
#include "cli/size.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

struct deploy_values {
    struct function_values function;
    struct login_values login;
    struct option_list unset;
    bool replace_environment;
    bool dry_run;
    bool rollback;
    int wait_s;
};

/* clang-format off */
#define SHARED_OPTIONS \
    FUNCTION_OPTIONS(struct deploy_values, function), \
    OPTION_LIST(struct deploy_values, function.function_environment, "le", "lambda-environment", \
                "VAR[=VALUE]", "a variable of the Lambda function, likewise"), \
    OPTION_NUMBER(struct deploy_values, function.memory_mib, "m", "memory", "MIB", \
                  "memory, 128 to 10240 (default 512)"), \
    OPTION_NUMBER(struct deploy_values, function.timeout_s, "t", "timeout", "SECONDS", \
                  "time limit, 1 to 900 (default 300)"), \
    OPTION_NUMBER(struct deploy_values, function.timeout_threshold_s, "tt", "timeout-threshold", \
                  "SECONDS", "what of it is kept for the output (default 10)"), \
    OPTION_TEXT(struct deploy_values, function.input, "ib", "input-bucket", "BUCKET/FOLDER", \
                "whose new files call the function"), \
    OPTION_TEXT(struct deploy_values, function.output, "ob", "output-bucket", "BUCKET/FOLDER", \
                "where the function's files go"), \
    OPTION_TEXT(struct deploy_values, function.description, "d", "description", "TEXT", \
                "what the function is for"), \
    OPTION_TEXT(struct deploy_values, function.role, "r", "iam-role", "ARN", \
                "the role the function runs as"), \
    OPTION_FLAG(struct deploy_values, function.creates_role, NULL, "create-role", \
                "make a role for the function where none is given"), \
    OPTION_TEXT(struct deploy_values, function.log_level, "ll", "log-level", "LEVEL", \
                "the supervisor's log level (default INFO)"), \
    OPTION_TEXT(struct deploy_values, function.runtime, "rt", "runtime", "image", \
                "accepted for SCAR's users; functions are always images"), \
    OPTION_TEXT(struct deploy_values, function.execution_mode, "em", "execution-mode", "lambda", \
                "likewise; they always run on Lambda"), \
    OPTION_TEXT(struct deploy_values, function.ignored, "sv", "supervisor-version", "VERSION", \
                "likewise; skiff brings its own supervisor"), \
    OPTION_TEXT(struct deploy_values, function.ignored, "db", "deployment-bucket", "BUCKET", \
                "likewise; an image needs none"), \
    OPTION_REFUSED("l", "layers", "an image takes no layers of Lambda; --copy puts files into it"), \
    OPTION_REFUSED("bm", "batch-memory", FUNCTION_OPTIONS_NO_BATCH), \
    OPTION_REFUSED("bc", "batch-vcpus", FUNCTION_OPTIONS_NO_BATCH), \
    OPTION_REFUSED("g", "enable-gpu", FUNCTION_OPTIONS_NO_BATCH), \
    OPTION_REFUSED("ph", "preheat", "run it once when it is there: skiff run -n NAME"), \
    OPTION_REFUSED("api", "api-gateway-name", \
                   "skiff makes no API Gateway; function_url: in the definition gives the " \
                   "function an address"), \
    OPTION_TEXT(struct deploy_values, function.supervisor, NULL, "supervisor", "FILE", \
                "a supervisor of your own instead of the one inside"), \
    LOGIN_OPTIONS(struct deploy_values, login), \
    OPTION_FLAG(struct deploy_values, dry_run, NULL, "dry-run", \
                "say what would be done, and do nothing"), \
    OPTION_FLAG(struct deploy_values, rollback, NULL, "rollback", \
                "when a step fails, undo those before it"), \
    OPTION_NUMBER(struct deploy_values, wait_s, NULL, "wait", "SECONDS", \
                  "until the function has to be active (default 300)")

#define CHANGE_OPTIONS \
    OPTION_LIST(struct deploy_values, unset, NULL, "unset", "VAR", \
                "take this variable from the Lambda function; may be repeated"), \
    OPTION_FLAG(struct deploy_values, replace_environment, NULL, "replace-env", \
                "keep no variable that the definition does not have")
/* clang-format on */

static const struct option init_options[] = {SHARED_OPTIONS, OPTION_END};
static const struct option change_options[] = {SHARED_OPTIONS, CHANGE_OPTIONS, OPTION_END};

/* --- the plan ------------------------------------------------------------------------------
 */

static void print_uploads(const json_t *plan)
{
    const json_t *uploads = json_object_get(plan, "Upload");
    const json_t *each = NULL;
    struct size_text size;
    size_t i;

    json_array_foreach(uploads, i, each)
    {
        size = size_format((uint64_t)json_integer_value(json_object_get(each, "size")));
        printf("  upload    %-6s %s  %s\n", json_optional_string(each, "is"),
               json_optional_string(each, "digest"), size.text);
    }
    size = size_format((uint64_t)json_integer_value(json_object_get(plan, "UploadBytes")));
    printf("  in all    %s\n", size.text);
}

static void print_plan(const json_t *plan)
{
    const char *image_uri = json_optional_string(plan, "ImageUri");
    const char *repository = json_optional_string(plan, "Repository");
    const json_t *calls = json_object_get(plan, "Calls");
    const json_t *call = NULL;
    size_t i;

    printf("%s, which is %s\n", json_optional_string(plan, "FunctionName"),
           json_is_true(json_object_get(plan, "Exists")) ? "there" : "not there yet");
    printf("  image     %s\n", image_uri ? image_uri : "(in a repository to be made)");
    if (repository || !image_uri)
        print_uploads(plan);
    json_array_foreach(calls, i, call) printf("  call      %s\n", json_string_value(call));
    if (json_array_size(calls) == 0)
        puts("  call      none: it is as the definition has it");
}

/* --- the deployment ------------------------------------------------------------------------
 */

static bool plan_or_deploy(const struct deploy_tools *tools, bool dry_run, bool json,
                           json_t *results, struct error *err)
{
    owned(deployed) struct deployed deployed = {0};
    const char *name = tools->recipe.definition->name;

    if (dry_run) {
        json_t *plan = NULL;
        if (!deploy_plan(tools, &plan, err))
            return false;
        json_array_append_new(results, plan);
        if (!json)
            print_plan(plan);
        return true;
    }
    if (!deploy_function(tools, &deployed, err))
        return false;
    progress_step(tools->progress, "%s is active: %s", name, deployed.arn);
    json_array_append_new(results,
                          json_pack("{s:s, s:s, s:s}", "FunctionName", name, "FunctionArn",
                                    deployed.arn, "ImageUri", deployed.image_uri));
    return true;
}

/* Opens what the definition names and hands it to the deployment. */
static bool deploy_one(struct context *context, const struct deploy_values *values,
                       enum deploy_mode mode, const struct definition *definition,
                       json_t *results, struct error *err)
{
    owned(deploy_setup) struct deploy_setup setup = {0};
    struct deploy_tools *tools = &setup.tools;

    if (!deploy_setup_open(context, definition, values->function.supervisor, &setup, err))
        return false;
    tools->mode = mode;
    tools->environment = (struct environment_change){.unset = values->unset.values,
                                                     .replace = values->replace_environment};
    tools->wait_s = values->wait_s;
    tools->rollback = values->rollback;
    return plan_or_deploy(tools, values->dry_run, context_globals(context)->json, results, err);
}

/* The login given is for the registry of the base images, of which there can be but one. */
static bool use_login(struct context *context, const struct deploy_values *values,
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

static bool deploy_all(struct context *context, const struct deploy_values *values,
                       enum deploy_mode mode, const char *verb, struct error *err)
{
    owned(definition_file) struct definition_file file = {0};
    json_owned json_t *results = json_array();

    if (!function_options_read(&values->function, false, context, &file, err) ||
        !use_login(context, values, &file, err))
        return false;
    for (size_t i = 0; i < file.function_count; i++)
        if (!deploy_one(context, values, mode, &file.functions[i], results, err))
            return error_wrap(err, "%s %s", verb, file.functions[i].name);
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:O}", "Functions", results), stdout);
    return true;
}

static bool init_run(struct context *context, const void *values, const char **arguments,
                     struct error *err)
{
    (void)arguments;
    return deploy_all(context, values, DEPLOY_NEW, "init", err);
}

static bool update_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    (void)arguments;
    return deploy_all(context, values, DEPLOY_CHANGE, "update", err);
}

static bool deploy_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    (void)arguments;
    return deploy_all(context, values, DEPLOY_EITHER, "deploy", err);
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
    .values_size = sizeof(struct deploy_values),
    .run = init_run,
};

const struct command update_command = {
    .name = "update",
    .summary = "bring a function to what its definition says now",
    .description =
        "Makes the image again and changes what is not as the definition has it: the image,\n"
        "then the configuration. What is equal is left alone. Variables of the function stay\n"
        "unless the definition sets them, --unset names them or --replace-env is given.",
    .examples = "skiff update -f function.yaml\n"
                "skiff update -f function.yaml --unset OLD_SETTING\n"
                "skiff update -f function.yaml --dry-run",
    .options = change_options,
    .values_size = sizeof(struct deploy_values),
    .run = update_run,
};

const struct command deploy_command = {
    .name = "deploy",
    .summary = "init or update, whichever is needed",
    .description =
        "For scripts and CI: makes the function where there is none, makes it anew where its\n"
        "creation failed, and else updates it. Run twice, it changes nothing the second time.",
    .examples = "skiff deploy -f function.yaml\n"
                "skiff deploy -f function.yaml --rollback --wait 600",
    .options = change_options,
    .values_size = sizeof(struct deploy_values),
    .run = deploy_run,
};
