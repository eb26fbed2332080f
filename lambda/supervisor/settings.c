/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/settings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    THRESHOLD_DEFAULT_S = 10,
    THRESHOLD_SHORT_S = 1,       /* where nothing is stored in the end */
    THRESHOLD_LIMIT_S = 15 * 60, /* no function lives longer */
    PORT_DEFAULT = 8080,
    PORT_LIMIT = 65535,
};

void settings_release(struct settings *settings)
{
    for (char **variable = settings->variables; variable && *variable; variable++)
        free(*variable);
    free(settings->variables);
    free(settings->init_script);
    free(settings->init_base64);
    storage_release(&settings->storage);
    *settings = (struct settings){0};
}

/* The member called `name`, which `object` may lack or hold as null; NULL then. */
static json_t *member(const json_t *object, const char *name)
{
    json_t *found = json_object_get(object, name);

    return json_is_null(found) ? NULL : found;
}

/* A member that is an object itself, NULL when missing. */
static bool inner_object(const json_t *object, const char *name, json_t **out,
                         struct error *err)
{
    *out = member(object, name);
    if (*out && !json_is_object(*out))
        return error_set(err, ERROR_INVALID, "'%s' is not an object", name);
    return true;
}

/* Numbers and booleans become what they look like. A new string. */
static char *plain_text(const json_t *value)
{
    if (json_is_string(value))
        return memory_copy_string(json_string_value(value));
    return json_is_null(value) ? memory_copy_string("") : json_text(value);
}

static bool parse_number(const char *text, int least, int most, int *out)
{
    char *end;

    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most)
        return false;
    *out = (int)value;
    return true;
}

static bool parse_threshold(const char *text, int *seconds, struct error *err)
{
    return parse_number(text, 0, THRESHOLD_LIMIT_S, seconds) ||
           error_set(err, ERROR_INVALID, "'%.80s' is not a number of seconds from 0 to %d",
                     text, THRESHOLD_LIMIT_S);
}

static bool read_variables(const json_t *container, struct settings *settings,
                           struct error *err)
{
    json_t *environment = NULL;
    json_t *variables = NULL;
    if (!inner_object(container, "environment", &environment, err) ||
        !inner_object(environment, "Variables", &variables, err))
        return false;

    settings->variables = memory_new(json_object_size(variables) + 1, sizeof(char *));
    size_t count = 0;
    const char *name;
    json_t *value;
    json_object_foreach(variables, name, value)
    {
        if (name[0] == '\0' || strchr(name, '='))
            return error_set(err, ERROR_INVALID,
                             "environment.Variables: '%.80s' is no name for a variable", name);
        owned(memory) char *text = plain_text(value);
        settings->variables[count++] = text_format("%s=%s", name, text);
    }
    return true;
}

static bool read_container(const json_t *config, struct settings *settings, struct error *err)
{
    json_t *container = NULL;
    if (!inner_object(config, "container", &container, err))
        return false;

    const json_t *threshold = member(container, "timeout_threshold");
    owned(memory) char *text = threshold ? plain_text(threshold) : NULL;
    if (text && !parse_threshold(text, &settings->threshold_s, err))
        return error_wrap(err, "container.timeout_threshold");
    if (!read_variables(container, settings, err))
        return error_wrap(err, "container");
    return true;
}

static bool read_truth(const char *text, bool *out)
{
    static const char *const words[] = {"false", "no", "off", "0", "true", "yes", "on", "1"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) != 0)
            continue;
        *out = i >= 4;
        return true;
    }
    return false;
}

/* SCAR's file_stage_in says the opposite of its name. */
static bool read_staging(const json_t *config, const char *const *environment,
                         struct settings *settings, struct error *err)
{
    const char *override = environment_get(environment, "DOWNLOAD_INPUT");
    const json_t *stage_in = member(config, "file_stage_in");
    const json_t *download = member(config, "download_input");
    bool downloads = true;

    if (stage_in) {
        owned(memory) char *text = plain_text(stage_in);
        if (!read_truth(text, &downloads))
            return error_set(err, ERROR_INVALID,
                             "file_stage_in: '%.80s' is neither true nor false", text);
        downloads = !downloads;
    }
    if (download || override) {
        owned(memory) char *text =
            override ? memory_copy_string(override) : plain_text(download);
        if (!read_truth(text, &downloads))
            return error_set(err, ERROR_INVALID, "%s: '%.80s' is neither true nor false",
                             override ? "DOWNLOAD_INPUT" : "download_input", text);
    }
    settings->leaves_objects = !downloads;
    return true;
}

static bool read_mode(const json_t *supervisor, struct settings *settings, struct error *err)
{
    static const char *const modes[] = {"scar", "raw", "http"};
    const json_t *given = member(supervisor, "mode");
    owned(memory) char *text = given ? plain_text(given) : NULL;

    for (int i = 0; text && i <= MODE_HTTP; i++)
        if (strcmp(text, modes[i]) == 0) {
            settings->mode = (enum settings_mode)i;
            return true;
        }
    if (text && strcmp(text, "none") == 0)
        return error_set(err, ERROR_INVALID,
                         "supervisor.mode: none, and yet the image starts the supervisor: its "
                         "entrypoint has to be the base's own");
    return !text || error_set(err, ERROR_INVALID,
                              "supervisor.mode: '%.80s' is neither scar, raw nor http", text);
}

/* PORT is what servers look at on their own. */
static bool read_port(const json_t *supervisor, const char *const *environment,
                      struct settings *settings, struct error *err)
{
    const json_t *given = member(supervisor, "port");
    const char *usual = environment_get(environment, "PORT");
    owned(memory) char *text = given   ? plain_text(given)
                               : usual ? memory_copy_string(usual)
                                       : text_format("%d", PORT_DEFAULT);

    return settings->mode != MODE_HTTP || parse_number(text, 1, PORT_LIMIT, &settings->port) ||
           error_set(err, ERROR_INVALID, "%s: '%.80s' is not a number from 1 to %d",
                     given ? "supervisor.port" : "PORT", text, PORT_LIMIT);
}

static bool read_on_error(const json_t *supervisor, struct settings *settings,
                          struct error *err)
{
    const json_t *given = member(supervisor, "on_error");
    owned(memory) char *text = given ? plain_text(given) : NULL;
    settings->fails_with_script = text && strcmp(text, "fail") == 0;
    if (text && !settings->fails_with_script && strcmp(text, "respond") != 0)
        return error_set(err, ERROR_INVALID,
                         "supervisor.on_error: '%.80s' is neither respond nor fail", text);
    return true;
}

static bool read_supervisor(const json_t *config, const char *const *environment,
                            struct settings *settings, struct error *err)
{
    json_t *supervisor = NULL;

    return inner_object(config, "supervisor", &supervisor, err) &&
           read_mode(supervisor, settings, err) &&
           read_port(supervisor, environment, settings, err) &&
           read_on_error(supervisor, settings, err);
}

static bool read_config(const json_t *config, struct settings *settings, struct error *err)
{
    const json_t *script = member(config, "init_script");
    if (script && !json_is_string(script))
        return error_set(err, ERROR_INVALID, "'init_script' is not a string");
    const char *path = json_string_value(script);
    if (path && *path)
        settings->init_script = text_format("%s%s", *path == '/' ? "" : "/var/task/", path);

    const char *level = json_optional_string(config, "log_level");
    if (level && !log_level_parse(level, &settings->log_level))
        log_line(LOG_INFO, LOG_WARNING, "log_level '%.80s' is unknown, INFO it is", level);
    return read_container(config, settings, err);
}

static bool override(const char *const *environment, struct settings *settings,
                     struct error *err)
{
    const char *level = environment_get(environment, "LOG_LEVEL");
    const char *threshold = environment_get(environment, "TIMEOUT_THRESHOLD");

    if (level && !log_level_parse(level, &settings->log_level)) {
        settings->log_level = LOG_INFO;
        log_line(LOG_INFO, LOG_WARNING, "LOG_LEVEL '%.80s' is unknown, INFO it is", level);
    }
    if (threshold && !parse_threshold(threshold, &settings->threshold_s, err))
        return error_wrap(err, "TIMEOUT_THRESHOLD");
    return true;
}

bool settings_read(const json_t *config, const char *const *environment, bool is_outside,
                   struct settings *out, struct error *err)
{
    owned(settings) struct settings settings = {
        .log_level = LOG_INFO,
    };

    const char *script = is_outside ? environment_get(environment, "SCRIPT") : NULL;
    if (script)
        settings.init_base64 = memory_copy_string(script);
    if (!read_supervisor(config, environment, &settings, err))
        return false;
    settings.threshold_s = settings.mode == MODE_SCAR ? THRESHOLD_DEFAULT_S : THRESHOLD_SHORT_S;
    if (!read_config(config, &settings, err) ||
        !read_staging(config, environment, &settings, err) ||
        !override(environment, &settings, err) ||
        !storage_read(config, environment, &settings.storage, err))
        return false;

    *out = settings;
    settings = (struct settings){0};
    return true;
}
