/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/definition_config.h"
#include "lambda/definition_copies.h"
#include "lambda/definition_keys.h"
#include "lambda/definition_reading.h"
#include "lambda/definition_rules.h"
#include "lambda/definition_settings.h"
#include "lambda/definition_storage.h"
#include "lambda/definition_supervisor.h"
#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/stream.h"
#include "oci/base/text.h"
#include "oci/base/yaml.h"
#include "oci/location.h"

enum {
    MEMORY_LEAST_MIB = 128,
    MEMORY_MOST_MIB = 10240,
    MEMORY_DEFAULT_MIB = 512,
    TIMEOUT_MOST_S = 900,
    TIMEOUT_DEFAULT_S = 300,
    THRESHOLD_DEFAULT_S = 10,
    THRESHOLD_SHORT_S = 1, /* where nothing is stored in the end */
    LOG_RETENTION_DEFAULT_DAYS = 30,
    TAGS_LIMIT = 48, /* of the 50 Lambda takes: two are ours */
};

static const char DEFAULT_DESCRIPTION[] = "Automatically generated lambda function";

/* --- plain values --- */

struct number {
    const char *option_label;
    const char *key;
    const char *unit;
    int least, most, otherwise;
};

static bool read_number(const struct reading *reading, int option, const struct number *number,
                        int *out, struct error *err)
{
    struct setting setting =
        setting_choose(NULL, NULL, option ? NULL : reading->lambda, number->key, number->key);
    int64_t value = option ? option : setting.node ? setting.node->integer : number->otherwise;

    if (option)
        setting.label = number->option_label;
    if (!definition_rule_range(value, number->least, number->most, number->unit, err))
        return setting_blame(reading, &setting, err);
    *out = (int)value;
    return true;
}

static bool read_numbers(const struct reading *reading, struct error *err)
{
    static const struct number memory = {"--memory",       "memory",        "MiB",
                                         MEMORY_LEAST_MIB, MEMORY_MOST_MIB, MEMORY_DEFAULT_MIB};
    static const struct number timeout = {"--timeout", "timeout",      "seconds",
                                          1,           TIMEOUT_MOST_S, TIMEOUT_DEFAULT_S};
    const struct definition_options *options = reading->options;

    if (!read_number(reading, options->memory_mib, &memory, &reading->out->memory_mib, err) ||
        !read_number(reading, options->timeout_s, &timeout, &reading->out->timeout_s, err))
        return false;

    struct setting retention = setting_choose(
        NULL, NULL, yaml_find(reading->item, "cloudwatch"), "log_retention_policy_in_days",
        "cloudwatch.log_retention_policy_in_days");
    int64_t days = retention.node ? retention.node->integer : LOG_RETENTION_DEFAULT_DAYS;
    if (!definition_rule_log_retention(days, err))
        return setting_blame(reading, &retention, err);
    reading->out->log_retention_days = (int)days;
    return true;
}

static bool read_name(const struct reading *reading, struct error *err)
{
    struct setting name =
        setting_choose(reading->options->name, "--name", reading->lambda, "name", "name");

    if (!name.text && reading->options->name_is_optional)
        return true;
    if (!name.text)
        return setting_miss(reading, reading->lambda, "name", "--name", err);
    if (!definition_check_name(name.text, err))
        return setting_blame(reading, &name, err);
    reading->out->name = definition_keep(reading->memory, memory_copy_string(name.text));
    return true;
}

/* Text that may be left out and has a rule. */
static bool read_text(const struct reading *reading, const struct setting *setting,
                      bool (*rule)(const char *text, struct error *err), const char **out,
                      struct error *err)
{
    if (!setting->text)
        return true;
    if (!rule(setting->text, err))
        return setting_blame(reading, setting, err);
    *out = definition_keep(reading->memory, memory_copy_string(setting->text));
    return true;
}

static bool read_texts(const struct reading *reading, struct error *err)
{
    const struct definition_options *options = reading->options;
    const struct setting description = setting_choose(
        options->description, "--description", reading->lambda, "description", "description");
    const struct setting region =
        setting_choose(options->region, "--region", reading->lambda, "region", "region");
    const struct setting role = setting_choose(
        options->role, "--iam-role", yaml_find(reading->item, "iam"), "role", "iam.role");

    reading->out->creates_role = options->creates_role;
    reading->out->description = DEFAULT_DESCRIPTION;
    return read_text(reading, &description, definition_rule_description,
                     &reading->out->description, err) &&
           read_text(reading, &region, definition_rule_region, &reading->out->region, err) &&
           read_text(reading, &role, definition_rule_role, &reading->out->role, err);
}

static bool read_architectures(const struct reading *reading, struct error *err)
{
    const struct yaml_node *list = yaml_find(reading->lambda, "architectures");
    struct definition *out = reading->out;
    size_t most = sizeof out->architectures / sizeof *out->architectures;

    for (size_t i = 0; list && i < list->count; i++) {
        const struct setting one = {.node = &list->items[i], .label = "architectures"};
        if (i == most) {
            error_set(err, ERROR_USAGE, "more than %zu", most);
            return setting_blame(reading, &one, err);
        }
        if (!definition_rule_architecture(one.node->text, &out->architectures[i], err))
            return setting_blame(reading, &one, err);
        if (i > 0 && platform_spec_matches(&out->architectures[i], &out->architectures[0])) {
            error_set(err, ERROR_USAGE, "%s twice", one.node->text);
            return setting_blame(reading, &one, err);
        }
        out->architecture_count++;
    }
    if (out->architecture_count > 0)
        return true;
    out->architecture_count = 1;
    return definition_rule_architecture("x86_64", &out->architectures[0], err);
}

/* --- image and script --- */

static bool is_in_ecr(const char *image)
{
    return strstr(image, ".dkr.ecr.") != NULL;
}

/* What "docker save" wrote is an image with a name of its own. */
static bool read_image_file(const struct reading *reading, const struct setting *file,
                            struct error *err)
{
    owned(memory) char *path = setting_path(reading, file);

    if (strchr(path, ':')) {
        error_set(err, ERROR_USAGE, "'%.200s': the name of an archive has no ':'", path);
        return setting_blame(reading, file, err);
    }
    reading->out->image =
        definition_keep(reading->memory, text_format("docker-archive:%s", path));
    return true;
}

static bool read_image(const struct reading *reading, struct location *location,
                       struct error *err)
{
    const struct definition_options *options = reading->options;
    struct setting image = setting_choose(options->image, "--image", reading->container,
                                          "image", "container.image");
    struct setting file =
        setting_choose(options->image_file, "--image-file", reading->container, "image_file",
                       "container.image_file");

    if (file.text && (options->image_file || !options->image)) {
        if (!read_image_file(reading, &file, err))
            return false;
        image = file;
    } else if (!image.text) {
        return setting_miss(reading, reading->container ? reading->container : reading->lambda,
                            "container.image", "--image", err);
    } else {
        reading->out->image = definition_keep(reading->memory, memory_copy_string(image.text));
    }
    return location_parse(reading->out->image, location, err) ||
           setting_blame(reading, &image, err);
}

static bool check_script(const char *path, struct error *err)
{
    owned(source) struct source *source = NULL;

    if (file_source(path, &source, err))
        return true;
    if (err->kind == ERROR_INVALID)
        err->kind = ERROR_USAGE;
    return false;
}

/* An image that is used as it is brings its script along. */
static bool read_script(const struct reading *reading, struct error *err)
{
    struct setting script = setting_choose(reading->options->script, "--init-script",
                                           reading->lambda, "init_script", "init_script");
    const struct yaml_node *create = yaml_find(reading->container, "create_image");
    struct definition *out = reading->out;

    out->image_is_prepared =
        is_in_ecr(out->image) && !reading->options->name_is_optional &&
        (create ? !create->truth : !script.text && !definition_has_copies(reading));
    if (!script.text)
        return true;

    const char *path = definition_keep(reading->memory, setting_path(reading, &script));
    const char *slash = strrchr(path, '/');
    out->script_name = slash ? slash + 1 : path;
    if (!definition_rule_script_name(out->script_name, err))
        return setting_blame(reading, &script, err);
    if (out->image_is_prepared)
        return true;
    if (!check_script(path, err))
        return setting_blame(reading, &script, err);
    out->script = path;
    return true;
}

/* --- variables and tags --- */

typedef bool variable_rule(const char *name, const char *value, struct error *err);

static bool add_variables(const struct reading *reading, const struct yaml_node *mapping,
                          const char *label, variable_rule *rule, json_t *out,
                          struct error *err)
{
    for (size_t i = 0; mapping && i < mapping->count; i++) {
        const struct yaml_node *variable = &mapping->items[i];
        if (!rule(variable->key, variable->text, err)) {
            error_wrap(err, "%s", label);
            return error_wrap(err, "%.200s:%u:%u", reading->path, variable->key_line,
                              variable->key_column);
        }
        /* As written, so that 0.10 stays 0.10; null is written as nothing. */
        bool is_null = variable->kind == YAML_NULL;
        json_object_set_new(out, variable->key, json_string(is_null ? "" : variable->text));
    }
    return true;
}

/* A value on the command line is for everybody on the machine to see, one in the environment
 * is not. */
static bool add_options(const char *const *options, const char *const *variables,
                        const char *label, variable_rule *rule, json_t *out, struct error *err)
{
    for (; options && *options; options++) {
        size_t length = strcspn(*options, "=");
        owned(memory) char *name = text_format("%.*s", (int)length, *options);
        const char *value = (*options)[length] ? *options + length + 1
                            : variables        ? environment_get(variables, name)
                                               : NULL;
        if (!value) {
            error_set(err, ERROR_USAGE,
                      "'%.80s' is neither NAME=value nor set in skiff's own environment",
                      *options);
            return error_wrap(err, "%s", label);
        }
        if (!rule(name, value, err))
            return error_wrap(err, "%s", label);
        json_object_set_new(out, name, json_string(value));
    }
    return true;
}

static bool read_variables(const struct reading *reading, struct error *err)
{
    const struct definition_options *options = reading->options;
    struct definition *out = reading->out;
    json_t *function = definition_keep_value(reading->memory, json_object());
    json_t *container = definition_keep_value(reading->memory, json_object());
    json_t *tags = definition_keep_value(reading->memory, json_object());
    const struct setting given = setting_choose(NULL, NULL, reading->lambda, "tags", "tags");

    if (given.node && given.node->count > TAGS_LIMIT) {
        error_set(err, ERROR_USAGE, "more than %d", TAGS_LIMIT);
        return setting_blame(reading, &given, err);
    }
    out->environment = function;
    out->container_environment = container;
    out->tags = tags;
    return add_variables(
               reading, yaml_find(yaml_find(reading->lambda, "environment"), "Variables"),
               "environment.Variables", definition_rule_function_variable, function, err) &&
           add_options(options->function_environment, options->variables,
                       "--lambda-environment", definition_rule_function_variable, function,
                       err) &&
           add_variables(
               reading, yaml_find(yaml_find(reading->container, "environment"), "Variables"),
               "container.environment.Variables", definition_rule_variable, container, err) &&
           add_options(options->environment, options->variables, "--environment",
                       definition_rule_variable, container, err) &&
           add_variables(reading, yaml_find(reading->lambda, "tags"), "tags",
                         definition_rule_tag, tags, err);
}

/* --- the config --- */

static bool read_config(const struct reading *reading, const struct location *location,
                        struct error *err)
{
    struct definition *out = reading->out;
    struct setting level = setting_choose(reading->options->log_level, "--log-level",
                                          reading->lambda, "log_level", "log_level");
    struct setting threshold = setting_choose(
        NULL, NULL, reading->container, "timeout_threshold", "container.timeout_threshold");
    const struct yaml_node *delete_image =
        yaml_find(yaml_find(reading->item, "ecr"), "delete_image");
    struct definition_config config = {
        .lambda = reading->lambda,
        .delete_image = delete_image,
        .input = reading->options->input,
        .output = reading->options->output,
        .image = location->kind == LOCATION_REGISTRY ? out->image : NULL,
    };

    if (!definition_rule_log_level(level.text ? level.text : "INFO", &config.log_level, err))
        return setting_blame(reading, &level, err);

    /* The usual ten seconds would leave nothing of a very short time. */
    int usual_s =
        out->supervisor_mode == SUPERVISOR_SCAR ? THRESHOLD_DEFAULT_S : THRESHOLD_SHORT_S;
    int option_s = reading->options->timeout_threshold_s;
    if (option_s)
        threshold = (struct setting){.label = "--timeout-threshold"};
    int64_t threshold_s = option_s                   ? option_s
                          : threshold.node           ? threshold.node->integer
                          : out->timeout_s > usual_s ? usual_s
                                                     : out->timeout_s / 2;
    if (!definition_rule_range(threshold_s, 0, out->timeout_s - 1, "seconds", err))
        return setting_blame(reading, &threshold, err);
    config.threshold_s = (int)threshold_s;

    out->delete_image = !out->image_is_prepared && (!delete_image || delete_image->truth);
    out->config = definition_keep_value(reading->memory, definition_config_write(out, &config));
    return true;
}

/* --- files --- */

static bool read_function(const struct reading *reading, struct error *err)
{
    owned(location) struct location location = {0};

    if (reading->path && !reading->lambda)
        return setting_miss(reading, reading->item, "lambda", NULL, err);
    return read_name(reading, err) && read_numbers(reading, err) && read_texts(reading, err) &&
           read_architectures(reading, err) && read_image(reading, &location, err) &&
           read_script(reading, err) && definition_read_copies(reading, err) &&
           read_variables(reading, err) && definition_read_settings(reading, err) &&
           definition_read_storage(reading, err) && definition_read_supervisor(reading, err) &&
           read_config(reading, &location, err);
}

static bool check_names(const char *path, const struct yaml_node *items,
                        const struct definition_file *file, struct error *err)
{
    for (size_t i = 1; i < file->function_count; i++)
        for (size_t j = 0; j < i; j++) {
            const char *name = file->functions[i].name;
            const char *other = file->functions[j].name;
            if (!name || !other || strcmp(name, other) != 0)
                continue;
            error_set(err, ERROR_USAGE, "'%s' is also the function of line %u", name,
                      items->items[j].line);
            return definition_keys_place(err, path, &items->items[i], "name");
        }
    return true;
}

static bool read_functions(const char *path, const struct definition_options *options,
                           const struct yaml_node *root, struct definition_file *file,
                           struct error *err)
{
    const struct yaml_node *items = definition_keys_functions(root);
    size_t count = items ? items->count : 1;

    if (options->name && count > 1)
        return error_set(err, ERROR_USAGE,
                         "--name: '%.200s' has %zu functions, and one name is not enough", path,
                         count);
    file->functions = memory_new(count, sizeof *file->functions);
    for (size_t i = 0; i < count; i++) {
        const struct yaml_node *item = items ? &items->items[i] : NULL;
        const struct yaml_node *lambda = yaml_find(item, "lambda");
        const struct reading reading = {
            .path = path,
            .options = options,
            .item = item,
            .lambda = lambda,
            .container = yaml_find(lambda, "container"),
            .providers = yaml_find(root, "storage_providers"),
            .memory = file->memory,
            .out = &file->functions[file->function_count++],
        };
        if (!read_function(&reading, err))
            return false;
    }
    return !items || check_names(path, items, file, err);
}

bool definition_file_read(const char *path, const struct definition_options *options,
                          struct progress *progress, struct definition_file *out,
                          struct error *err)
{
    owned(definition_file) struct definition_file file = {0};
    owned(yaml) struct yaml_node root = {0};
    owned(memory) char *bytes = NULL;
    size_t count;

    if (path && (!file_read(path, YAML_FILE_LIMIT, &bytes, &count, err) ||
                 !yaml_parse(path, bytes, count, &root, err) ||
                 !definition_keys_check(path, &root, progress, err)))
        return false;

    file.memory = memory_new(1, sizeof *file.memory);
    file.memory->values = json_array();
    if (!read_functions(path, options, &root, &file, err))
        return false;
    *out = file;
    file = (struct definition_file){0};
    return true;
}

void definition_file_release(struct definition_file *file)
{
    if (file->memory) {
        for (size_t i = 0; i < file->memory->string_count; i++)
            free(file->memory->strings[i]);
        free(file->memory->strings);
        json_decref(file->memory->values);
        free(file->memory);
    }
    free(file->functions);
    *file = (struct definition_file){0};
}
