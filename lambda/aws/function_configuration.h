/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function's configuration in one form, whoever it comes from.
 *
 * A definition leaves out what it does not care for, Lambda answers with members
 * of its own. Here both become the same object: every member of
 * UpdateFunctionConfiguration that skiff knows, the usual value where nobody said
 * one. So what differs is what has to be changed, and nothing else is sent.
 *
 * Source: Lambda API reference, UpdateFunctionConfiguration, FunctionConfiguration
 */

#include "lambda/function_environment.h"

/** What the definition wants of the function on `image_uri`; a new object, the caller's. */
json_t *function_configuration(const struct definition *definition, const char *image_uri);

/** What Lambda says, in a "Configuration" of its answers, that the function has; a new object,
 *  the caller's. Of an empty answer: what a new function has. */
json_t *function_configuration_read(const json_t *answer, const char *name);

/** Puts into `wanted`, from function_configuration(), the variables of `present` that stay. */
void function_configuration_merge(json_t *wanted, const json_t *present,
                                  const struct environment_change *change);

/** The members of `wanted` that `present` has otherwise; a new object, the caller's. */
json_t *function_configuration_changes(const json_t *present, const json_t *wanted);
