/* SPDX-License-Identifier: Apache-2.0 */

/*
 * skiff: from the words on the command line to one command, and back to an exit
 * status. Errors are printed here and nowhere else.
 */

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/output.h"
#include "oci/base/memory.h"

/* In the order of the help. */
static const struct command *const commands[] = {
    /* functions */
    &init_command,
    &update_command,
    &deploy_command,
    &run_command,
    &invoke_command,
    &log_command,
    &shell_command,
    &serve_command,
    &ls_command,
    &prune_command,
    &rm_command,
    &export_command,
    /* images */
    &build_command,
    &rebase_command,
    &copy_command,
    &inspect_command,
    &tags_command,
    /* whatever they need */
    &login_command,
    &logout_command,
    &doctor_command,
};

enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct option global_options[] = {
    OPTION_FLAG(struct global_values, local, NULL, "local",
                "use this machine instead of AWS (also SKIFF_LOCAL=1)"),
    OPTION_TEXT(struct global_values, profile, "pf", "profile", "NAME",
                "the profile of AWS's configuration (default: AWS_PROFILE)"),
    OPTION_TEXT(struct global_values, region, NULL, "region", "REGION",
                "the AWS region (default: AWS_REGION, or the profile's)"),
    OPTION_TEXT(struct global_values, ca_file, NULL, "ca-file", "FILE",
                "certificates to trust, in PEM"),
    OPTION_LIST(struct global_values, plain_http, NULL, "plain-http", "HOST[:PORT]",
                "ask this registry by http; may be repeated"),
    OPTION_LIST(struct global_values, mirrors, NULL, "mirror", "HOST=PLACE",
                "pull what is at HOST from PLACE first; may be repeated"),
    OPTION_NUMBER(struct global_values, timeout_s, NULL, "timeout", "SECONDS",
                  "of silence before a connection is given up (default: 60)"),
    OPTION_FLAG(struct global_values, timings, NULL, "timings",
                "say how many round trips there were, and how many in turn"),
    OPTION_FLAG(struct global_values, json, "j", "json",
                "print one JSON document and nothing else"),
    OPTION_REFUSED("v", "verbose", "AWS's own answers are not shown; --json has what they say"),
    OPTION_FLAG(struct global_values, quiet, "q", "quiet", "print no progress"),
    OPTION_FLAG(struct global_values, version, NULL, "version", "print the version"),
    OPTION_FLAG(struct global_values, help, "h", "help", "explain"),
    OPTION_END,
};

/* SCAR's commands that skiff has not, and what does the same. */
static const struct {
    const char *name;
    const char *instead;
} elsewhere[] = {
    {"put", "'aws s3 cp PATH s3://BUCKET/FOLDER/'"},
    {"get", "'aws s3 cp --recursive s3://BUCKET/FOLDER/ PATH'"},
};

static bool refuse_command(const char *name, struct error *err)
{
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (strcmp(elsewhere[i].name, name) == 0)
            return error_set(err, ERROR_USAGE, "no command '%s'; use %s", name,
                             elsewhere[i].instead);
    return error_set(err, ERROR_USAGE, "no command '%.80s'; see: skiff --help", name);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

static void print_usage(FILE *out)
{
    fputs("skiff turns a container image and a script into an AWS Lambda function:\n"
          "no Docker, no root, no daemon.\n\n"
          "usage: skiff [OPTIONS] COMMAND [OPTIONS]\n\n",
          out);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\noptions, before or after the command:\n", out);
    option_print_help(global_options, out);
    fputs("\nTry it here, without an account:\n"
          "  skiff --local init -i alpine:3.20 -n hello -s hello.sh\n"
          "  skiff --local run -n hello\n\n"
          "'skiff COMMAND --help' explains one of them.\n",
          out);
}

/* The examples, each line set in. */
static void print_examples(const char *examples, FILE *out)
{
    fputs("\nexamples:\n", out);
    for (const char *line = examples; *line;) {
        size_t length = strcspn(line, "\n");
        fprintf(out, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

static void print_command_usage(const struct command *command, FILE *out)
{
    fprintf(out, "usage: skiff %s [OPTIONS]%s%s\n\n%s\n\n", command->name,
            command->arguments ? " " : "", command->arguments ? command->arguments : "",
            command->description);
    option_print_help(command->options, out);
    fprintf(out, "%soptions of every command:\n",
            command->options->kind == OPTION_KIND_END ? "" : "\n");
    option_print_help(global_options, out);
    print_examples(command->examples, out);
}

static bool check_arguments(const struct command *command, int count, struct error *err)
{
    bool enough = count >= command->arguments_min;
    bool few_enough = command->arguments_max < 0 || count <= command->arguments_max;

    if (enough && few_enough)
        return true;
    return error_set(err, ERROR_USAGE, "%s takes %s", command->name,
                     command->arguments ? command->arguments : "options only");
}

static bool call(const struct command *command, const struct global_values *globals,
                 const void *values, const char **words, int *status, struct error *err)
{
    owned(context) struct context *context =
        context_new(globals, (const char *const *)environ, command->result_is_content);

    if (!command->run(context, values, words, err))
        return false;
    *status = context_exit_status(context);
    return true;
}

static bool execute(const struct command *command, struct global_values *globals, int argc,
                    const char **argv, int *status, struct error *err)
{
    owned(memory) void *values = memory_new(1, command->values_size);
    const struct option_set sets[] = {
        {command->options, values}, {global_options, globals}, {NULL, NULL}};
    int count;

    bool right = option_parse(sets, command->arguments_are_a_command, argc, argv, &count, err);
    if (right && globals->help) {
        print_command_usage(command, stdout);
    } else if (right) {
        /* Words end by NULL, as argv does: what was not moved up is still behind them. */
        argv[count] = NULL;
        right = check_arguments(command, count, err) &&
                call(command, globals, values, argv, status, err);
    }
    option_release(command->options, values);
    return right;
}

/* Options before the command are the global ones. */
static bool dispatch(int argc, const char **argv, struct global_values *globals, int *status,
                     struct error *err)
{
    const struct option_set sets[] = {{global_options, globals}, {NULL, NULL}};
    int count;

    if (!option_parse(sets, true, argc - 1, argv + 1, &count, err))
        return false;
    argv[1 + count] = NULL;
    if (globals->version) {
        puts("skiff " SKIFF_VERSION);
        return true;
    }
    const char **words = argv + 1;
    bool asked = count > 0 && strcmp(words[0], "help") == 0; /* "help init" is "init --help" */
    if (asked) {
        globals->help = true;
        words++;
        count--;
    }
    if (count == 0) {
        print_usage(globals->help ? stdout : stderr);
        err->kind = globals->help ? ERROR_NONE : ERROR_USAGE;
        return globals->help;
    }
    const struct command *command = find_command(words[0]);
    if (!command)
        return refuse_command(words[0], err);
    return execute(command, globals, count - 1, words + 1, status, err);
}

/* A closed stdin, stdout or stderr would give its number to the next file that is opened, and
 * what is printed would end up in there. What takes its place refuses it instead. */
static void keep_standard_numbers(void)
{
    for (int number = STDIN_FILENO; number <= STDERR_FILENO; number++)
        if (fcntl(number, F_GETFD) < 0)
            open("/dev/null", number == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

/* It would have keys, tokens and words in it, in a file that outlives them. Who takes cores by
 * a pipe looks at the limit, too. A program that we start may raise it again. */
static void leave_no_core(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_CORE, &limit) == 0) {
        limit.rlim_cur = 0;
        setrlimit(RLIMIT_CORE, &limit);
    }
}

int main(int argc, char **argv)
{
    struct global_values globals = {0};
    struct error err = {0};
    int status = EXIT_SUCCESS;

    leave_no_core();
    keep_standard_numbers();
    output_begin();
    signal(SIGPIPE, SIG_IGN); /* a broken pipe is an error of write(), with a sentence */
    bool done = dispatch(argc, (const char **)argv, &globals, &status, &err);
    if (done)
        done = output_flush(&err);
    else
        fflush(stdout); /* before the error, where both go to one file */
    option_release(global_options, &globals);
    if (done)
        return status;
    if (err.text[0])
        fprintf(stderr, "skiff: %s\n", err.text);
    return error_exit_status(&err);
}
