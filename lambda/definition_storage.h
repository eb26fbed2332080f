/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a definition says about storage: the accounts under storage_providers, and where the
 * outputs of a function go. The supervisor acts on both; here is looked whether it can, as
 * long as somebody is there to hear of it.
 *
 * Accounts hold keys. They never are in the image, nor in a message: the function gets
 * them with its environment, in FDL, as from SCAR.
 */

#include "lambda/definition_reading.h"

/** Reads storage_providers and checks them and the function's outputs. ERROR_USAGE. */
bool definition_read_storage(const struct reading *reading, struct error *err) MUST_CHECK;
