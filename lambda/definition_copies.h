/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a definition copies into the image: container.copy, --copy, and SCAR's
 * extra_payload, a folder for /var/task.
 */

#include "lambda/definition_reading.h"

/** Whether anything is to be copied. */
bool definition_has_copies(const struct reading *reading);

/** Reads all of them and looks whether the sources are there. ERROR_USAGE. */
bool definition_read_copies(const struct reading *reading, struct error *err) MUST_CHECK;
