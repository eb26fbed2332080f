/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"

static const char BASE64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char HEX[] = "0123456789abcdef";

static void make_room(struct text *text, size_t count)
{
    if (text->capacity - text->length > count)
        return;

    size_t capacity = text->capacity ? text->capacity : 64;
    while (capacity - text->length <= count)
        capacity *= 2;
    text->bytes = memory_resize(text->bytes, capacity, 1);
    text->capacity = capacity;
}

void text_add_bytes(struct text *text, const void *bytes, size_t count)
{
    make_room(text, count);
    if (count > 0)
        memcpy(text->bytes + text->length, bytes, count);
    text->length += count;
    text->bytes[text->length] = '\0';
}

void text_add(struct text *text, const char *string)
{
    text_add_bytes(text, string, strlen(string));
}

static void add_formatted(struct text *text, const char *format, va_list args)
{
    va_list again;
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        abort(); /* only a format string of ours can be wrong */

    make_room(text, (size_t)length);
    vsnprintf(text->bytes + text->length, (size_t)length + 1, format, args);
    text->length += (size_t)length;
}

void text_addf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    add_formatted(text, format, args);
    va_end(args);
}

void text_add_escaped(struct text *text, const char *string, const char *also_safe)
{
    for (; *string; string++) {
        unsigned char c = (unsigned char)*string;
        bool safe = (c < 0x80 && isalnum(c)) || strchr("-._~", c) || strchr(also_safe, c);
        if (safe)
            text_add_bytes(text, string, 1);
        else
            text_addf(text, "%%%02X", c);
    }
}

const char *text_string(const struct text *text)
{
    return text->bytes ? text->bytes : "";
}

char *text_take(struct text *text)
{
    text_add_bytes(text, "", 0); /* even an empty text is a string */
    char *bytes = take(&text->bytes);

    *text = (struct text){0};
    return bytes;
}

void text_release(struct text *text)
{
    free(text->bytes);
    *text = (struct text){0};
}

char *text_format(const char *format, ...)
{
    struct text text = {0};
    va_list args;

    va_start(args, format);
    add_formatted(&text, format, args);
    va_end(args);
    return text_take(&text);
}

char *base64_encode(const void *bytes, size_t count)
{
    const unsigned char *in = bytes;
    struct text out = {0};

    make_room(&out, count / 3 * 4 + 4);
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t group = (uint32_t)in[i] << 16;
        group |= left > 1 ? (uint32_t)in[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)in[i + 2] : 0;
        const char four[] = {BASE64[group >> 18], BASE64[group >> 12 & 63],
                             left > 1 ? BASE64[group >> 6 & 63] : '=',
                             left > 2 ? BASE64[group & 63] : '='};
        text_add_bytes(&out, four, sizeof four);
    }
    return text_take(&out);
}

/* -1 for what is not a digit of base64. */
static int base64_value(char c)
{
    if (c == '-')
        c = '+';
    if (c == '_')
        c = '/';
    const char *found = c ? strchr(BASE64, c) : NULL;
    return found ? (int)(found - BASE64) : -1;
}

bool base64_decode(const char *text, char **bytes, size_t *count, struct error *err)
{
    owned(text) struct text out = {0};
    uint32_t group = 0;
    int digits = 0;
    int padding = 0;

    for (; *text; text++) {
        if (*text == '\n' || *text == '\r')
            continue;
        if (*text == '=') {
            padding++;
            continue;
        }
        int value = base64_value(*text);
        if (value < 0 || padding > 0)
            return error_set(err, ERROR_INVALID, "not base64");
        group = group << 6 | (uint32_t)value;
        if (++digits == 4) {
            const char three[] = {(char)(group >> 16), (char)(group >> 8), (char)group};
            text_add_bytes(&out, three, sizeof three);
            group = 0;
            digits = 0;
        }
    }
    if (digits == 1 || padding > 2 || (padding > 0 && (digits + padding) % 4 != 0))
        return error_set(err, ERROR_INVALID, "not base64");
    if (digits > 1) {
        group <<= 6 * (4 - digits);
        const char rest[] = {(char)(group >> 16), (char)(group >> 8)};
        text_add_bytes(&out, rest, (size_t)digits - 1);
    }
    *count = out.length;
    *bytes = text_take(&out);
    return true;
}

void hex_encode(const void *bytes, size_t count, char *out)
{
    const unsigned char *in = bytes;

    for (size_t i = 0; i < count; i++) {
        out[2 * i] = HEX[in[i] >> 4];
        out[2 * i + 1] = HEX[in[i] & 15];
    }
    out[2 * count] = '\0';
}
