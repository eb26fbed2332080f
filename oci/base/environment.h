/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Environment variables as a value.
 *
 * Only cli/ sees the real ones; everybody else is handed a list of "NAME=value"
 * ended by NULL, so tests can say what the world looks like.
 */

/** The value of `name`, or NULL when it is unset or empty. Borrowed from the list. */
const char *environment_get(const char *const *environment, const char *name);
