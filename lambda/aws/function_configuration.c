/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_configuration.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { STORAGE_USUAL_MIB = 512 };

static const char *or_usual(const char *text, const char *usual)
{
    return text ? text : usual;
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A new array of the strings in order: Lambda gives subnets and groups back in any. */
static json_t *sorted(const json_t *list)
{
    size_t count = json_array_size(list);
    owned(memory) const char **strings = memory_new(count + 1, sizeof *strings);

    for (size_t i = 0; i < count; i++)
        strings[i] = or_usual(json_string_value(json_array_get(list, i)), "");
    qsort(strings, count, sizeof *strings, compare_strings);
    return json_strings(strings);
}

static json_t *vpc_config(const json_t *vpc)
{
    json_t *out =
        json_pack("{s:o, s:o}", "SubnetIds", sorted(json_object_get(vpc, "SubnetIds")),
                  "SecurityGroupIds", sorted(json_object_get(vpc, "SecurityGroupIds")));

    if (json_is_true(json_object_get(vpc, "Ipv6AllowedForDualStack")))
        json_object_set_new(out, "Ipv6AllowedForDualStack", json_true());
    return out;
}

static json_t *file_systems(const json_t *list)
{
    json_t *out = json_array();
    const json_t *one = NULL;
    size_t i;

    json_array_foreach(list, i, one) json_array_append_new(
        out, json_pack("{s:s*, s:s*}", "Arn", json_optional_string(one, "Arn"),
                       "LocalMountPath", json_optional_string(one, "LocalMountPath")));
    return out;
}

static json_t *image_config(const json_t *config)
{
    static const char *const members[] = {"EntryPoint", "Command", "WorkingDirectory"};
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(config, members[i]);
        if (json_array_size(value) > 0 || json_string_length(value) > 0)
            json_object_set(out, members[i], value);
    }
    return out;
}

/* Lambda fills in the group, and the levels where lines are JSON. */
static json_t *logging_config(const json_t *logging, const char *name)
{
    owned(memory) char *group = text_format("/aws/lambda/%s", name);
    const char *format = or_usual(json_optional_string(logging, "LogFormat"), "Text");
    json_t *out = json_pack("{s:s, s:s}", "LogFormat", format, "LogGroup",
                            or_usual(json_optional_string(logging, "LogGroup"), group));

    if (strcmp(format, "JSON") != 0)
        return out;
    static const char *const levels[] = {"ApplicationLogLevel", "SystemLogLevel"};
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        json_object_set_new(
            out, levels[i],
            json_string(or_usual(json_optional_string(logging, levels[i]), "INFO")));
    return out;
}

static void set_text(json_t *object, const char *name, const char *text)
{
    json_object_set_new(object, name, json_string(or_usual(text, "")));
}

json_t *function_configuration(const struct definition *definition, const char *image_uri)
{
    json_t *out = json_object();
    int storage_mib = definition->ephemeral_storage_mib;

    set_text(out, "Role", definition->role);
    set_text(out, "Description", definition->description);
    set_text(out, "KMSKeyArn", definition->kms_key);
    json_object_set_new(out, "Timeout", json_integer(definition->timeout_s));
    json_object_set_new(out, "MemorySize", json_integer(definition->memory_mib));
    json_object_set_new(
        out, "Environment",
        json_pack("{s:o}", "Variables", function_environment(definition, image_uri)));
    json_object_set_new(out, "VpcConfig", vpc_config(definition->vpc));
    json_object_set_new(out, "FileSystemConfigs", file_systems(definition->file_system));
    json_object_set_new(out, "ImageConfig", image_config(definition->image_config));
    json_object_set_new(
        out, "EphemeralStorage",
        json_pack("{s:i}", "Size", storage_mib ? storage_mib : STORAGE_USUAL_MIB));
    json_object_set_new(
        out, "TracingConfig",
        json_pack("{s:s}", "Mode", or_usual(definition->tracing, "PassThrough")));
    json_object_set_new(out, "DeadLetterConfig",
                        json_pack("{s:s}", "TargetArn", or_usual(definition->dead_letter, "")));
    json_object_set_new(out, "LoggingConfig",
                        logging_config(definition->logging, definition->name));
    return out;
}

json_t *function_configuration_read(const json_t *answer, const char *name)
{
    static const char *const numbers[] = {"Timeout", "MemorySize"};
    static const char *const texts[] = {"Role", "Description", "KMSKeyArn"};
    const json_t *storage = json_object_get(answer, "EphemeralStorage");
    const json_t *image = json_object_get(answer, "ImageConfigResponse");
    json_t *variables = json_object_get(json_object_get(answer, "Environment"), "Variables");
    json_t *out = json_object();

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (json_object_get(answer, numbers[i]))
            json_object_set(out, numbers[i], json_object_get(answer, numbers[i]));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        set_text(out, texts[i], json_optional_string(answer, texts[i]));
    json_t *environment = json_object();
    json_object_set_new(out, "Environment", environment);
    json_object_set_new(environment, "Variables",
                        variables ? json_deep_copy(variables) : json_object());
    json_object_set_new(out, "VpcConfig", vpc_config(json_object_get(answer, "VpcConfig")));
    json_object_set_new(out, "FileSystemConfigs",
                        file_systems(json_object_get(answer, "FileSystemConfigs")));
    json_object_set_new(out, "ImageConfig",
                        image_config(json_object_get(image, "ImageConfig")));
    json_t *size = json_object_get(storage, "Size");
    json_object_set_new(
        out, "EphemeralStorage",
        json_pack("{s:o}", "Size", size ? json_incref(size) : json_integer(STORAGE_USUAL_MIB)));
    json_object_set_new(
        out, "TracingConfig",
        json_pack(
            "{s:s}", "Mode",
            or_usual(json_optional_string(json_object_get(answer, "TracingConfig"), "Mode"),
                     "PassThrough")));
    json_object_set_new(
        out, "DeadLetterConfig",
        json_pack("{s:s}", "TargetArn",
                  or_usual(json_optional_string(json_object_get(answer, "DeadLetterConfig"),
                                                "TargetArn"),
                           "")));
    json_object_set_new(out, "LoggingConfig",
                        logging_config(json_object_get(answer, "LoggingConfig"), name));
    return out;
}

static json_t *variables_of(const json_t *configuration)
{
    return json_object_get(json_object_get(configuration, "Environment"), "Variables");
}

void function_configuration_merge(json_t *wanted, const json_t *present,
                                  const struct environment_change *change)
{
    function_environment_merge(variables_of(wanted), variables_of(present), change);
}

json_t *function_configuration_changes(const json_t *present, const json_t *wanted)
{
    json_t *out = json_object();
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)wanted, name,
                        value) if (!json_equal(value, json_object_get(present, name)))
        json_object_set(out, name, value);
    return out;
}
