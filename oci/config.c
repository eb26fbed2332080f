/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/config.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

char *config_format_time(time_t seconds)
{
    char text[sizeof "-9223372036854775808-12-31T23:59:59Z"];
    struct tm utc;

    gmtime_r(&seconds, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return memory_copy_string(text);
}

/* The member, made when it is missing or, as Docker writes empty ones, null. */
static json_t *member_object(json_t *object, const char *name)
{
    if (!json_is_object(json_object_get(object, name)))
        json_object_set_new(object, name, json_object());
    return json_object_get(object, name);
}

static json_t *member_array(json_t *object, const char *name)
{
    if (!json_is_array(json_object_get(object, name)))
        json_object_set_new(object, name, json_array());
    return json_object_get(object, name);
}

void config_set(json_t *config, const char *member, json_t *value)
{
    json_object_set_new(member_object(config, "config"), member, value);
}

static bool same_name(const char *variable, const char *other)
{
    size_t length = strcspn(variable, "=");

    return strncmp(variable, other, length) == 0 &&
           (other[length] == '=' || other[length] == '\0');
}

void config_set_environment(json_t *config, const char *const *environment)
{
    json_t *list = member_array(member_object(config, "config"), "Env");

    for (; *environment; environment++) {
        json_t *variable = json_lossy_string(*environment, strlen(*environment));
        size_t i;
        const json_t *old;
        bool replaced = false;
        json_array_foreach(list, i, old)
        {
            if (!json_is_string(old) || !same_name(*environment, json_string_value(old)))
                continue;
            json_array_set(list, i, variable);
            replaced = true;
        }
        if (!replaced)
            json_array_append(list, variable);
        json_decref(variable);
    }
}

void config_add_layer(json_t *config, const struct image_addition *addition,
                      const char *created)
{
    struct digest_text diff_id = digest_format(&addition->layer.diff_id);

    json_array_append_new(member_array(member_object(config, "rootfs"), "diff_ids"),
                          json_string(diff_id.text));
    json_array_append_new(
        member_array(config, "history"),
        json_pack("{s:s, s:s}", "created", created, "created_by", addition->created_by));
}

void config_complete_history(json_t *config, const char *created)
{
    json_t *history = member_array(config, "history");
    size_t layers =
        json_array_size(json_object_get(json_object_get(config, "rootfs"), "diff_ids"));
    size_t i;
    const json_t *line;

    json_array_foreach(history, i, line)
    {
        if (layers > 0 && !json_is_true(json_object_get(line, "empty_layer")))
            layers--;
    }
    for (; layers > 0; layers--)
        json_array_append_new(
            history, json_pack("{s:s, s:s}", "created", created, "created_by", "base image"));
}
