/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_supervisor.h"

#include <string.h>

#include "lambda/definition_rules.h"

enum { PORT_MOST = 65535 };

static struct setting find(const struct reading *reading, const char *key, const char *label)
{
    return setting_choose(NULL, NULL, yaml_find(reading->lambda, "supervisor"), key, label);
}

static bool read_mode(const struct reading *reading, struct error *err)
{
    static const char *const modes[] = {"scar", "raw", "http", "none"};
    const struct setting mode = find(reading, "mode", "supervisor.mode");

    for (int i = 0; mode.text && i <= SUPERVISOR_NONE; i++)
        if (strcmp(mode.text, modes[i]) == 0) {
            reading->out->supervisor_mode = (enum supervisor_mode)i;
            return true;
        }
    if (!mode.text)
        return true;
    error_set(err, ERROR_USAGE, "expected scar, raw, http or none, found '%.80s'", mode.text);
    return setting_blame(reading, &mode, err);
}

static bool read_port(const struct reading *reading, struct error *err)
{
    const struct setting port = find(reading, "port", "supervisor.port");

    if (!port.node)
        return true;
    if (reading->out->supervisor_mode != SUPERVISOR_HTTP) {
        error_set(err, ERROR_USAGE, "only with mode: http is there a server with a port");
        return setting_blame(reading, &port, err);
    }
    return definition_rule_range(port.node->integer, 1, PORT_MOST, "as a port", err) ||
           setting_blame(reading, &port, err);
}

static bool read_on_error(const struct reading *reading, struct error *err)
{
    const struct setting on_error = find(reading, "on_error", "supervisor.on_error");

    if (!on_error.text)
        return true;
    if (reading->out->supervisor_mode != SUPERVISOR_SCAR) {
        error_set(
            err, ERROR_USAGE,
            "only with mode: scar is there a choice: in the others what fails is an error");
        return setting_blame(reading, &on_error, err);
    }
    return definition_rule_on_error(on_error.text, err) ||
           setting_blame(reading, &on_error, err);
}

/* Storing is done after a run of a program, of which a server has none. */
static bool check_output(const struct reading *reading, struct error *err)
{
    const struct setting option = {.text = reading->options->output,
                                   .label = "--output-bucket"};
    const struct setting key = {.node = yaml_find(reading->lambda, "output"),
                                .label = "output"};
    const struct setting *output = option.text ? &option : &key;
    enum supervisor_mode mode = reading->out->supervisor_mode;

    if (mode == SUPERVISOR_SCAR || mode == SUPERVISOR_RAW ||
        (!option.text && (!key.node || key.node->count == 0)))
        return true;
    error_set(err, ERROR_USAGE,
              "with mode: %s nobody stores results for the program, it has to do it itself",
              mode == SUPERVISOR_HTTP ? "http" : "none");
    return setting_blame(reading, output, err);
}

bool definition_read_supervisor(const struct reading *reading, struct error *err)
{
    return read_mode(reading, err) && read_port(reading, err) && read_on_error(reading, err) &&
           check_output(reading, err);
}
