/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/signer/xml_text.h"

#include <stdio.h>
#include <string.h>

enum { TAG_LIMIT = 40 };

static char entity(const char *name, size_t length)
{
    static const struct {
        const char *name;
        char character;
    } known[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strlen(known[i].name) == length && memcmp(known[i].name, name, length) == 0)
            return known[i].character;
    return '\0';
}

bool xml_text(const char *xml, const char *tag, char *out, size_t size)
{
    char opening[TAG_LIMIT];
    char closing[TAG_LIMIT];

    snprintf(opening, sizeof opening, "<%s>", tag);
    snprintf(closing, sizeof closing, "</%s>", tag);
    const char *start = strstr(xml, opening);
    const char *end = start ? strstr(start, closing) : NULL;
    if (!end)
        return false;

    size_t used = 0;
    for (start += strlen(opening); start < end && used + 1 < size; used++) {
        const char *semicolon =
            *start == '&' ? memchr(start, ';', (size_t)(end - start)) : NULL;
        char resolved = semicolon ? entity(start + 1, (size_t)(semicolon - start) - 1) : '\0';
        out[used] = resolved ? resolved : *start;
        start = resolved ? semicolon + 1 : start + 1;
    }
    out[used] = '\0';
    return true;
}
