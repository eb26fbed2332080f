/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/config.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/supervisor/log.h"
#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/base/yaml.h"

static const char CONFIG_FILE[] = "/var/task/function_config.yaml";
static const char GIVEN_FILE[] = "/oscar/config/function_config.yaml";

static bool parse_yaml(const char *origin, const char *bytes, size_t count, json_t **out,
                       struct error *err)
{
    owned(yaml) struct yaml_node root = {0};

    if (!yaml_parse(origin, bytes, count, &root, err))
        return false;
    *out = yaml_to_json(&root);
    return true;
}

/* JSON, nearly always; it is YAML too, but its mistakes are told better by its own parser. */
bool config_parse(const char *origin, const char *bytes, size_t count, json_t **out,
                  struct error *err)
{
    json_owned json_t *config = NULL;
    struct error reason;
    bool looks_like_json = count > 0 && bytes[strspn(bytes, " \t\r\n")] == '{';

    if (!json_parse(bytes, count, &config, &reason) &&
        !parse_yaml(origin, bytes, count, &config, err)) {
        if (looks_like_json)
            return error_set(err, reason.kind, "%s: %s", origin, reason.text);
        err->kind = ERROR_INVALID;
        return false;
    }
    if (!json_is_object(config))
        return error_set(err, ERROR_INVALID, "%s: not a mapping of names to values", origin);
    *out = take(&config);
    return true;
}

void config_add_missing(json_t *object, const json_t *other)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)other, name, value)
    {
        json_t *own = json_object_get(object, name);
        if (!own || json_is_null(own))
            json_object_set(object, name, value);
        else if (json_is_object(own) && json_is_object(value))
            config_add_missing(own, value);
    }
}

/* A file's; NULL when there is none. */
static bool read_file(const char *path, json_t **out, struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count = 0;

    if (!file_read(path, CONFIG_LIMIT, &bytes, &count, err))
        return err->kind == ERROR_NOT_FOUND;
    return config_parse(path, bytes, count, out, err);
}

/* That of a variable; NULL when there is none. */
static bool read_variable(const char *const *environment, const char *name, json_t **out,
                          struct error *err)
{
    const char *encoded = environment_get(environment, name);
    owned(memory) char *bytes = NULL;
    size_t count = 0;

    if (!encoded)
        return true;
    if (!base64_decode(encoded, &bytes, &count, err))
        return error_wrap(err, "%s", name);
    return config_parse(name, bytes, count, out, err);
}

/* What a file says, and a variable for what it does not say. */
static bool read_both(const char *const *environment, const char *path, const char *name,
                      json_t **out, struct error *err)
{
    json_owned json_t *config = NULL;
    json_owned json_t *other = NULL;

    if (!read_file(path, &config, err))
        return false;
    if (!read_variable(environment, name, &other, err)) {
        if (!config)
            return false;
        log_line(LOG_INFO, LOG_WARNING, "%s: %s is enough", err->text, path);
    }
    if (!config)
        config = json_object();
    config_add_missing(config, other);
    *out = take(&config);
    return true;
}

bool config_read(const char *const *environment, bool is_outside, json_t **out,
                 struct error *err)
{
    json_owned json_t *given = NULL;
    json_owned json_t *config = NULL;

    if (is_outside && !read_both(environment, GIVEN_FILE, "FUNCTION_CONFIG", &given, err))
        return false;
    if (!read_both(environment, CONFIG_FILE, "FDL", &config, err))
        return false;
    if (!given)
        given = json_object();
    config_add_missing(given, config);
    *out = take(&given);
    return true;
}
