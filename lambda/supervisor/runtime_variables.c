/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/runtime_variables.h"

#include "oci/base/environment.h"

static void set_missing(struct variables *variables, const char *name, const char *value,
                        enum log_level lowest)
{
    if (value && !variables_has(variables, name))
        variables_set(variables, name, value, lowest);
}

void runtime_variables_add(struct variables *variables, const struct settings *settings,
                           const char *const *command)
{
    static const char *const names[][2] = {
        {"AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID"},
        {"AWS_DEFAULT_REGION", "AWS_REGION"},
        {"AWS_REGION", "AWS_DEFAULT_REGION"},
    };
    enum log_level lowest = settings->log_level;

    set_missing(variables, "LAMBDA_TASK_ROOT", "/var/task", lowest);
    set_missing(variables, "LAMBDA_RUNTIME_DIR", "/var/runtime", lowest);
    set_missing(variables, "_HANDLER",
                settings->init_script ? settings->init_script : command[0], lowest);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *const *known = (const char *const *)variables->list;
        set_missing(variables, names[i][0], environment_get(known, names[i][1]), lowest);
    }
}
