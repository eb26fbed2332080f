/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The options that describe a function, shared by init and build.
 */

#include "cli/option.h"
#include "lambda/definition.h"

struct context;

struct function_values {
    const char *file;
    const char *image;
    const char *image_file;
    const char *name;
    const char *script;
    const char *description;
    const char *role;
    bool creates_role;
    const char *log_level;
    const char *runtime;
    const char *execution_mode;
    const char *ignored; /* options that mean nothing for an image */
    const char *input;
    const char *output;
    int timeout_threshold_s;
    int memory_mib;
    int timeout_s;
    struct option_list environment;
    struct option_list function_environment;
    struct option_list copies;
    const char *extra_payload;
    const char *supervisor;
};

#define FUNCTION_OPTIONS_NO_BATCH                                                              \
    "skiff knows nothing of AWS Batch, functions run on Lambda alone"

/* clang-format off */
#define FUNCTION_OPTIONS(type, function) \
    OPTION_TEXT(type, function.file, "f", "conf-file", "FILE", "the function's definition, in YAML"), \
    OPTION_TEXT(type, function.image, "i", "image", "IMAGE", "the base image"), \
    OPTION_TEXT(type, function.image_file, "if", "image-file", "FILE", "the base image as docker save wrote it"), \
    OPTION_TEXT(type, function.name, "n", "name", "NAME", "the function's name"), \
    OPTION_TEXT(type, function.script, "s", "init-script", "FILE", "the script that runs for each event"), \
    OPTION_LIST(type, function.environment, "e", "environment", "VAR[=VALUE]", "a variable for the script, or skiff's own; may be repeated"), \
    OPTION_LIST(type, function.copies, NULL, "copy", "SRC:DEST", "a folder or file for the image; may be repeated"), \
    OPTION_TEXT(type, function.extra_payload, "ep", "extra-payload", "FOLDER", "a folder for /var/task, as SCAR has it")
/* clang-format on */

/** Reads the file of a command that is about functions which are there. ERROR_USAGE when both
 * or none of `name` and `path` are given. With a name there is nothing to read. */
bool function_options_find(const char *name, const char *path, struct progress *progress,
                           struct definition_file *out, struct error *err) MUST_CHECK;

/** The same for a command that is about one function: its name, and its region or NULL, both
 *  borrowed from `name` or `file`. ERROR_USAGE too when the file has several. */
bool function_options_find_one(const char *name, const char *path, struct progress *progress,
                               struct definition_file *file, const char **found,
                               const char **region, struct error *err) MUST_CHECK;

/** Reads the definition file, or makes one of the options alone. ERROR_USAGE. */
bool function_options_read(const struct function_values *values, bool name_is_optional,
                           struct context *context, struct definition_file *out,
                           struct error *err) MUST_CHECK;
