/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/region.h"

#include <string.h>

#include "lambda/aws/instance_metadata.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { REGION_LIMIT = 63 }; /* characters */

bool region_is_valid(const char *text)
{
    size_t length = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-");

    return length > 0 && length <= REGION_LIMIT && !text[length] && text[0] != '-' &&
           text[length - 1] != '-';
}

static char *find_variable(const struct aws_settings *settings, char **origin)
{
    static const char *const names[] = {"AWS_REGION", "AWS_DEFAULT_REGION"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = aws_settings_variable(settings, names[i]);
        if (value) {
            *origin = memory_copy_string(names[i]);
            return memory_copy_string(value);
        }
    }
    return NULL;
}

static bool find_any(const char *option, const struct credentials_sources *sources, char **out,
                     char **origin, struct error *err)
{
    if (option) {
        *origin = memory_copy_string("the command line or the definition");
        *out = memory_copy_string(option);
        return true;
    }
    *out = find_variable(sources->settings, origin);
    if (*out)
        return true;
    *out = profile_get(&sources->profile, "region");
    if (*out) {
        *origin = text_format("profile '%s'", sources->profile.name);
        return true;
    }
    if (!instance_metadata_get(sources, "placement/region", out, err))
        return false;
    if (*out)
        *origin = memory_copy_string("the instance's metadata");
    return *out ||
           error_set(err, ERROR_USAGE,
                     "no AWS region: give --region, set AWS_REGION, or 'region' in profile "
                     "'%.80s' of '%.200s'",
                     sources->profile.name,
                     sources->profile.files->config_path ? sources->profile.files->config_path
                                                         : "");
}

bool region_find(const char *option, const struct credentials_sources *sources, char **out,
                 char **origin, struct error *err)
{
    owned(memory) char *region = NULL;
    owned(memory) char *said_by = NULL;

    if (!find_any(option, sources, &region, &said_by, err))
        return false;
    if (!region_is_valid(region))
        return error_set(err, ERROR_USAGE,
                         "'%.80s' is no AWS region, which looks like eu-west-1", region);
    *out = take(&region);
    *origin = take(&said_by);
    return true;
}
