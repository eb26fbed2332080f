/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Images in JSON, for --json and --metadata-file, and in lines for people.
 */

#include <jansson.h>
#include <stdio.h>

#include "oci/image.h"
#include "oci/index.h"

/** The manifest's descriptor with its platform, "config" and "layers"; a new object, the
 * caller's. */
json_t *describe_image(const struct image *image);

enum { DESCRIBE_COLUMNS = 100 };

/* What the terminal can show. */
struct describe_look {
    unsigned int columns; /* lines are no longer; at least DESCRIBE_COLUMNS_LEAST is assumed */
    bool unicode;         /* bars of blocks instead of '#' */
};

enum { DESCRIBE_COLUMNS_LEAST = 72 };

/** What a person wants to know: how it runs, and its history, with a bar for each layer. */
void describe_print_image(const struct image *image, const struct describe_look *look,
                          FILE *out);

/** One line for what is no image: its type, and how large all of it is. */
bool describe_print_artifact(const struct document *document, const char *type, FILE *out,
                             struct error *err) MUST_CHECK;

/** The platforms of an index, in one line or a few. */
void describe_print_platforms(const struct index_entry *entries, size_t count,
                              const struct describe_look *look, FILE *out);

/** Words from outside on a line of their own, with nothing in them that steers a terminal. */
void describe_print_line(const char *text, FILE *out);

/** Prints one JSON document, laid out for reading. Takes over `json`. */
void describe_print_json(json_t *json, FILE *out);
