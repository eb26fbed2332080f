/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A YAML document as a tree that remembers where everything stood.
 *
 * Plain scalars get the types PyYAML's safe_load gives them (YAML 1.1: yes and
 * off are booleans, 010 is 8), because that is what the files at hand were
 * written for. What a scalar looked like is kept beside its meaning, so that
 * 0.10 can still be passed on as "0.10".
 *
 * Aliases and tags are refused: a tree then is never larger than its file.
 *
 * Spec: YAML 1.1; PyYAML, resolver.py
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/error.h"

enum {
    YAML_FILE_LIMIT = 1024 * 1024, /* bytes */
    YAML_DEPTH_LIMIT = 32,
    YAML_NODES_LIMIT = 20000,
};

enum yaml_kind {
    YAML_NULL,
    YAML_BOOLEAN,
    YAML_INTEGER, /* those beyond 64 bits are strings */
    YAML_REAL,    /* finite; the others are strings */
    YAML_STRING,
    YAML_SEQUENCE,
    YAML_MAPPING,
};

struct yaml_node {
    enum yaml_kind kind;
    unsigned int line, column; /* from 1 */
    char *text;                /* scalars: as written, without quotes */
    bool is_quoted;
    bool truth;      /* YAML_BOOLEAN */
    int64_t integer; /* YAML_INTEGER */
    double real;     /* YAML_REAL */

    struct yaml_node *items; /* of a sequence or mapping, in the file's order */
    size_t count;

    char *key; /* inside a mapping, where no two are equal */
    unsigned int key_line, key_column;
};

/** Reads one document; `name` stands in front of errors. ERROR_USAGE says name:line:column and
 *  what is wrong there. Release with yaml_release(). */
bool yaml_parse(const char *name, const char *bytes, size_t count, struct yaml_node *root,
                struct error *err) MUST_CHECK;

void yaml_release(struct yaml_node *root);

/** The value of `key`, or NULL where there is none, it is null, or `mapping` is none or NULL.
 */
const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key);

/** Whether it is neither sequence nor mapping. */
bool yaml_is_scalar(const struct yaml_node *node);

/** A new value, the caller's to json_decref(). */
json_t *yaml_to_json(const struct yaml_node *node);

static inline void yaml_cleanup(struct yaml_node *root)
{
    yaml_release(root);
}
