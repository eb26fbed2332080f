/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/platform_spec.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "oci/base/json.h"

/* One part of a platform: short, of letters, digits, '.', '_' and '-'. */
static bool copy_part(char *out, size_t room, const char *text, size_t length)
{
    if (length == 0 || length >= room)
        return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)text[i]) && !strchr("._-", text[i]))
            return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

/* Other people's names for what Go calls amd64 and arm64. */
static void normalise(struct platform_spec *platform)
{
    if (strcmp(platform->architecture, "x86_64") == 0)
        strcpy(platform->architecture, "amd64");
    if (strcmp(platform->architecture, "aarch64") == 0)
        strcpy(platform->architecture, "arm64");
}

bool platform_spec_parse(const char *text, struct platform_spec *out, struct error *err)
{
    struct platform_spec parsed = {0};
    size_t os = strcspn(text, "/");
    const char *architecture = text + os + (text[os] == '/');
    size_t length = strcspn(architecture, "/");
    const char *variant = architecture + length + (architecture[length] == '/');
    bool has_variant = architecture[length] == '/';

    if (!copy_part(parsed.os, sizeof parsed.os, text, os) ||
        !copy_part(parsed.architecture, sizeof parsed.architecture, architecture, length) ||
        (has_variant &&
         !copy_part(parsed.variant, sizeof parsed.variant, variant, strlen(variant))))
        return error_set(err, ERROR_USAGE,
                         "platform '%.80s' is not <os>/<architecture>[/<variant>], "
                         "such as linux/arm64",
                         text);
    normalise(&parsed);
    *out = parsed;
    return true;
}

bool platform_spec_parse_list(const char *text, struct platform_spec *out, size_t *count,
                              struct error *err)
{
    size_t found = 0;

    for (const char *at = text;; at++) {
        char one[sizeof(struct platform_text)] = "";
        size_t length = strcspn(at, ",");
        snprintf(one, sizeof one, "%.*s", (int)length, at);
        if (found == PLATFORMS_LIMIT)
            return error_set(err, ERROR_USAGE, "more than %d platforms", PLATFORMS_LIMIT);
        if (!platform_spec_parse(one, &out[found], err))
            return false;
        for (size_t i = 0; i < found; i++)
            if (memcmp(&out[i], &out[found], sizeof *out) == 0)
                return error_set(err, ERROR_USAGE, "platform '%s' is named twice", one);
        found++;
        at += length;
        if (*at == '\0')
            break;
    }
    *count = found;
    return true;
}

struct platform_text platform_spec_format(const struct platform_spec *platform)
{
    struct platform_text out;

    snprintf(out.text, sizeof out.text, "%s/%s%s%s", platform->os, platform->architecture,
             platform->variant[0] ? "/" : "", platform->variant);
    return out;
}

bool platform_spec_read(const json_t *json, struct platform_spec *out, struct error *err)
{
    const char *os;
    const char *architecture;
    const char *variant = json_optional_string(json, "variant");
    struct platform_spec read = {0};

    if (!json_field_string(json, "os", &os, err) ||
        !json_field_string(json, "architecture", &architecture, err))
        return error_wrap(err, "platform");
    if (!copy_part(read.os, sizeof read.os, os, strlen(os)) ||
        !copy_part(read.architecture, sizeof read.architecture, architecture,
                   strlen(architecture)) ||
        (variant && variant[0] &&
         !copy_part(read.variant, sizeof read.variant, variant, strlen(variant))))
        return error_set(err, ERROR_INVALID, "platform '%.40s/%.40s' is not one", os,
                         architecture);
    *out = read;
    return true;
}

json_t *platform_spec_write(const struct platform_spec *platform)
{
    json_t *json =
        json_pack("{s:s, s:s}", "os", platform->os, "architecture", platform->architecture);

    if (platform->variant[0])
        json_object_set_new(json, "variant", json_string(platform->variant));
    return json;
}

bool platform_spec_matches(const struct platform_spec *offered,
                           const struct platform_spec *wanted)
{
    if (strcmp(offered->os, wanted->os) != 0 ||
        strcmp(offered->architecture, wanted->architecture) != 0)
        return false;
    return !offered->variant[0] || !wanted->variant[0] ||
           strcmp(offered->variant, wanted->variant) == 0;
}
