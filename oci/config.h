/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An image's config as a JSON document: how to run it, and what it is made of.
 *
 * These functions change the document in place and leave every field they do
 * not know alone.
 *
 * Spec: image-spec v1.1, config.md
 */

#include <jansson.h>
#include <time.h>

#include "oci/image.h"

/** A time as the config writes it, RFC 3339 in UTC; a new string, the caller's to free(). */
char *config_format_time(time_t seconds);

/** Sets variables, "NAME=value" ended by NULL: known names in their place, new ones at the end.
 */
void config_set_environment(json_t *config, const char *const *environment);

/** Sets a member of "config", which is made when missing. Takes over `value`. */
void config_set(json_t *config, const char *member, json_t *value);

/** Notes a layer on top: its diff id and its line in the history. */
void config_add_layer(json_t *config, const struct image_addition *addition,
                      const char *created);

/** Gives every layer that has no line in the history one, so that they stay in step. */
void config_complete_history(json_t *config, const char *created);
