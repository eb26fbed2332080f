/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the makers of runtimes are promised to find in the environment.
 *
 * Most of it Lambda sets itself. What it sets for its own base images alone, or what is a
 * second name of something else, is added here where it is missing.
 *
 * Source: Lambda developer guide, "Defined runtime environment variables"
 */

#include "lambda/supervisor/settings.h"
#include "lambda/supervisor/variables.h"

/** `command` is the image's own, ended by NULL. */
void runtime_variables_add(struct variables *variables, const struct settings *settings,
                           const char *const *command);
