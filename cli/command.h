/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a command is. Each one has a file of its own and a line in main.c.
 */

#include "cli/option.h"

struct context; /* cli/context.h: what every command may use */

struct command {
    const char *name;
    const char *arguments;   /* "IMAGE FOLDER" in the usage line; NULL for none */
    const char *summary;     /* one line, no full stop */
    const char *description; /* paragraphs for someone who has never seen the tool */
    const char *examples;    /* lines to copy */
    const struct option *options;
    size_t values_size; /* of the struct the options fill in */
    int arguments_min;
    int arguments_max;            /* -1: any number */
    bool arguments_are_a_command; /* the first one ends the options */
    bool result_is_content; /* stdout carries what was asked for, so news goes to stderr */
    bool (*run)(struct context *context, const void *values, const char **arguments,
                struct error *err);
};

extern const struct command init_command;
extern const struct command update_command;
extern const struct command deploy_command;
extern const struct command prune_command;
extern const struct command export_command;
extern const struct command ls_command;
extern const struct command log_command;
extern const struct command run_command;
extern const struct command shell_command;
extern const struct command invoke_command;
extern const struct command serve_command;
extern const struct command rm_command;
extern const struct command build_command;
extern const struct command rebase_command;
extern const struct command copy_command;
extern const struct command inspect_command;
extern const struct command login_command;
extern const struct command logout_command;
extern const struct command tags_command;
extern const struct command doctor_command;
