/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/variables.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { VARIABLE_LIMIT = 128 * 1024 }; /* MAX_ARG_STRLEN, with the NUL */

/* The place of a variable; the count where there is none. `length` is its name's, with the '='.
 */
static size_t find(const struct variables *variables, const char *assignment, size_t length)
{
    size_t i = 0;

    while (i < variables->count && strncmp(variables->list[i], assignment, length) != 0)
        i++;
    return i;
}

static void put(struct variables *variables, const char *assignment)
{
    size_t place = find(variables, assignment, strcspn(assignment, "=") + 1);

    if (place == variables->count) {
        variables->list = memory_resize(variables->list, variables->count + 2, sizeof(char *));
        variables->list[++variables->count] = NULL;
    } else {
        free(variables->list[place]);
    }
    variables->list[place] = memory_copy_string(assignment);
}

void variables_init(struct variables *variables, const char *const *environment)
{
    *variables = (struct variables){.list = memory_new(1, sizeof(char *))};
    for (; *environment; environment++)
        put(variables, *environment);
}

void variables_put(struct variables *variables, const char *assignment, enum log_level lowest)
{
    size_t length = strlen(assignment);
    int name_length = (int)strcspn(assignment, "=");

    if (length < VARIABLE_LIMIT)
        put(variables, assignment);
    else
        log_line(lowest, LOG_WARNING,
                 "The variable '%.*s' is left out: with its %zu bytes no program would start",
                 name_length < 80 ? name_length : 80, assignment, length);
}

void variables_set(struct variables *variables, const char *name, const char *value,
                   enum log_level lowest)
{
    owned(memory) char *assignment = text_format("%s=%s", name, value);

    variables_put(variables, assignment, lowest);
}

bool variables_has(const struct variables *variables, const char *name)
{
    owned(memory) char *assignment = text_format("%s=", name);

    return find(variables, assignment, strlen(assignment)) < variables->count;
}

void variables_release(struct variables *variables)
{
    for (size_t i = 0; i < variables->count; i++)
        free(variables->list[i]);
    free(variables->list);
    *variables = (struct variables){0};
}
