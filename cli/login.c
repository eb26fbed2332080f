/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "cli/login_options.h"
#include "cli/secret.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/login_save.h"

struct login_command_values {
    struct login_values login;
};

static const struct option login_options[] = {
    LOGIN_OPTIONS(struct login_command_values, login),
    OPTION_END,
};

/* "quay.io", also as "https://quay.io/"; a reference knows what a host is. */
static bool parse_host(const char *text, struct reference *out, struct error *err)
{
    const char *scheme = strstr(text, "://");
    const char *begin = scheme ? scheme + 3 : text;
    size_t length = strlen(begin);
    struct error ignored;

    if (length > 0 && begin[length - 1] == '/')
        length--;
    owned(memory) char *image = text_format("%.*s/x", (int)length, begin);
    if (reference_parse(image, out, &ignored) &&
        (strcmp(out->repository, "x") == 0 || strcmp(out->repository, "library/x") == 0))
        return true;
    return error_set(
        err, ERROR_USAGE,
        "'%.80s' is no registry's host, which has a dot or a port, or is localhost", text);
}

static bool read_login(const struct login_values *given, struct registry_login *out,
                       struct error *err)
{
    struct login_values values = *given;
    owned(memory) char *user = NULL;

    if (!values.username && !values.password_stdin) {
        if (!secret_can_ask())
            return error_set(err, ERROR_USAGE,
                             "no terminal to ask who you are: give --username USER and "
                             "--password-stdin");
        if (!secret_read("Username: ", false, &user, err))
            return error_wrap(err, "user");
        values.username = user;
    }
    return login_options_read(&values, out, err);
}

static bool login_run(struct context *context, const void *values, const char **arguments,
                      struct error *err)
{
    const struct login_command_values *command = values;
    owned(registry_login) struct registry_login login = {0};
    owned(memory) char *keeper = NULL;
    struct reference reference;

    if (!parse_host(arguments[0], &reference, err) || !read_login(&command->login, &login, err))
        return error_wrap(err, "login");
    if (!context_check_login(context, reference.host, &login, err) ||
        !registry_login_save(context_environment(context), reference.host, &login, &keeper,
                             err))
        return error_wrap(err, "login %s", reference.host);
    if (context_globals(context)->json) {
        json_t *json = json_pack("{s:s}", "host", reference.host);
        json_object_set_new(json, "user", json_lossy_string(login.user, strlen(login.user)));
        json_object_set_new(json, "keeper", json_lossy_string(keeper, strlen(keeper)));
        describe_print_json(json, stdout);
    }
    progress_step(context_progress(context), "%s: logged in as %s, kept in %s", reference.host,
                  login.user, keeper);
    return true;
}

const struct command login_command = {
    .name = "login",
    .arguments = "HOST",
    .summary = "log in to a registry",
    .description =
        "Tries the login at the registry and writes it down where docker does, for docker,\n"
        "podman and skiff to find: in REGISTRY_AUTH_FILE, $DOCKER_CONFIG/config.json or\n"
        "~/.docker/config.json, or with the helper program that file names. What is not given "
        "is\n"
        "asked for on the terminal. Registries of Amazon ECR need no login: AWS's credentials\n"
        "are one.",
    .examples = "skiff login quay.io\n"
                "skiff login registry.example:5000 -u me --password-stdin < password.txt",
    .options = login_options,
    .values_size = sizeof(struct login_command_values),
    .arguments_min = 1,
    .arguments_max = 1,
    .run = login_run,
};

static const struct option logout_options[] = {OPTION_END};

static bool logout_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    owned(memory) char *keeper = NULL;
    struct reference reference;
    bool found;
    (void)values;

    if (!parse_host(arguments[0], &reference, err))
        return error_wrap(err, "logout");
    if (!registry_login_erase(context_environment(context), reference.host, &found, &keeper,
                              err))
        return error_wrap(err, "logout %s", reference.host);
    if (context_globals(context)->json) {
        json_t *json = json_pack("{s:s, s:b}", "host", reference.host, "removed", found);
        json_object_set_new(json, "keeper", json_lossy_string(keeper, strlen(keeper)));
        describe_print_json(json, stdout);
    }
    progress_step(context_progress(context), "%s: %s %s", reference.host,
                  found ? "login removed from" : "no login in", keeper);
    return true;
}

const struct command logout_command = {
    .name = "logout",
    .arguments = "HOST",
    .summary = "forget the login for a registry",
    .description =
        "Removes what 'skiff login' or 'docker login' wrote down for the host. Logins "
        "for a\n"
        "namespace of it, as podman keeps them, stay.",
    .examples = "skiff logout quay.io",
    .options = logout_options,
    .values_size = 1,
    .arguments_min = 1,
    .arguments_max = 1,
    .run = logout_run,
};
