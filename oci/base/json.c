/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/json.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

/* jansson's own ceiling is 2048; ours is counted here, before it recurses. */
static bool too_deep(const char *bytes, size_t count, struct error *err)
{
    int depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < count; i++) {
        if (quoted) {
            if (bytes[i] == '\\')
                i++;
            else if (bytes[i] == '"')
                quoted = false;
            continue;
        }
        if (bytes[i] == '"')
            quoted = true;
        else if (bytes[i] == '{' || bytes[i] == '[')
            depth++;
        else if (bytes[i] == '}' || bytes[i] == ']')
            depth--;
        if (depth > JSON_DEPTH_LIMIT)
            return !error_set(err, ERROR_LIMIT, "JSON nested deeper than %d levels",
                              JSON_DEPTH_LIMIT);
    }
    return false;
}

/* The value or, where jansson found none, its reason. */
static bool settle(json_t *found, json_error_t *reason, json_t **out, struct error *err)
{
    *out = found;
    if (found)
        return true;
    /* What it is near may be a secret: logins and tokens are read here, too. */
    char *near = strstr(reason->text, " near ");
    if (near)
        *near = '\0';
    return error_set(err, ERROR_INVALID, "not JSON: line %d, column %d: %s", reason->line,
                     reason->column, reason->text);
}

bool json_parse(const char *bytes, size_t count, json_t **out, struct error *err)
{
    json_error_t reason;

    if (too_deep(bytes, count, err))
        return false;
    json_t *found = json_loadb(bytes, count, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    return settle(found, &reason, out, err);
}

/* Keys are C's strings in jansson: with another character for a NUL they are at least there. */
static void replace_nuls(char *bytes, size_t count)
{
    static const char nul[] = "\\u0000", replacement[] = "\\ufffd";
    const size_t length = strlen(nul);

    for (size_t i = 0; i + length <= count; i++) {
        if (bytes[i] != '\\')
            continue;
        if (memcmp(bytes + i, nul, length) == 0)
            memcpy(bytes + i, replacement, length);
        i++; /* what is escaped begins nothing */
    }
}

bool json_parse_event(const char *bytes, size_t count, json_t **out, struct error *err)
{
    enum { FLAGS = JSON_DECODE_ANY | JSON_ALLOW_NUL };
    owned(memory) char *copy = NULL;
    json_error_t reason;

    if (too_deep(bytes, count, err))
        return false;
    json_t *found = json_loadb(bytes, count, FLAGS, &reason);
    if (!found && json_error_code(&reason) == json_error_null_byte_in_key) {
        copy = memory_new(count, 1);
        memcpy(copy, bytes, count);
        replace_nuls(copy, count);
        bytes = copy;
        found = json_loadb(bytes, count, FLAGS, &reason);
    }
    if (!found && json_error_code(&reason) == json_error_numeric_overflow)
        found = json_loadb(bytes, count, FLAGS | JSON_DECODE_INT_AS_REAL, &reason);
    return settle(found, &reason, out, err);
}

char *json_text(const json_t *json)
{
    char *text = json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);

    if (!text)
        abort(); /* only a value that was never JSON cannot be printed */
    return text;
}

char *json_text_for_people(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(4) | JSON_ENCODE_ANY);

    if (!text)
        abort();
    return text;
}

static bool wrong(const json_t *found, const char *name, const char *expected,
                  struct error *err)
{
    if (!found)
        return error_set(err, ERROR_INVALID, "'%s' is missing", name);
    return error_set(err, ERROR_INVALID, "'%s' is not %s", name, expected);
}

bool json_field_object(const json_t *object, const char *name, json_t **out, struct error *err)
{
    json_t *found = json_object_get(object, name);

    if (!json_is_object(found))
        return wrong(found, name, "an object", err);
    *out = found;
    return true;
}

bool json_field_array(const json_t *object, const char *name, json_t **out, struct error *err)
{
    json_t *found = json_object_get(object, name);

    if (!json_is_array(found))
        return wrong(found, name, "an array", err);
    *out = found;
    return true;
}

bool json_field_string(const json_t *object, const char *name, const char **out,
                       struct error *err)
{
    const json_t *found = json_object_get(object, name);

    *out = json_plain_string(found);
    return *out || wrong(found, name, "a string", err);
}

bool json_field_size(const json_t *object, const char *name, uint64_t *out, struct error *err)
{
    const json_t *found = json_object_get(object, name);

    if (!json_is_integer(found) || json_integer_value(found) < 0)
        return wrong(found, name, "a size", err);
    *out = (uint64_t)json_integer_value(found);
    return true;
}

const char *json_plain_string(const json_t *value)
{
    const char *text = json_string_value(value);

    return text && strlen(text) == json_string_length(value) ? text : NULL;
}

const char *json_optional_string(const json_t *object, const char *name)
{
    return json_plain_string(json_object_get(object, name));
}

json_t *json_strings(const char *const *strings)
{
    json_t *array = json_array();

    for (; *strings; strings++)
        json_array_append_new(array, json_lossy_string(*strings, strlen(*strings)));
    return array;
}

/* The length of the UTF-8 sequence at the start of `bytes`, 0 when it is none (RFC 3629). */
static size_t sequence_length(const unsigned char *bytes, size_t count)
{
    size_t length = bytes[0] < 0x80                       ? 1
                    : bytes[0] >= 0xc2 && bytes[0] < 0xe0 ? 2
                    : bytes[0] >= 0xe0 && bytes[0] < 0xf0 ? 3
                    : bytes[0] >= 0xf0 && bytes[0] < 0xf5 ? 4
                                                          : 0;
    if (length == 0 || length > count)
        return 0;
    for (size_t i = 1; i < length; i++)
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
    bool overlong =
        (bytes[0] == 0xe0 && bytes[1] < 0xa0) || (bytes[0] == 0xf0 && bytes[1] < 0x90);
    bool surrogate = bytes[0] == 0xed && bytes[1] >= 0xa0;
    bool beyond = bytes[0] == 0xf4 && bytes[1] >= 0x90;
    return overlong || surrogate || beyond ? 0 : length;
}

json_t *json_lossy_string(const char *bytes, size_t count)
{
    json_t *exact = json_stringn(bytes, count);
    if (exact)
        return exact;

    owned(text) struct text text = {0};
    for (size_t i = 0; i < count;) {
        size_t length = sequence_length((const unsigned char *)bytes + i, count - i);
        if (length > 0)
            text_add_bytes(&text, bytes + i, length);
        else
            text_add(&text, "\xef\xbf\xbd");
        i += length > 0 ? length : 1;
    }
    return json_stringn(text_string(&text), text.length);
}
