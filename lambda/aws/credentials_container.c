/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lambda/aws/credentials_read.h"
#include "lambda/aws/metadata.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { SILENCE_S = 2, TRIES = 3, TOKEN_LIMIT = 64 * 1024 };

static const char ECS[] = "http://169.254.170.2";

/* Whom a token may be sent to in the open, beside this machine: ECS, and EKS twice. */
static const char *const hosts[] = {"169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"};

static bool is_trusted(const char *url)
{
    owned(memory) char *origin = http_url_origin(url);

    if (strncmp(url, "https://", 8) == 0 || http_url_is_loopback(url))
        return true;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        size_t length = strlen(hosts[i]);
        const char *host = origin + strlen("http://");
        if (strncmp(origin, "http://", 7) == 0 && strncmp(host, hosts[i], length) == 0 &&
            (!host[length] || host[length] == ':'))
            return true;
    }
    return false;
}

/* The address; NULL where there is none. */
static bool find_url(const struct aws_settings *settings, char **out, struct error *err)
{
    const char *path =
        aws_settings_variable(settings, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
    const char *url = aws_settings_variable(settings, "AWS_CONTAINER_CREDENTIALS_FULL_URI");

    if (path && *path != '/')
        return error_set(err, ERROR_DENIED,
                         "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI does not begin with '/'");
    if (!path && url && !is_trusted(url))
        return error_set(
            err, ERROR_DENIED,
            "AWS_CONTAINER_CREDENTIALS_FULL_URI is no https, nor on this machine or "
            "a host of ECS or EKS");
    *out = path ? text_format("%s%s", ECS, path) : url ? memory_copy_string(url) : NULL;
    return true;
}

/* What to show there, read anew each time; NULL where nothing is to be shown. */
static bool find_token(const struct aws_settings *settings, char **out, struct error *err)
{
    const char *file =
        aws_settings_variable(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    const char *token = aws_settings_variable(settings, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    size_t count;

    if (file && !file_read(file, TOKEN_LIMIT, out, &count, err))
        return error_wrap(err, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
    if (!file && token)
        *out = memory_copy_string(token);
    if (*out && strpbrk(*out, "\r\n"))
        return error_set(err, ERROR_DENIED, "%s holds a line end, which no header can have",
                         file ? "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"
                              : "AWS_CONTAINER_AUTHORIZATION_TOKEN");
    return true;
}

static bool ask(const struct credentials_sources *sources, const char *url, const char *token,
                struct credentials *out, struct error *err)
{
    const struct metadata_service service = {sources->http, sources->clock, SILENCE_S, TRIES};
    struct http_request request = {.method = "GET", .url = url};
    owned(memory) char *text = NULL;
    json_owned json_t *json = NULL;
    struct error not_json;
    size_t count;
    int status;

    http_add_header(&request, "Accept", "application/json");
    if (token)
        http_add_header(&request, "Authorization", token);
    if (!metadata_ask(&service, &request, &status, &text, &count, err))
        return false;
    if (status != 200)
        return error_set(err, ERROR_DENIED, "HTTP status %d", status);
    if (!json_parse(text, count, &json, &not_json))
        return error_set(err, ERROR_INVALID, "the answer is not JSON");
    return credentials_read_json(json, "Token", out, err);
}

bool credentials_from_container(const struct credentials_sources *sources,
                                struct credentials *out, bool *found, struct error *err)
{
    owned(memory) char *url = NULL;
    owned(memory) char *token = NULL;

    if (!find_url(sources->settings, &url, err))
        return false;
    if (!url)
        return true;
    owned(memory) char *shown = http_url_for_people(url);
    if (!find_token(sources->settings, &token, err) || !ask(sources, url, token, out, err))
        return error_wrap(err, "credentials of the container, from '%.200s'", shown);
    out->origin = memory_copy_string("the container");
    *found = true;
    return true;
}
