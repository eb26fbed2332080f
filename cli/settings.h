/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a user says about registries once and for all, and what the options add.
 *
 *     mirrors:
 *       docker.io: mirror.example/hub     (or a list of them, tried in order)
 *     plain-http: [registry.lan:5000]
 *
 * It is the file $XDG_CONFIG_HOME/skiff/config.yaml, or that of $HOME/.config.
 */

#include "cli/context.h"
#include "registry/registry.h"

/** Tells `registries` about mirrors and plain hosts; the options' mirrors come before the
 *  file's. No file is fine; ERROR_USAGE says where one is wrong. */
bool settings_apply(const struct global_values *globals, const char *const *environment,
                    struct registries *registries, struct error *err) MUST_CHECK;
