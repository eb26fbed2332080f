/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/location.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char *const PREFIXES[] = {
    [LOCATION_REGISTRY] = "",
    [LOCATION_LAYOUT] = "oci:",
    [LOCATION_OCI_ARCHIVE] = "oci-archive:",
    [LOCATION_DOCKER_ARCHIVE] = "docker-archive:",
};

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

static bool parse_layout(const char *whole, enum location_kind kind, struct location *out,
                         struct error *err)
{
    const char *prefix = PREFIXES[kind];
    const char *text = whole + strlen(prefix);
    size_t length = path_length(text);
    const char *name = text + length + (text[length] != '\0');
    struct digest digest;

    if (length == 0)
        return error_set(err, ERROR_USAGE, "image '%.200s' names no %s: %s<%s>[:<tag>]", whole,
                         kind == LOCATION_LAYOUT ? "folder" : "file", prefix,
                         kind == LOCATION_LAYOUT ? "folder" : "file");
    bool named_right = text[length] == '@'
                           ? digest_parse(name, &digest, err)
                           : text[length] == '\0' || check_tag(whole, name, err);
    if (!named_right) {
        err->kind = ERROR_USAGE;
        return false;
    }
    *out = (struct location){
        .kind = kind,
        .path = text_format("%.*s", (int)length, text),
        .tag = memory_copy_string(name),
    };
    return true;
}

/* A reference has colons of its own, so the first one ends the file's name. */
static bool parse_docker_archive(const char *whole, struct location *out, struct error *err)
{
    const char *text = whole + strlen(PREFIXES[LOCATION_DOCKER_ARCHIVE]);
    size_t length = strcspn(text, ":");
    owned(memory) char *name = NULL;
    struct reference reference;

    if (length == 0)
        return error_set(err, ERROR_USAGE,
                         "image '%.200s' names no file: docker-archive:<file>[:<reference>]",
                         whole);
    if (text[length] == ':') {
        if (!reference_parse(text + length + 1, &reference, err))
            return error_wrap(err, "image '%.200s'", whole);
        if (reference.has_digest)
            return error_set(err, ERROR_USAGE,
                             "image '%.200s': a docker archive knows tags, not digests", whole);
        name = reference_format(&reference);
    }
    *out = (struct location){
        .kind = LOCATION_DOCKER_ARCHIVE,
        .path = text_format("%.*s", (int)length, text),
        .tag = name ? take(&name) : memory_copy_string(""),
    };
    return true;
}

static bool has_prefix(const char *text, enum location_kind kind)
{
    return strncmp(text, PREFIXES[kind], strlen(PREFIXES[kind])) == 0;
}

bool location_parse(const char *text, struct location *out, struct error *err)
{
    if (has_prefix(text, LOCATION_LAYOUT))
        return parse_layout(text, LOCATION_LAYOUT, out, err);
    if (has_prefix(text, LOCATION_OCI_ARCHIVE))
        return parse_layout(text, LOCATION_OCI_ARCHIVE, out, err);
    if (has_prefix(text, LOCATION_DOCKER_ARCHIVE))
        return parse_docker_archive(text, out, err);

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
    bool wants_tag = parsed.kind == LOCATION_LAYOUT || parsed.kind == LOCATION_OCI_ARCHIVE;
    if (wants_tag && !parsed.tag[0]) {
        free(parsed.tag);
        parsed.tag = memory_copy_string("latest");
    }
    *out = parsed;
    parsed = (struct location){0};
    return true;
}

const char *location_name(const struct location *location)
{
    return location->kind == LOCATION_REGISTRY ? location->reference.name : location->tag;
}

char *location_format(const struct location *location)
{
    if (location->kind == LOCATION_REGISTRY)
        return reference_format(&location->reference);

    const char *mark = location->tag[0] == '\0'                    ? ""
                       : strncmp(location->tag, "sha256:", 7) == 0 ? "@"
                                                                   : ":";
    return text_format("%s%s%s%s", PREFIXES[location->kind], location->path, mark,
                       location->tag);
}

void location_release(struct location *location)
{
    free(location->path);
    free(location->tag);
    *location = (struct location){0};
}
