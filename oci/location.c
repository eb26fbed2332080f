/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/location.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char LAYOUT_PREFIX[] = "oci:";

enum { LAYOUT_TAG_LIMIT = 128 };

/* The end of a folder's name may be "@sha256:…" or ":tag"; a tag has no slash. */
static size_t path_length(const char *text)
{
    const char *digest = strstr(text, "@sha256");
    if (digest)
        return (size_t)(digest - text);

    const char *colon = strrchr(text, ':');
    if (!colon || strchr(colon, '/'))
        return strlen(text);
    return (size_t)(colon - text);
}

static bool check_tag(const char *whole, const char *tag, struct error *err)
{
    size_t length = strlen(tag);

    if (length == 0 || length > LAYOUT_TAG_LIMIT)
        return error_set(err, ERROR_USAGE, "image '%.200s': a tag is 1 to %d characters", whole,
                         LAYOUT_TAG_LIMIT);
    for (; *tag; tag++)
        if (!isalnum((unsigned char)*tag) && !strchr("._-", *tag))
            return error_set(err, ERROR_USAGE,
                             "image '%.200s': the tag is not letters, digits, '.', '_' and '-'",
                             whole);
    return true;
}

static bool parse_layout(const char *whole, struct location *out, struct error *err)
{
    const char *text = whole + sizeof LAYOUT_PREFIX - 1;
    size_t length = path_length(text);
    const char *name = text + length + (text[length] != '\0');
    struct digest digest;

    if (length == 0)
        return error_set(err, ERROR_USAGE,
                         "image '%.200s' names no folder: oci:<folder>[:<tag>]", whole);
    bool named_right = text[length] == '@'
                           ? digest_parse(name, &digest, err)
                           : text[length] == '\0' || check_tag(whole, name, err);
    if (!named_right) {
        err->kind = ERROR_USAGE;
        return false;
    }
    *out = (struct location){
        .kind = LOCATION_LAYOUT,
        .path = text_format("%.*s", (int)length, text),
        .tag = memory_copy_string(name),
    };
    return true;
}

bool location_parse(const char *text, struct location *out, struct error *err)
{
    if (strncmp(text, LAYOUT_PREFIX, sizeof LAYOUT_PREFIX - 1) == 0)
        return parse_layout(text, out, err);

    struct location parsed = {.kind = LOCATION_REGISTRY};
    if (!reference_parse(text, &parsed.reference, err))
        return false;
    *out = parsed;
    return true;
}

bool location_parse_destination(const char *text, struct location *out, struct error *err)
{
    owned(location) struct location parsed = {0};

    if (!location_parse(text, &parsed, err))
        return false;
    if (strncmp(location_name(&parsed), "sha256:", 7) == 0)
        return error_set(err, ERROR_USAGE,
                         "image '%.200s': a digest cannot be chosen, only a tag", text);
    if (parsed.kind == LOCATION_LAYOUT && !parsed.tag[0]) {
        free(parsed.tag);
        parsed.tag = memory_copy_string("latest");
    }
    *out = parsed;
    parsed = (struct location){0};
    return true;
}

const char *location_name(const struct location *location)
{
    return location->kind == LOCATION_LAYOUT ? location->tag : location->reference.name;
}

char *location_format(const struct location *location)
{
    if (location->kind == LOCATION_REGISTRY)
        return reference_format(&location->reference);

    const char *mark = location->tag[0] == '\0'                    ? ""
                       : strncmp(location->tag, "sha256:", 7) == 0 ? "@"
                                                                   : ":";
    return text_format("%s%s%s%s", LAYOUT_PREFIX, location->path, mark, location->tag);
}

void location_release(struct location *location)
{
    free(location->path);
    free(location->tag);
    *location = (struct location){0};
}
