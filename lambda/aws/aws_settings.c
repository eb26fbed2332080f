/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_settings.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { DIGITS_LIMIT = 9 };

bool aws_settings_open(const char *const *environment, const char *profile,
                       struct aws_settings *out, struct error *err)
{
    const char *name = profile;

    *out = (struct aws_settings){.environment = environment};
    if (!name)
        name = aws_settings_variable(out, "AWS_PROFILE");
    if (!name)
        name = aws_settings_variable(out, "AWS_DEFAULT_PROFILE");
    if (!profile_files_open(environment, &out->files, err))
        return false;
    out->profile_name = name ? memory_copy_string(name) : NULL;
    out->profile_is_named = name;
    out->profile_is_explicit = profile;
    return true;
}

void aws_settings_release(struct aws_settings *settings)
{
    profile_files_release(&settings->files);
    free(settings->profile_name);
    *settings = (struct aws_settings){0};
}

struct profile aws_settings_profile(const struct aws_settings *settings)
{
    return (struct profile){
        .files = &settings->files,
        .name = settings->profile_name ? settings->profile_name : "default",
    };
}

const char *aws_settings_variable(const struct aws_settings *settings, const char *name)
{
    return settings->environment ? environment_get(settings->environment, name) : NULL;
}

char *aws_settings_get(const struct aws_settings *settings, const char *variable,
                       const char *key)
{
    const char *value = aws_settings_variable(settings, variable);
    struct profile profile = aws_settings_profile(settings);

    if (value)
        return memory_copy_string(value);
    return key ? profile_get(&profile, key) : NULL;
}

bool aws_settings_is_on(const struct aws_settings *settings, const char *variable,
                        const char *key)
{
    owned(memory) char *value = aws_settings_get(settings, variable, key);

    return value && strcasecmp(value, "true") == 0;
}

bool aws_settings_number(const struct aws_settings *settings, const char *variable,
                         const char *key, unsigned int limit, unsigned int *out,
                         struct error *err)
{
    owned(memory) char *value = aws_settings_get(settings, variable, key);
    if (!value)
        return true;

    size_t length = strspn(value, "0123456789");
    unsigned long number = length <= DIGITS_LIMIT ? strtoul(value, NULL, 10) : 0;
    if (value[length] || number == 0 || number > limit)
        return error_set(err, ERROR_USAGE, "%s '%.80s' is no number from 1 to %u",
                         aws_settings_variable(settings, variable) ? variable : key, value,
                         limit);
    *out = (unsigned int)number;
    return true;
}

char *aws_settings_path(const struct aws_settings *settings, const char *path)
{
    const char *home = aws_settings_variable(settings, "HOME");

    if (home && strncmp(path, "~/", 2) == 0)
        return text_format("%s%s", home, path + 1);
    return memory_copy_string(path);
}
