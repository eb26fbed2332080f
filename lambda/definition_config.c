/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_config.h"

static void remove_nulls(json_t *object)
{
    const char *key;
    json_t *value;
    void *next;

    json_object_foreach_safe(object, next, key, value) if (json_is_null(value))
        json_object_del(object, key);
}

static void remove_keys(json_t *object, const char *const *keys)
{
    for (; *keys; keys++)
        json_object_del(object, *keys);
}

static void set_or_remove(json_t *object, const char *key, const char *text)
{
    if (text)
        json_object_set_new(object, key, json_string(text));
    else
        json_object_del(object, key);
}

/* The section `key` of `object`, a new one where there is none. */
static json_t *section(json_t *object, const char *key)
{
    json_t *found = json_object_get(object, key);

    if (!found) {
        found = json_object();
        json_object_set_new(object, key, found);
    }
    return found;
}

static void set_variables(json_t *object, json_t *variables)
{
    json_object_set_new(section(object, "environment"), "Variables", variables);
}

/* As SCAR adds what its options say. */
static void add_place(json_t *json, const char *key, const char *path)
{
    json_t *places = json_object_get(json, key);

    if (!path)
        return;
    if (!places) {
        places = json_array();
        json_object_set_new(json, key, places);
    }
    json_array_append_new(places,
                          json_pack("{s:s, s:s}", "storage_provider", "s3", "path", path));
}

json_t *definition_config_write(const struct definition *definition,
                                const struct definition_config *config)
{
    /* Paths and profiles of this machine, and what may be secret. */
    static const char *const not_told[] = {"boto_profile",  "config_path",       "run_script",
                                           "extra_payload", "storage_providers", NULL};
    static const char *const not_told_of_container[] = {"copy", "image_file", "init_script",
                                                        "extra_payload", NULL};
    json_t *json = config->lambda ? yaml_to_json(config->lambda) : json_object();

    remove_nulls(json);
    remove_keys(json, not_told);
    set_or_remove(json, "name", definition->name);
    set_or_remove(json, "description", definition->description);
    set_or_remove(json, "init_script", definition->script_name);
    set_or_remove(json, "log_level", config->log_level);
    set_or_remove(json, "runtime", "image");
    json_object_set_new(json, "memory", json_integer(definition->memory_mib));
    json_object_set_new(json, "timeout", json_integer(definition->timeout_s));
    /* Lambda tells the function, and nobody else is to know. */
    set_variables(json, json_object());

    add_place(json, "input", config->input);
    add_place(json, "output", config->output);

    json_t *container = section(json, "container");
    remove_nulls(container);
    remove_keys(container, not_told_of_container);
    set_or_remove(container, "image", config->image);
    json_object_set_new(container, "timeout_threshold", json_integer(config->threshold_s));
    set_variables(container, json_deep_copy(definition->container_environment));

    if (config->delete_image)
        json_object_set_new(section(json, "ecr"), "delete_image",
                            json_boolean(config->delete_image->truth));
    return json;
}
