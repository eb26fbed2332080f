/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a definition says about how events reach the program: supervisor: {mode, port,
 * on_error}. The supervisor inside the function acts on it; here is looked whether it can.
 */

#include "lambda/definition_reading.h"

/** Reads the supervisor section, whose mode decides what its and other keys may say.
 * ERROR_USAGE.
 */
bool definition_read_supervisor(const struct reading *reading, struct error *err) MUST_CHECK;
