/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The repository team/app of registry.example, which plays a script and knows nobody.
 */

#include "registry/registry.h"
#include "tests/support/scripted_http.h"

/* sha256 of "hello" */
#define HELLO "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

struct scripted_registry {
    struct scripted_http http;
    struct registries *registries;
    struct store *store;
};

void scripted_registry_open(struct scripted_registry *scripted,
                            const struct scripted_exchange *script, size_t count);

/** Fails the test unless the whole script was played. */
void scripted_registry_close(struct scripted_registry *scripted);

/** How many steps there are before the first without a method, of `limit` at most. */
size_t scripted_steps(const struct scripted_exchange *steps, size_t limit);

/** A layer whose content is "hello". */
struct descriptor hello_blob(void);
