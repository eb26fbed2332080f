/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/reference.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Docker Hub's images are written without a host, and its own without a user. */
static const char DEFAULT_HOST[] = "docker.io";
static const char DEFAULT_USER[] = "library/";
static const char DEFAULT_TAG[] = "latest";

static bool wrong(const char *text, const char *reason, struct error *err)
{
    return error_set(err, ERROR_USAGE, "image '%.200s': %s", text, reason);
}

static bool is_lower_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* The first part is a host when it could not be a user at Docker Hub: those have neither dots
 * nor capitals. */
static size_t host_length(const char *text)
{
    size_t length = strcspn(text, "/");

    if (text[length] == '\0')
        return 0;
    bool is_host = memchr(text, '.', length) || memchr(text, ':', length) ||
                   (length == 9 && memcmp(text, "localhost", 9) == 0);
    for (size_t i = 0; i < length && !is_host; i++)
        is_host = isupper((unsigned char)text[i]);
    return is_host ? length : 0;
}

/* Parts of letters, digits and inner dashes, joined by dots. */
static bool is_host_name(const char *name, size_t length)
{
    for (size_t i = 0; i <= length; i++) {
        bool ends_part = i == length || name[i] == '.';
        bool begins_part = i == 0 || name[i - 1] == '.';
        if (ends_part && (begins_part || name[i - 1] == '-'))
            return false;
        if (ends_part)
            continue;
        if (!isalnum((unsigned char)name[i]) && (name[i] != '-' || begins_part))
            return false;
    }
    return true;
}

static bool is_port(const char *text)
{
    size_t length = strlen(text);

    return length > 0 && length <= 5 && strspn(text, "0123456789") == length &&
           strtoul(text, NULL, 10) <= 65535;
}

/* A host name or address, and a port where there is a colon. */
static bool is_host(const char *host)
{
    const char *port;

    if (host[0] == '[') {
        size_t address = strspn(host + 1, "0123456789abcdefABCDEF:.");
        if (address == 0 || host[1 + address] != ']')
            return false;
        port = host + address + 2;
    } else {
        size_t name = strcspn(host, ":");
        if (!is_host_name(host, name))
            return false;
        port = host + name;
    }
    return *port == '\0' || (*port == ':' && is_port(port + 1));
}

/* Parts of lower-case letters and digits, joined by '.', '_', '__' or dashes, parted by '/'
 * (distribution-spec, "Pulling manifests": <name>). */
static bool is_repository(const char *name)
{
    for (const char *at = name;; at++) {
        if (!is_lower_or_digit(*at))
            return false;
        while (is_lower_or_digit(*at))
            at++;
        if (*at == '\0')
            return true;
        if (*at == '/')
            continue;
        if (*at == '.')
            continue;
        size_t run = strspn(at, *at == '_' ? "_" : "-");
        if (run == 0 || (*at == '_' && run > 2))
            return false;
        at += run - 1;
    }
}

/* What docker shows as an image's id names nothing in a registry. */
static bool is_image_id(const char *name)
{
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

static bool is_tag(const char *tag)
{
    if (!isalnum((unsigned char)tag[0]) && tag[0] != '_')
        return false;
    for (; *tag; tag++)
        if (!isalnum((unsigned char)*tag) && !strchr("._-", *tag))
            return false;
    return true;
}

/* Takes "@digest" and ":tag" off the end of `rest`. */
static bool parse_ends(const char *text, char *rest, struct reference *out, struct error *err)
{
    char *at = strchr(rest, '@');
    if (at) {
        *at = '\0';
        if (!digest_parse(at + 1, &out->digest, err)) {
            error_wrap(err, "image '%.200s'", text);
            err->kind = ERROR_USAGE;
            return false;
        }
        out->has_digest = true;
    }

    char *colon = strrchr(rest, ':');
    if (colon) {
        *colon = '\0';
        if (strlen(colon + 1) >= sizeof out->tag)
            return wrong(text, "the tag is longer than 128 characters", err);
        if (!is_tag(colon + 1))
            return wrong(text, "the tag is not letters, digits, '.', '_' and '-'", err);
        strcpy(out->tag, colon + 1);
    } else if (!out->has_digest) {
        strcpy(out->tag, DEFAULT_TAG);
    }
    return true;
}

/* What is typed by mistake, and could be taken for a host or a repository. */
static bool is_something_else(const char *text, struct error *err)
{
    const char *reason = NULL;

    if (text[0] == '\0')
        return !error_set(err, ERROR_USAGE, "an empty name is no image");
    if (strstr(text, "://"))
        reason = "write it without the scheme, as host/repository:tag";
    else if (text[0] == '/' || text[0] == '.')
        reason = "a path begins with what it leads to, 'oci:', 'oci-archive:' or "
                 "'docker-archive:'";
    else if (is_image_id(text))
        reason = "that is an image's id, which no registry knows";
    return reason && !wrong(text, reason, err);
}

bool reference_parse(const char *text, struct reference *out, struct error *err)
{
    struct reference parsed = {0};
    char rest[sizeof parsed.repository + sizeof parsed.tag + sizeof(struct digest_text)];
    size_t host = host_length(text);
    const char *path = host > 0 ? text + host + 1 : text;

    if (is_something_else(text, err))
        return false;
    if (host >= sizeof parsed.host)
        return wrong(text, "the host is longer than 255 characters", err);
    if (host > 0)
        memcpy(parsed.host, text, host);
    else
        strcpy(parsed.host, DEFAULT_HOST);
    if (strcmp(parsed.host, "index.docker.io") == 0)
        strcpy(parsed.host, DEFAULT_HOST);
    if (!is_host(parsed.host))
        return wrong(text, "the host is not a name or address with an optional port", err);

    if (strlen(path) >= sizeof rest)
        return wrong(text, "it is too long", err);
    strcpy(rest, path);
    if (!parse_ends(text, rest, &parsed, err))
        return false;

    bool needs_user = strcmp(parsed.host, DEFAULT_HOST) == 0 && !strchr(rest, '/');
    size_t user = needs_user ? strlen(DEFAULT_USER) : 0;
    if (user + strlen(rest) >= sizeof parsed.repository)
        return wrong(text, "the repository is longer than 255 characters", err);
    strcpy(parsed.repository, needs_user ? DEFAULT_USER : "");
    strcat(parsed.repository, rest);
    if (!is_repository(parsed.repository))
        return wrong(
            text,
            "a repository is lower-case letters and digits, parted by single '.', '_', "
            "'/' or dashes",
            err);

    strcpy(parsed.name, parsed.has_digest ? digest_format(&parsed.digest).text : parsed.tag);
    *out = parsed;
    return true;
}

char *reference_format(const struct reference *reference)
{
    owned(text) struct text text = {0};

    text_addf(&text, "%s/%s", reference->host, reference->repository);
    if (reference->tag[0])
        text_addf(&text, ":%s", reference->tag);
    if (reference->has_digest)
        text_addf(&text, "@%s", digest_format(&reference->digest).text);
    return text_take(&text);
}
