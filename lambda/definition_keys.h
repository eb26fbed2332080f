/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every key a function.yaml may have, and what it means here.
 *
 * The form is SCAR's and so is the list: what we use has a type, what has lost
 * its meaning (a static supervisor, no udocker) is passed over in silence, what
 * we cannot do yet is warned about, and so is what nobody knows, with the key
 * that was probably meant.
 */

#include "oci/base/progress.h"
#include "oci/base/yaml.h"

/** Checks that the file has functions and that every value in use has its type, and warns.
 * After it the tree may be read without looking at types. ERROR_USAGE says `path`:line:column.
 */
bool definition_keys_check(const char *path, const struct yaml_node *root,
                           struct progress *progress, struct error *err) MUST_CHECK;

/** The mappings under functions: aws:, a sequence of at least one. */
const struct yaml_node *definition_keys_functions(const struct yaml_node *root);

/** Puts "<path>:<line>:<column>: <label>: " in front of the error. Always returns false. */
bool definition_keys_place(struct error *err, const char *path, const struct yaml_node *node,
                           const char *label);
