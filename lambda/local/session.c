/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/session.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/local/function_start.h"
#include "oci/base/memory.h"

/* Nobody listens there: events are for those whom run starts. */
static const char NO_API[] = "127.0.0.1:9001";

static size_t count_strings(char *const *list)
{
    size_t count = 0;

    while (list[count])
        count++;
    return count;
}

bool session_start(struct platform *platform, const char *name, const struct session *session,
                   struct sandbox **out, struct error *err)
{
    static const char *const shell[] = {"/bin/sh", NULL};
    owned(local_function) struct local_function function = {0};
    owned(function_names) struct function_names names = {0};
    owned(function_start) struct function_start start = {0};

    if (!local_platform_function(platform, name, &function, err))
        return false;
    function_names_make(name, &names);
    names.log_stream = memory_copy_string("shell");
    if (!function_start_make(&function.record, function.image, &names, NO_API, &start, err))
        return false;

    size_t count = count_strings(start.environment);
    size_t more = count_strings((char *const *)session->variables);
    owned(memory) const char **environment = memory_new(count + more + 1, sizeof *environment);
    memcpy(environment, start.environment, count * sizeof *environment);
    memcpy(environment + count, session->variables, more * sizeof *environment);
    const struct sandbox_options options = {
        .place = function.place,
        .arguments = session->command[0] ? session->command : shell,
        .environment = environment,
        .working_directory = start.working_directory,
        .files = session->files,
        .has_terminal = session->has_terminal,
        .has_init = true,
    };
    if (sandbox_start(&options, out, err))
        return true;
    if (session->command[0] || err->kind != ERROR_INVALID)
        return false;
    const struct error reason = *err;
    return error_set(err, ERROR_INVALID,
                     "no shell starts in the image (%s): name a program that is in it, as in "
                     "'skiff shell %s PROGRAM'",
                     reason.text, name);
}
