/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/challenge.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char TOKEN[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                            "!#$%&'*+-.^_`|~";
static const char SPACE[] = " \t";

static void skip(const char **at, const char *characters)
{
    *at += strspn(*at, characters);
}

/* A token or a quoted string; NULL when neither is there. */
static char *read_value(const char **at)
{
    struct text value = {0};

    if (**at != '"') {
        size_t length = strspn(*at, TOKEN);
        if (length == 0)
            return NULL;
        text_add_bytes(&value, *at, length);
        *at += length;
        return text_take(&value);
    }
    for (++*at; **at && **at != '"'; ++*at) {
        if (**at == '\\' && (*at)[1])
            ++*at;
        text_add_bytes(&value, *at, 1);
    }
    if (**at == '"')
        ++*at;
    return text_take(&value);
}

/* "name = value" moves past it; anything else stays where it is. */
static bool read_parameter(const char **at, struct challenge *challenge)
{
    const char *name = *at;
    size_t length = strspn(name, TOKEN);
    const char *next = name + length;

    skip(&next, SPACE);
    if (length == 0 || *next != '=')
        return false;
    next++;
    skip(&next, SPACE);
    char *value = read_value(&next);
    if (!value)
        return false; /* the padding of a token68 */
    *at = next;

    char **place = NULL;
    if (length == 5 && strncasecmp(name, "realm", length) == 0)
        place = &challenge->realm;
    if (length == 7 && strncasecmp(name, "service", length) == 0)
        place = &challenge->service;
    if (place && !*place)
        *place = take(&value);
    free(value);
    return true;
}

static enum challenge_scheme read_scheme(const char **at)
{
    const char *name = *at;
    size_t length = strspn(name, TOKEN);

    *at += length;
    if (length == 5 && strncasecmp(name, "Basic", length) == 0)
        return CHALLENGE_BASIC;
    if (length == 6 && strncasecmp(name, "Bearer", length) == 0)
        return CHALLENGE_BEARER;
    return CHALLENGE_NONE;
}

static void keep_better(struct challenge *best, struct challenge *found)
{
    bool usable = found->scheme != CHALLENGE_BEARER || found->realm;

    if (usable && found->scheme > best->scheme) {
        challenge_release(best);
        *best = *found;
        *found = (struct challenge){0};
    }
    challenge_release(found);
}

static void read_challenges(const char *at, struct challenge *best)
{
    struct challenge found = {0};

    for (skip(&at, " \t,"); *at; skip(&at, " \t,")) {
        if (read_parameter(&at, &found))
            continue;
        keep_better(best, &found);
        const char *before = at;
        found.scheme = read_scheme(&at);
        if (at == before || !strchr(" \t,", *at))
            at += strcspn(at, ","); /* neither scheme nor parameter, or a token68 */
    }
    keep_better(best, &found);
}

void challenge_read(const struct http_response *response, struct challenge *out)
{
    for (size_t i = 0; i < response->header_count; i++)
        if (strcasecmp(response->headers[i].name, "WWW-Authenticate") == 0)
            read_challenges(response->headers[i].value, out);
}

void challenge_release(struct challenge *challenge)
{
    free(challenge->realm);
    free(challenge->service);
    *challenge = (struct challenge){0};
}
