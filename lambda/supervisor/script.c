/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/script.h"

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static bool from_base64(const struct script_places *places, const char *script,
                        const struct settings *settings, struct program *out, struct error *err)
{
    owned(memory) char *file = text_format("%s/script.sh", places->folder);
    owned(memory) char *bytes = NULL;
    size_t count = 0;

    return base64_decode(script, &bytes, &count, err) &&
           file_write(file, 0700, bytes, count, err) &&
           program_from_file(file, settings->log_level, out, err);
}

static bool from_script(const struct script_places *places, const json_t *script,
                        const struct settings *settings, struct program *out, struct error *err)
{
    const char *text = json_plain_string(script);

    if (!text)
        return error_set(err, ERROR_INVALID, "not a string with the script in base64");
    return from_base64(places, text, settings, out, err);
}

/* The list itself is welcome too, not only inside a string. */
static bool parse_list(json_t *given, json_t **out, struct error *err)
{
    if (!json_is_string(given))
        *out = json_incref(given);
    else if (!json_parse(json_string_value(given), json_string_length(given), out, err))
        return false;
    if (!json_is_array(*out) || json_array_size(*out) == 0)
        return error_set(err, ERROR_INVALID, "not a list of a program and its arguments");
    return true;
}

static bool from_arguments(const struct script_places *places, json_t *given,
                           struct program *out, struct error *err)
{
    json_owned json_t *list = NULL;
    if (!parse_list(given, &list, err))
        return false;

    size_t count = json_array_size(list);
    owned(memory) const char **arguments = memory_new(count + 1, sizeof *arguments);
    for (size_t i = 0; i < count; i++) {
        arguments[i] = json_plain_string(json_array_get(list, i));
        if (!arguments[i])
            return error_set(err, ERROR_INVALID, "item %zu is not a string", i);
    }
    return program_from_command(arguments, places->search, out, err);
}

/* What the function does on its own. */
static bool from_function(const struct script_places *places, const struct settings *settings,
                          struct program *out, struct error *err)
{
    if (settings->init_base64)
        return from_base64(places, settings->init_base64, settings, out, err) ||
               error_wrap(err, "SCRIPT");
    if (settings->init_script)
        return program_from_file(settings->init_script, settings->log_level, out, err) ||
               error_wrap(err, "init_script");
    if (places->command[0])
        return program_from_command(places->command, places->search, out, err) ||
               error_wrap(err, "the image's own command");
    return error_set(err, ERROR_NOT_FOUND,
                     "nothing to run: the image has no entrypoint and no command, the function "
                     "no init_script, and the event brings neither script nor cmd_args");
}

bool script_choose(const struct event *event, const struct settings *settings,
                   const struct script_places *places, struct program *out, struct error *err)
{
    if (event->script)
        return from_script(places, event->script, settings, out, err) ||
               error_wrap(err, "event.script");
    if (event->arguments)
        return from_arguments(places, event->arguments, out, err) ||
               error_wrap(err, "event.cmd_args");
    return from_function(places, settings, out, err);
}
