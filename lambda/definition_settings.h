/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Lambda lets a function have beside memory, time and variables.
 *
 * The keys have plain names; what is read is kept in Lambda's words, since
 * nobody but Lambda looks into it. Each is checked by Lambda's own rules, so
 * that a slip is heard with its line before anything is pushed.
 *
 * Source: Lambda API reference, CreateFunction, CreateFunctionUrlConfig; Lambda quotas
 */

#include "lambda/definition_reading.h"

/** Reads vpc, file_system, image_config, ephemeral_storage, kms_key_arn, tracing, dead_letter,
 *  logging, concurrency, function_url, publish and alias. ERROR_USAGE. */
bool definition_read_settings(const struct reading *reading, struct error *err) MUST_CHECK;
