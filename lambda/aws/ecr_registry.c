/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/ecr_registry.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lambda/aws/ecr.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    ACCOUNT_DIGITS = 12,
    LIFE_S = 12 * 3600,
    NEXT_TRY_S = 600, /* after a login could not be renewed in time */
};

static const char PUBLIC_REGION[] = "us-east-1"; /* the only one that gives logins for it */

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

static bool is_public(const char *host)
{
    return strcmp(host, "public.ecr.aws") == 0 || strcmp(host, "ecr-public.aws.com") == 0;
}

bool ecr_registry_takes_credentials(const char *host)
{
    owned(memory) char *region = ecr_registry_region(host);

    return region || is_public(host);
}

/* --- getting logins -------------------------------------------------------------------------
 */

/* A client of its own, opened when it is needed first: it may outlive whoever made it. */
struct ecr_source {
    struct login_source source;
    struct aws_options options; /* with copies of the two texts that follow */
    char *profile;
    char *region;
    char *host;
    struct aws_session session;
    bool is_open; /* the session */
    time_t old_at;
};

static bool open_session(struct ecr_source *source, struct error *err)
{
    if (source->is_open)
        return true;
    if (!aws_session_open(&source->options, &source->session, err)) {
        aws_session_release(&source->session);
        return false;
    }
    source->session.settings.wants_fips = strstr(source->host, "ecr-fips.");
    source->is_open = true;
    return true;
}

/* An answer that is no time to come, as test servers give it, says nothing. */
static void note_expiry(struct ecr_source *source, time_t expires)
{
    time_t now = clock_now(source->options.clock);

    if (expires <= now)
        expires = now + LIFE_S;
    source->old_at = now + (expires - now) / 2;
}

/* With the session open. */
static bool ask_login(struct ecr_source *source, struct ecr_login *out, struct error *err)
{
    const struct aws *aws = &source->session.aws;

    if (!(is_public(source->host) ? ecr_ask_public_login : ecr_ask_login)(aws, out, err))
        return false;
    note_expiry(source, out->expires);
    return true;
}

static bool ecr_source_is_old(struct login_source *self)
{
    const struct ecr_source *source = (const struct ecr_source *)self;

    return clock_now(source->options.clock) >= source->old_at;
}

static bool ecr_source_renew(struct login_source *self, struct registry_login *out,
                             struct error *err)
{
    struct ecr_source *source = (struct ecr_source *)self;
    owned(ecr_login) struct ecr_login login = {0};

    if (!open_session(source, err) || !ask_login(source, &login, err)) {
        source->old_at = clock_now(source->options.clock) + NEXT_TRY_S;
        return error_wrap(err, "new login for %s", source->host);
    }
    *out = login.login;
    login.login = (struct registry_login){0};
    return true;
}

static void ecr_source_free(struct login_source *self)
{
    struct ecr_source *source = (struct ecr_source *)self;

    aws_session_release(&source->session);
    free(source->profile);
    free(source->region);
    free(source->host);
    free(source);
}

static struct ecr_source *ecr_source_new(const struct aws_options *options, const char *host)
{
    struct ecr_source *source = memory_new(1, sizeof *source);
    char *region = ecr_registry_region(host);

    if (!region && is_public(host))
        region = memory_copy_string(PUBLIC_REGION);
    if (!region && options->region)
        region = memory_copy_string(options->region);
    *source = (struct ecr_source){
        .source = {ecr_source_is_old, ecr_source_renew, ecr_source_free},
        .options = *options,
        .profile = options->profile ? memory_copy_string(options->profile) : NULL,
        .region = region,
        .host = memory_copy_string(host),
    };
    source->options.profile = source->profile;
    source->options.region = source->region;
    return source;
}

/* --- handing them on ------------------------------------------------------------------------
 */

/* Takes over the source. */
static void hand_over(struct ecr_source *source, const struct ecr_login *login)
{
    struct registries *registries = source->options.registries;
    owned(memory) char *url = login->url ? choose_url(source->host, login->url) : NULL;

    registries_set_login(registries, source->host, url, &login->login);
    registries_renew_login(registries, source->host, &source->source);
}

void ecr_registry_use_login(const struct aws_options *options, const char *host,
                            const struct ecr_login *login)
{
    struct ecr_source *source = ecr_source_new(options, host);

    note_expiry(source, login->expires);
    hand_over(source, login);
}

/* `*has_credentials` tells a refusal from having nothing to ask with. */
static bool get_login(struct ecr_source *source, bool *has_credentials, struct ecr_login *out,
                      struct error *err)
{
    *has_credentials = aws_session_check_credentials(&source->session, NULL, err);
    return *has_credentials && ask_login(source, out, err);
}

bool ecr_registry_log_in(const struct aws_options *options, const char *host, struct error *err)
{
    owned(ecr_login) struct ecr_login login = {0};
    bool has_credentials = false;

    if (is_public(host) && is_written_down(options->environment, host))
        return true;
    struct ecr_source *source = ecr_source_new(options, host);
    bool is_open = open_session(source, err);
    if (is_open && get_login(source, &has_credentials, &login, err)) {
        hand_over(source, &login);
        return true;
    }
    ecr_source_free(&source->source);
    if (is_open && is_public(host)) {
        if (has_credentials)
            progress_warn(options->progress, "%s is asked without a login: %s", host,
                          err->text);
        return true;
    }
    return (is_open && !has_credentials && is_written_down(options->environment, host)) ||
           error_wrap(err, "login for %s", host);
}
