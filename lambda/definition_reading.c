/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_reading.h"

#include <string.h>

#include "lambda/definition_keys.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

const char *definition_keep(struct definition_memory *memory, char *string)
{
    memory->strings =
        memory_resize(memory->strings, memory->string_count + 1, sizeof *memory->strings);
    return memory->strings[memory->string_count++] = string;
}

json_t *definition_keep_value(struct definition_memory *memory, json_t *value)
{
    json_array_append_new(memory->values, value);
    return value;
}

struct setting setting_choose(const char *option, const char *option_label,
                              const struct yaml_node *section, const char *key,
                              const char *key_label)
{
    const struct yaml_node *node = yaml_find(section, key);

    if (option)
        return (struct setting){.text = option, .label = option_label};
    if (node && (!yaml_is_scalar(node) || node->text[0]))
        return (struct setting){.text = node->text, .node = node, .label = key_label};
    return (struct setting){.label = key_label};
}

bool setting_blame(const struct reading *reading, const struct setting *setting,
                   struct error *err)
{
    if (!setting->node)
        return error_wrap(err, "%s", setting->label);
    return definition_keys_place(err, reading->path, setting->node, setting->label);
}

bool setting_miss(const struct reading *reading, const struct yaml_node *section,
                  const char *label, const char *option, struct error *err)
{
    if (!reading->path)
        return error_set(err, ERROR_USAGE, "%s is missing", option);
    const struct yaml_node *at = section ? section : reading->item;
    error_set(err, ERROR_USAGE, "%s is missing", label);
    return error_wrap(err, "%.200s:%u:%u", reading->path, at->line, at->column);
}

char *setting_path(const struct reading *reading, const struct setting *setting)
{
    const char *slash = setting->node ? strrchr(reading->path, '/') : NULL;

    if (!slash || setting->text[0] == '/')
        return memory_copy_string(setting->text);
    return text_format("%.*s/%s", (int)(slash - reading->path), reading->path, setting->text);
}
