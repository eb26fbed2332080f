/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Text that grows while it is written.
 *
 *     owned(text) struct text url = {0};
 *     text_addf(&url, "https://%s/v2/", host);
 *     text_add_escaped(&url, repository, "/");
 *     return text_take(&url);
 *
 * All zero is the empty text. It always ends in a NUL that is not counted.
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

struct text {
    char *bytes; /* NULL while nothing has been added */
    size_t length;
    size_t capacity;
};

void text_add(struct text *text, const char *string);
void text_add_bytes(struct text *text, const void *bytes, size_t count);
void text_addf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);

/** Percent-encodes everything but RFC 3986's unreserved characters and those in
 *  `also_safe`. */
void text_add_escaped(struct text *text, const char *string, const char *also_safe);

/** What has been added, never NULL; lives until the next change. */
const char *text_string(const struct text *text);

/** Hands the string over, to be released with free(); the text is empty again. */
char *text_take(struct text *text);
void text_release(struct text *text);

/** A new string, the caller's to free(). */
char *text_format(const char *format, ...) PRINTF_LIKE(1, 2);

/** RFC 4648 base64 with padding; a new string, the caller's to free(). */
char *base64_encode(const void *bytes, size_t count);

/** Decodes standard or URL-safe base64, padded or not, line ends ignored.
 *  `*bytes` is the caller's to free() and ends in an uncounted NUL.
 *  ERROR_INVALID for anything else. */
bool base64_decode(const char *text, char **bytes, size_t *count, struct error *err) MUST_CHECK;

/** "*out_of" lower-case hexadecimal digits and a NUL: 2 * count + 1 bytes. */
void hex_encode(const void *bytes, size_t count, char *out);

static inline void text_cleanup(struct text *text)
{
    text_release(text);
}
