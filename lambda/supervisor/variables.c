/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/variables.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

void variables_init(struct variables *variables, const char *const *environment)
{
    *variables = (struct variables){.list = memory_new(1, sizeof(char *))};
    for (; *environment; environment++)
        variables_put(variables, *environment);
}

void variables_put(struct variables *variables, const char *assignment)
{
    size_t name_length = strcspn(assignment, "=") + 1; /* with the '=' */

    for (size_t i = 0; i < variables->count; i++) {
        if (strncmp(variables->list[i], assignment, name_length) != 0)
            continue;
        free(variables->list[i]);
        variables->list[i] = memory_copy_string(assignment);
        return;
    }
    variables->list = memory_resize(variables->list, variables->count + 2, sizeof(char *));
    variables->list[variables->count++] = memory_copy_string(assignment);
    variables->list[variables->count] = NULL;
}

void variables_set(struct variables *variables, const char *name, const char *value)
{
    owned(memory) char *assignment = text_format("%s=%s", name, value);

    variables_put(variables, assignment);
}

void variables_release(struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        free(variables->list[i]);
    free(variables->list);
    *variables = (struct variables){0};
}
