/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char SHELL[] = "/bin/sh";

enum { FIRST_LINE_LIMIT = 256 }; /* what Linux looks at */

void program_release(struct program *program)
{
    for (char **argument = program->arguments; argument && *argument; argument++)
        free(*argument);
    free(program->arguments);
    free(program->path);
    *program = (struct program){0};
}

static struct program program_new(const char *path, const char *const *arguments)
{
    size_t count = 0;
    while (arguments[count])
        count++;

    struct program program = {
        .path = memory_copy_string(path),
        .arguments = memory_new(count + 1, sizeof(char *)),
    };
    for (size_t i = 0; i < count; i++)
        program.arguments[i] = memory_copy_string(arguments[i]);
    return program;
}

static bool is_executable(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

bool program_from_command(const char *const *arguments, const char *search, struct program *out,
                          struct error *err)
{
    const char *name = arguments[0];

    if (strchr(name, '/')) {
        if (access(name, F_OK) != 0)
            return error_set(err, ERROR_NOT_FOUND, "'%.200s' is not in the image", name);
        if (!is_executable(name))
            return error_set(err, ERROR_INVALID, "'%.200s' is not executable", name);
        *out = program_new(name, arguments);
        return true;
    }

    for (const char *at = search;;) {
        size_t length = strcspn(at, ":");
        owned(memory) char *path =
            text_format("%.*s/%s", length ? (int)length : 1, length ? at : ".", name);
        if (is_executable(path)) {
            *out = program_new(path, arguments);
            return true;
        }
        if (at[length] == '\0')
            break;
        at += length + 1;
    }
    return error_set(err, ERROR_NOT_FOUND, "no program '%.200s' in PATH (%.300s)", name,
                     search);
}

/* The file's first bytes, as a string. */
static bool read_start(const char *file, char start[FIRST_LINE_LIMIT], struct error *err)
{
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT)
        return error_set(err, ERROR_NOT_FOUND, "'%.200s' is not in the image", file);
    if (fd < 0)
        return error_set_errno(err, "open '%.200s'", file);

    ssize_t count = read(fd, start, FIRST_LINE_LIMIT - 1);
    if (count < 0)
        error_set_errno(err, "read '%.200s'", file);
    close(fd);
    start[count < 0 ? 0 : count] = '\0';
    return count >= 0;
}

/* Splits "#! /bin/bash -eu" as Linux does: the interpreter and at most one argument. */
static char *parse_interpreter(char *line, char **argument)
{
    char *interpreter = line + strspn(line, " \t");
    interpreter[strcspn(interpreter, "\n")] = '\0';

    size_t end = strlen(interpreter);
    while (end > 0 && strchr(" \t", interpreter[end - 1]))
        interpreter[--end] = '\0';

    char *rest = interpreter + strcspn(interpreter, " \t");
    *argument = *rest ? rest + 1 + strspn(rest + 1, " \t") : NULL;
    *rest = '\0';
    return interpreter;
}

/* A carriage return in a name is nothing that anybody sees. */
static void warn(const char *interpreter, const char *file, enum log_level lowest)
{
    if (strchr(interpreter, '\r'))
        log_line(lowest, LOG_WARNING,
                 "The lines of '%.200s' end as on Windows (CR LF), the first one too, so it is "
                 "run by %s: let them end in LF alone",
                 file, SHELL);
    else if (strcmp(interpreter, SHELL) != 0)
        log_line(lowest, LOG_WARNING, "The image has no '%.80s': '%.200s' is run by %s",
                 interpreter, file, SHELL);
}

bool program_from_file(const char *file, enum log_level lowest, struct program *out,
                       struct error *err)
{
    char start[FIRST_LINE_LIMIT];
    if (!read_start(file, start, err))
        return false;

    if (strncmp(start, "\177ELF", 4) == 0) {
        if (!is_executable(file))
            return error_set(err, ERROR_INVALID,
                             "'%.200s' is a program, but not executable (chmod +x helps)",
                             file);
        *out = program_new(file, (const char *[]){file, NULL});
        return true;
    }

    if (strncmp(start, "#!", 2) == 0) {
        char *argument;
        const char *interpreter = parse_interpreter(start + 2, &argument);
        if (is_executable(interpreter)) {
            *out = program_new(interpreter,
                               (const char *[]){interpreter, argument ? argument : file,
                                                argument ? file : NULL, NULL});
            return true;
        }
        warn(interpreter, file, lowest);
    }

    if (!is_executable(SHELL))
        return error_set(err, ERROR_NOT_FOUND,
                         "'%.200s' needs a shell and the image has no %s: take a base image "
                         "with one, or a statically linked program instead of a script",
                         file, SHELL);
    *out = program_new(SHELL, (const char *[]){SHELL, file, NULL});
    return true;
}
