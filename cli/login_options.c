/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/login_options.h"

#include "cli/context.h"
#include "cli/secret.h"
#include "oci/base/memory.h"

bool login_options_read(const struct login_values *values, struct registry_login *out,
                        struct error *err)
{
    owned(registry_login) struct registry_login login = {0};

    if (!values->username && values->password_stdin)
        return error_set(err, ERROR_USAGE, "--password-stdin needs --username USER");
    if (!values->username)
        return true;
    if (!values->username[0])
        return error_set(err, ERROR_USAGE, "--username is empty");
    if (!values->password_stdin && !secret_can_ask())
        return error_set(err, ERROR_USAGE,
                         "no terminal to ask for the password: give --password-stdin");
    login.user = memory_copy_string(values->username);
    if (!secret_read("Password: ", true, &login.password, err))
        return error_wrap(err, "password");
    if (!registry_login_check(&login, err))
        return false;
    *out = login;
    login = (struct registry_login){0};
    return true;
}

bool login_options_use(const struct login_values *values, struct context *context,
                       const struct location *image, struct error *err)
{
    owned(registry_login) struct registry_login login = {0};

    if (values->username && image->kind != LOCATION_REGISTRY)
        return error_set(err, ERROR_USAGE,
                         "--username is for a registry, and none is asked here");
    if (!login_options_read(values, &login, err))
        return false;
    return !login.user || context_set_login(context, image->reference.host, &login, err);
}
