/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_proxies.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/http.h"

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

/* Who is asked, and at which port, the usual one too. */
static void split_host(const char *url, char **host, char **port)
{
    owned(memory) char *origin = http_url_origin(url);
    const char *scheme = strstr(origin, "://");
    const char *name = scheme ? scheme + 3 : origin;
    const char *colon = strrchr(name, ':');
    const char *bracket = strrchr(name, ']');
    bool has_port = colon && (!bracket || colon > bracket);
    size_t length = has_port ? (size_t)(colon - name) : strlen(name);

    *host = text_format("%.*s", (int)length, name);
    *port = memory_copy_string(has_port                            ? colon + 1
                               : strncmp(origin, "https:", 6) == 0 ? "443"
                                                                   : "80");
}

/* Whether the host is the one named, or one below it. */
static bool is_host_of(const char *host, const char *name, size_t length)
{
    size_t host_length = strlen(host);

    for (; length > 0 && (*name == '*' || *name == '.'); length--)
        name++;
    if (length == 0 || length > host_length)
        return false;
    const char *end = host + host_length - length;
    return strncasecmp(end, name, length) == 0 && (end == host || end[-1] == '.');
}

static bool is_named_with_port(const char *list, const char *host, const char *port)
{
    owned(memory) char *ending = text_format(":%s", port);
    size_t ending_length = strlen(ending);

    while (*list) {
        size_t length = strcspn(list, ", ");
        size_t name = length > ending_length ? length - ending_length : 0;
        if (strncmp(list + name, ending, ending_length) == 0 && is_host_of(host, list, name))
            return true;
        list += length;
        list += strspn(list, ", ");
    }
    return false;
}

const char *http_proxies_for(const struct http_proxies *proxies, const char *url)
{
    owned(memory) char *host = NULL;
    owned(memory) char *port = NULL;

    split_host(url, &host, &port);
    if (is_named_with_port(proxies->none, host, port))
        return "";
    return strncmp(url, "https:", 6) == 0 ? proxies->https : proxies->http;
}

/* "… in 'http://user:password@host': …"; a password may have any character, a quote too. */
void http_proxies_hide_user(char *sentence)
{
    char *quote = strchr(sentence, '\'');
    char *at = strrchr(sentence, '@');

    if (!quote || !at || at < quote)
        return;
    char *scheme = strstr(quote, "://");
    char *user = scheme && scheme < at ? scheme + 3 : quote + 1;
    memmove(user, at + 1, strlen(at + 1) + 1);
}

void http_proxies_release(struct http_proxies *proxies)
{
    free(proxies->http);
    free(proxies->https);
    free(proxies->none);
    *proxies = (struct http_proxies){0};
}
