/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/hcl.h"

#include <stdbool.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

static void add_indent(struct text *out, int depth)
{
    for (int i = 0; i < depth; i++)
        text_add(out, "  ");
}

/* "${" and "%{" begin templates. */
static void add_string(struct text *out, const char *string)
{
    text_add(out, "\"");
    for (const char *at = string; *at; at++) {
        unsigned char byte = (unsigned char)*at;
        if (byte == '"' || byte == '\\')
            text_addf(out, "\\%c", byte);
        else if (byte == '\n')
            text_add(out, "\\n");
        else if (byte == '\r')
            text_add(out, "\\r");
        else if (byte == '\t')
            text_add(out, "\\t");
        else if (byte < 0x20 || byte == 0x7f)
            text_addf(out, "\\u%04x", byte);
        else if ((byte == '$' || byte == '%') && at[1] == '{')
            text_addf(out, "%c%c", byte, byte);
        else
            text_add_bytes(out, at, 1);
    }
    text_add(out, "\"");
}

static void add_scalar(struct text *out, const json_t *value)
{
    const json_t *each = NULL;
    size_t i;

    if (json_is_string(value)) {
        add_string(out, json_string_value(value));
    } else if (json_is_array(value)) {
        text_add(out, "[");
        json_array_foreach(value, i, each)
        {
            text_add(out, i > 0 ? ", " : "");
            add_scalar(out, each);
        }
        text_add(out, "]");
    } else if (json_is_object(value)) {
        text_add(out, json_optional_string(value, "$"));
    } else {
        owned(memory) char *text = json_text(value);
        text_add(out, text);
    }
}

/* What stands on one line. */
static bool is_scalar(const json_t *value)
{
    return !json_is_object(value) || json_object_get(value, "$");
}

static bool is_identifier(const char *name)
{
    const char *letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    const char *digits = "0123456789";

    if (!*name || !strchr(letters, *name))
        return false;
    for (name++; *name && (strchr(letters, *name) || strchr(digits, *name)); name++)
        continue;
    return !*name;
}

/* Keys of maps may be anything. */
static char *format_name(const char *member)
{
    struct text name = {0};

    if (is_identifier(member))
        text_add(&name, member);
    else
        add_string(&name, member);
    return text_take(&name);
}

static int widest_name(const json_t *members)
{
    const char *member;
    json_t *value;
    size_t widest = 0;

    json_object_foreach((json_t *)members, member, value)
    {
        owned(memory) char *name = format_name(member);
        if (is_scalar(value) && strlen(name) > widest)
            widest = strlen(name);
    }
    return (int)widest;
}

/* Those one below the other have their signs in one column. */
static void add_attributes(struct text *out, const json_t *members, int depth)
{
    int widest = widest_name(members);
    const char *member;
    json_t *value;

    json_object_foreach((json_t *)members, member, value)
    {
        if (!is_scalar(value))
            continue;
        owned(memory) char *name = format_name(member);
        add_indent(out, depth);
        text_addf(out, "%-*s = ", widest, name);
        add_scalar(out, value);
        text_add(out, "\n");
    }
}

static void add_body(struct text *out, const json_t *body, int depth)
{
    const char *member;
    json_t *value;
    size_t start = out->length;

    add_attributes(out, body, depth);
    json_object_foreach((json_t *)body, member, value)
    {
        const json_t *map = json_object_get(value, "=");
        if (is_scalar(value))
            continue;
        text_add(out, out->length > start ? "\n" : "");
        add_indent(out, depth);
        text_addf(out, "%s %s{\n", member, map ? "= " : "");
        if (map)
            add_attributes(out, map, depth + 1);
        else
            add_body(out, value, depth + 1);
        add_indent(out, depth);
        text_add(out, "}\n");
    }
}

void hcl_add_block(struct text *out, const char *head, const json_t *body)
{
    text_add(out, out->length > 0 ? "\n" : "");
    text_addf(out, "%s {\n", head);
    add_body(out, body, 1);
    text_add(out, "}\n");
}
