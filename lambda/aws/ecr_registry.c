/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/ecr_registry.h"

#include <ctype.h>
#include <string.h>

#include "lambda/aws/ecr.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { ACCOUNT_DIGITS = 12 };

/* Of every partition, and those of the dual-stack hosts. */
static const char *const domains[] = {
    "amazonaws.com",
    "amazonaws.com.cn",
    "amazonaws.eu",
    "on.aws",
    "on.amazonwebservices.com.cn",
    "sc2s.sgov.gov",
    "c2s.ic.gov",
    "cloud.adc-e.uk",
    "csp.hci.ic.gov",
};

static bool is_domain(const char *text)
{
    for (size_t i = 0; i < sizeof domains / sizeof *domains; i++)
        if (strcmp(text, domains[i]) == 0)
            return true;
    return false;
}

/* Moves past `word` where the text begins with it. */
static bool skip(const char **at, const char *word)
{
    size_t length = strlen(word);

    if (strncmp(*at, word, length) != 0)
        return false;
    *at += length;
    return true;
}

char *ecr_registry_region(const char *host)
{
    const char *at = host;

    while (isdigit((unsigned char)*at))
        at++;
    if (at - host != ACCOUNT_DIGITS)
        return NULL;
    if (!skip(&at, ".dkr.ecr") && !skip(&at, ".dkr-ecr"))
        return NULL;
    skip(&at, "-fips");
    if (!skip(&at, "."))
        return NULL;

    size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789-");
    if (length == 0 || at[length] != '.' || !is_domain(at + length + 1))
        return NULL;
    return text_format("%.*s", (int)length, at);
}

/* The answer names the registry of the account that asked, which need not be the one we go to.
 * Any other address is that of a private endpoint or a test server, and is to be used. */
static char *choose_url(const char *host, const char *answered)
{
    const char *answered_host = strstr(answered, "://");
    owned(memory) char *region = answered_host ? ecr_registry_region(answered_host + 3) : NULL;

    return region ? text_format("https://%s", host) : memory_copy_string(answered);
}

static bool is_written_down(const char *const *environment, const char *host)
{
    owned(registry_logins) struct registry_logins logins = {0};
    struct error ignored;

    return registry_logins_find(environment, host, &logins, &ignored) && logins.count > 0;
}

bool ecr_registry_log_in(const struct aws_options *options, const char *host, struct error *err)
{
    owned(aws_session) struct aws_session session = {0};
    owned(ecr_login) struct ecr_login login = {0};
    owned(memory) char *region = ecr_registry_region(host);
    struct aws_options there = *options;

    there.region = region;
    if (!aws_session_open(&there, &session, err))
        return false;
    if (!aws_session_check_credentials(&session, NULL, err))
        return is_written_down(options->environment, host) ||
               error_wrap(err, "login for %s", host);
    if (!ecr_ask_login(&session.aws, &login, err))
        return error_wrap(err, "login for %s", host);
    owned(memory) char *url = choose_url(host, login.url);
    registries_set_login(options->registries, host, url, &login.login);
    return true;
}
