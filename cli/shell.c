/* SPDX-License-Identifier: Apache-2.0 */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/terminal.h"
#include "lambda/local/session.h"
#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct shell_values {
    char none;
};

static const struct option shell_options[] = {OPTION_END};

static void wait_for_end(struct terminal *terminal, const struct sandbox *sandbox)
{
    struct pollfd ended = {.fd = sandbox_exit_fd(sandbox), .events = POLLIN};

    if (terminal)
        terminal_carry(terminal, ended.fd);
    else
        while (poll(&ended, 1, -1) < 0)
            ;
}

static bool run_in(struct platform *platform, const char *name, struct session *session,
                   int *status, struct error *err)
{
    owned(terminal) struct terminal *terminal = NULL;
    owned(sandbox) struct sandbox *sandbox = NULL;

    if (session->has_terminal) {
        if (!terminal_open(&terminal, err))
            return false;
        for (int i = 0; i < 3; i++)
            if (isatty(i))
                session->files[i] = terminal_fd(terminal);
    }
    if (!session_start(platform, name, session, &sandbox, err))
        return false;
    wait_for_end(terminal, sandbox);
    sandbox_end(sandbox, status);
    return true;
}

static bool shell_run(struct context *context, const void *values, const char **arguments,
                      struct error *err)
{
    const char *term = environment_get(context_environment(context), "TERM");
    owned(memory) char *variable = text_format("TERM=%s", term ? term : "dumb");
    const char *const variables[] = {variable, NULL};
    struct session session = {
        .command = arguments + 1,
        .variables = variables,
        .files = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO},
        .has_terminal = terminal_is_there(),
    };
    struct platform *platform;
    int status = 0;
    (void)values;

    if (!context_this_machine(context, &platform, err) ||
        !run_in(platform, arguments[0], &session, &status, err))
        return error_wrap(err, "shell");
    context_end_with(context, WIFSIGNALED(status) ? SANDBOX_SIGNALLED + WTERMSIG(status)
                                                  : WEXITSTATUS(status));
    return true;
}

const struct command shell_command = {
    .name = "shell",
    .arguments = "NAME [COMMAND [ARGUMENT...]]",
    .summary = "look around in a function's sandbox on this machine",
    .description =
        "Starts the image's shell, or COMMAND, where the function of this machine would "
        "run:\n"
        "with its files, its environment, its user and its limits, but without an "
        "event. The exit\n"
        "status is the command's.",
    .examples = "skiff --local init -i alpine:3.20 -n hello -s hello.sh\n"
                "skiff shell hello\n"
                "skiff shell hello ls -l /var/task",
    .options = shell_options,
    .values_size = sizeof(struct shell_values),
    .arguments_min = 1,
    .arguments_max = -1,
    .arguments_are_a_command = true,
    .result_is_content = true,
    .run = shell_run,
};
