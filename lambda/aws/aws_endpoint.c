/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_endpoint.h"

#include "oci/base/memory.h"

/* Of the profile's own section of services. */
static bool find_in_section(const struct aws_settings *settings, const struct profile *profile,
                            const char *service, char **url, struct error *err)
{
    owned(memory) char *section = profile_get(profile, "services");

    if (!section)
        return true;
    if (!profile_section_exists(&settings->files, "services", section))
        return error_set(err, ERROR_USAGE,
                         "profile '%.80s' names services '%.80s', which are not in '%.200s'",
                         profile->name, section, settings->files.config_path);
    *url = profile_section_get(&settings->files, "services", section, endpoint_key(service),
                               "endpoint_url");
    return true;
}

/* What the user says, a new string, and who said so; NULL where nobody does. */
static bool find_url(const struct aws_settings *settings, const char *service,
                     const char **said_by, char **url, struct error *err)
{
    const char *variables[] = {endpoint_variable(service), "AWS_ENDPOINT_URL"};
    struct profile profile = aws_settings_profile(settings);

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = aws_settings_variable(settings, variables[i]);
        *said_by = variables[i];
        if (!value)
            continue;
        *url = memory_copy_string(value);
        return true;
    }
    *said_by = "endpoint_url of the profile";
    if (!find_in_section(settings, &profile, service, url, err))
        return false;
    if (!*url)
        *url = profile_get(&profile, "endpoint_url");
    return true;
}

bool aws_endpoint_find(const struct aws_settings *settings, const char *service,
                       const char *region, struct endpoint *out, struct error *err)
{
    struct endpoint_wish wish = {
        .fips = settings->wants_fips ||
                aws_settings_is_on(settings, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint"),
        .dual_stack = aws_settings_is_on(settings, "AWS_USE_DUALSTACK_ENDPOINT",
                                         "use_dualstack_endpoint"),
    };
    bool ignored = aws_settings_is_on(settings, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                                      "ignore_configured_endpoint_urls");
    owned(memory) char *url = NULL;

    if (!ignored && !find_url(settings, service, &wish.said_by, &url, err))
        return false;
    wish.url = url;
    return endpoint_make(service, region, &wish, out, err);
}
