/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_endpoint.h"

#include "oci/base/memory.h"

/* What the user says, a new string, and who said so; NULL where nobody does. */
static char *find_url(const struct aws_settings *settings, const char *service,
                      const char **said_by)
{
    const char *variables[] = {endpoint_variable(service), "AWS_ENDPOINT_URL"};
    struct profile profile = aws_settings_profile(settings);
    owned(memory) char *section = profile_get(&profile, "services");

    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++) {
        const char *value = aws_settings_variable(settings, variables[i]);
        *said_by = variables[i];
        if (value)
            return memory_copy_string(value);
    }
    *said_by = "endpoint_url of the profile";
    char *url = section ? profile_section_get(&settings->files, "services", section,
                                              endpoint_key(service), "endpoint_url")
                        : NULL;
    return url ? url : profile_get(&profile, "endpoint_url");
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
    owned(memory) char *url = ignored ? NULL : find_url(settings, service, &wish.said_by);

    wish.url = url;
    return endpoint_make(service, region, &wish, out, err);
}
