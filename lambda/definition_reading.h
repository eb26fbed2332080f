/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A definition while it is read: values and who gave them.
 *
 * Options win over the file, and whatever is wrong with a value is said with
 * the place it came from.
 */

#include "lambda/definition.h"
#include "oci/base/yaml.h"

/* What the definitions point at. */
struct definition_memory {
    char **strings;
    size_t string_count;
    json_t *values;
};

/* One function on its way from the file and the options to a definition. */
struct reading {
    const char *path; /* of the file; NULL without one, and then there are no nodes */
    const struct definition_options *options;
    const struct yaml_node *item;      /* the entry of functions: aws: */
    const struct yaml_node *lambda;    /* its lambda section */
    const struct yaml_node *container; /* the container section of that */
    const struct yaml_node *providers; /* storage_providers, which all functions share */
    struct definition_memory *memory;
    struct definition *out;
};

/* A value and who gave it: an option, the file, or nobody. */
struct setting {
    const char *text;             /* NULL: nobody */
    const struct yaml_node *node; /* NULL: not the file */
    const char *label;            /* "--memory", "memory" */
};

/** Keep what the definitions point at; both take over what they are given. */
const char *definition_keep(struct definition_memory *memory, char *string);
json_t *definition_keep_value(struct definition_memory *memory, json_t *value);

/** The option's value, or that of `key` in `section`, or none. */
struct setting setting_choose(const char *option, const char *option_label,
                              const struct yaml_node *section, const char *key,
                              const char *key_label);

/** Puts the place a bad value came from in front of what is wrong with it. Returns false. */
bool setting_blame(const struct reading *reading, const struct setting *setting,
                   struct error *err);

/** Something required is in neither: `section`, which may be NULL, is where it belongs. Returns
 * false. */
bool setting_miss(const struct reading *reading, const struct yaml_node *section,
                  const char *label, const char *option, struct error *err);

/** The host path: one in the file is meant from the file's folder. A new string. */
char *setting_path(const struct reading *reading, const struct setting *setting);
