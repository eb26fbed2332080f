/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_proxies.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* The first of the names that is set; "" tells libcurl not to look for itself. */
static char *find(const char *const *environment, const char *const *names)
{
    for (; *names; names++)
        if (environment_get(environment, *names))
            return memory_copy_string(environment_get(environment, *names));
    return memory_copy_string("");
}

void http_proxies_read(const char *const *environment, struct http_proxies *out)
{
    /* HTTP_PROXY is left out, as curl does: a CGI script's clients choose it. */
    static const char *const for_http[] = {"http_proxy", "all_proxy", "ALL_PROXY", NULL};
    static const char *const for_https[] = {"https_proxy", "HTTPS_PROXY", "all_proxy",
                                            "ALL_PROXY", NULL};
    static const char *const for_none[] = {"no_proxy", "NO_PROXY", NULL};
    static const char never[] =
        "localhost,127.0.0.0/8,127.0.0.1,::1,"
        "169.254.169.254,169.254.170.2,169.254.170.23,fd00:ec2::254,fd00:ec2::23";
    owned(memory) char *none = find(environment, for_none);

    out->http = find(environment, for_http);
    out->https = find(environment, for_https);
    out->none = strcmp(none, "*") == 0 ? take(&none) : text_format("%s,%s", never, none);
}

void http_proxies_release(struct http_proxies *proxies)
{
    free(proxies->http);
    free(proxies->https);
    free(proxies->none);
    *proxies = (struct http_proxies){0};
}
