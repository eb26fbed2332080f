/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/instance_metadata.h"

#include <string.h>
#include <strings.h>

#include "lambda/aws/metadata.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { SILENCE_S = 1, SILENCE_LIMIT_S = 60, TRIES = 1, TRIES_LIMIT = 10 };

/* Long enough for the few questions we have. */
static const char TOKEN_SECONDS[] = "300";

/* Without a slash at the end. */
static char *find_url(const struct aws_settings *settings)
{
    owned(memory) char *url = aws_settings_get(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                               "ec2_metadata_service_endpoint");
    owned(memory) char *mode =
        aws_settings_get(settings, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
                         "ec2_metadata_service_endpoint_mode");

    if (!url)
        return memory_copy_string(mode && strcasecmp(mode, "ipv6") == 0
                                      ? "http://[fd00:ec2::254]"
                                      : "http://169.254.169.254");
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    return text_format("%.*s", (int)length, url);
}

static bool open_service(const struct credentials_sources *sources,
                         struct metadata_service *out, struct error *err)
{
    *out = (struct metadata_service){sources->http, sources->clock, SILENCE_S, TRIES};
    return aws_settings_number(sources->settings, "AWS_METADATA_SERVICE_TIMEOUT",
                               "metadata_service_timeout", SILENCE_LIMIT_S, &out->silence_s,
                               err) &&
           aws_settings_number(sources->settings, "AWS_METADATA_SERVICE_NUM_ATTEMPTS",
                               "metadata_service_num_attempts", TRIES_LIMIT, &out->tries, err);
}

/* The answer, or NULL where there is none of use. */
static char *ask(const struct metadata_service *service, const struct http_request *request)
{
    owned(memory) char *text = NULL;
    struct error nobody;
    size_t count;
    int status;

    if (!metadata_ask(service, request, &status, &text, &count, &nobody) || status != 200)
        return NULL;
    return take(&text);
}

static bool is_token(const char *text)
{
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~')
            return false;
    return *text;
}

bool instance_metadata_get(const struct credentials_sources *sources, const char *path,
                           char **out, struct error *err)
{
    struct metadata_service service;

    *out = NULL;
    if (aws_settings_is_on(sources->settings, "AWS_EC2_METADATA_DISABLED", NULL))
        return true;
    if (!open_service(sources, &service, err))
        return false;

    owned(memory) char *base = find_url(sources->settings);
    owned(memory) char *token_url = text_format("%s/latest/api/token", base);
    owned(memory) char *url = text_format("%s/latest/meta-data/%s", base, path);
    struct http_request for_token = {.method = "PUT", .url = token_url};
    struct http_request question = {.method = "GET", .url = url};

    http_add_header(&for_token, "X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS);
    owned(memory) char *token = ask(&service, &for_token);
    if (!token || !is_token(token))
        return true;
    http_add_header(&question, "X-aws-ec2-metadata-token", token);
    *out = ask(&service, &question);
    return true;
}
