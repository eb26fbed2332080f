/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON from strangers, read politely; JSON of ours, written one way.
 *
 * The document is a jansson value, whose type may show in headers; parsing and
 * printing happen here and nowhere else, so that depth and size have one limit
 * and the bytes have one form: no white space, keys in byte order.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/error.h"

enum { JSON_DEPTH_LIMIT = 64 };

#define json_owned __attribute__((cleanup(json_cleanup)))

/** Reads one JSON value and nothing after it. ERROR_INVALID says where it breaks,
 *  ERROR_LIMIT when it nests deeper than JSON_DEPTH_LIMIT. The caller's to json_decref(). */
bool json_parse(const char *bytes, size_t count, json_t **out, struct error *err) MUST_CHECK;

/** The same for events and answers, which others write in every way that JSON allows: a key
 *  given twice has the last value, text may hold U+0000 (in keys it becomes U+FFFD), and whole
 *  numbers beyond 64 bits are real ones. */
bool json_parse_event(const char *bytes, size_t count, json_t **out,
                      struct error *err) MUST_CHECK;

/** The canonical text; a new string, the caller's to free(). */
char *json_text(const json_t *json);

/** The same for files that people look into: on lines of its own, keys as they came. */
char *json_text_for_people(const json_t *json);

/** Fields of `object`, borrowed from it. ERROR_INVALID names the field when it is
 *  missing or of another type. */
bool json_field_object(const json_t *object, const char *name, json_t **out,
                       struct error *err) MUST_CHECK;
bool json_field_array(const json_t *object, const char *name, json_t **out,
                      struct error *err) MUST_CHECK;
bool json_field_string(const json_t *object, const char *name, const char **out,
                       struct error *err) MUST_CHECK;
bool json_field_size(const json_t *object, const char *name, uint64_t *out,
                     struct error *err) MUST_CHECK;

/** The text of a string, borrowed; NULL when it is none, or has a NUL and would end there. */
const char *json_plain_string(const json_t *value);

/** The same of a field, NULL when it is missing. */
const char *json_optional_string(const json_t *object, const char *name);

/** A new array of strings from a list ended by NULL. */
json_t *json_strings(const char *const *strings);

/** A new string value. What is not UTF-8 (JSON can carry nothing else) is replaced by U+FFFD.
 */
json_t *json_lossy_string(const char *bytes, size_t count);

static inline void json_cleanup(json_t **variable)
{
    json_decref(*variable);
}
