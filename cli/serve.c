/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "lambda/local/serve.h"
#include "oci/base/memory.h"

enum { PORT = 9000, PORT_MAX = 65535 };

struct serve_values {
    const char *name;
    const char *address;
    int port;
    int concurrency;
};

static const struct option serve_options[] = {
    OPTION_TEXT(struct serve_values, name, "n", "name", "NAME", "the function to serve"),
    OPTION_NUMBER(struct serve_values, port, NULL, "port", "PORT",
                  "to listen at (default: 9000)"),
    OPTION_TEXT(struct serve_values, address, NULL, "address", "IP",
                "to listen at (default: 127.0.0.1, for this machine only)"),
    OPTION_NUMBER(struct serve_values, concurrency, NULL, "concurrency", "N",
                  "run so many sandboxes at a time (default: 10, in mode http 1)"),
    OPTION_END,
};

static void print_lines(struct log_listener *self, const char *lines, size_t count)
{
    (void)self;
    fwrite(lines, 1, count, stderr);
}

/* Signals that end us wait to be read. */
static int open_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigprocmask(SIG_BLOCK, &signals, NULL);
    return signalfd(-1, &signals, SFD_CLOEXEC);
}

static void print_address(const struct context *context, const char *name, const char *address)
{
    if (context_globals(context)->json)
        describe_print_json(json_pack("{s:s, s:o}", "FunctionName", name, "Url",
                                      json_sprintf("http://%s/", address)),
                            stdout);
    else
        printf("Function '%s' is at http://%s/, for AWS's tools with\n"
               "    aws lambda invoke --endpoint-url http://%s --function-name %s out.json\n"
               "Ctrl-C ends it.\n",
               name, address, address, name);
    fflush(stdout);
}

static bool check(const struct serve_values *values, const char *name, struct error *err)
{
    if (!name)
        return error_set(err, ERROR_USAGE, "say which function: skiff serve NAME");
    if (values->port > PORT_MAX)
        return error_set(err, ERROR_USAGE, "--port %d: there are none beyond %d", values->port,
                         PORT_MAX);
    if (values->concurrency > SERVE_INSTANCES_LIMIT)
        return error_set(err, ERROR_USAGE, "--concurrency %d: at most %d", values->concurrency,
                         SERVE_INSTANCES_LIMIT);
    return definition_check_name(name, err);
}

static bool serve_here(struct context *context, const struct serve_values *values,
                       const char *name, int signals, struct error *err)
{
    struct log_listener printer = {.hear = print_lines};
    owned(serve) struct serve *serve = NULL;
    struct platform *platform;

    if (!context_this_machine(context, &platform, err))
        return false;
    const struct serve_options options = {
        .platform = platform,
        .name = name,
        .address = values->address,
        .port = values->port > 0 ? values->port : PORT,
        .instances = values->concurrency,
        .clock = context_clock(context),
        .progress = context_progress(context),
        .listener = context_globals(context)->quiet ? NULL : &printer,
    };
    if (!serve_open(&options, &serve, err))
        return false;
    print_address(context, name, serve_address(serve));
    return serve_run(serve, signals, err);
}

static bool serve_run_command(struct context *context, const void *values,
                              const char **arguments, struct error *err)
{
    const struct serve_values *serve = values;
    const char *name = serve->name ? serve->name : arguments[0];

    if (!check(serve, name, err))
        return error_wrap(err, "serve");
    int signals = open_signals();
    if (signals < 0)
        return error_set_errno(err, "serve: wait for signals");
    bool served = serve_here(context, serve, name, signals, err);
    close(signals);
    return served || error_wrap(err, "serve %s", name);
}

const struct command serve_command = {
    .name = "serve",
    .arguments = "NAME",
    .summary = "put a function of this machine behind a port",
    .description = "Listens for Lambda's Invoke API, so that the AWS CLI and SDKs work with "
                   "--endpoint-url, and\n"
                   "for any other request, which becomes the event of a function URL. Requests "
                   "at the same time\n"
                   "get sandboxes of their own, which stay warm. What the function logs is "
                   "printed on stderr.\n"
                   "Whoever reaches the address may run the function.",
    .examples = "skiff serve hello\n"
                "curl http://127.0.0.1:9000/?name=world\n"
                "aws lambda invoke --endpoint-url http://127.0.0.1:9000 --function-name hello "
                "out.json",
    .options = serve_options,
    .values_size = sizeof(struct serve_values),
    .arguments_max = 1,
    .result_is_content = true,
    .run = serve_run_command,
};
