/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The layout of all functions' images, seen by one of them: whatever it tags gets its name.
 *
 * What a push brings is not the function's before its record says so: until then both images
 * have a tag, and whoever sweeps leaves both.
 *
 *     function_repository_init(&repository, layout, "hello");
 *     …a copy to &repository.store; the record is written…
 *     function_repository_settle(layout, "hello", err)
 */

#include "oci/layout.h"

struct function_repository {
    struct store store;
    struct store *images; /* the layout's; borrowed */
    char *tag;
};

/** Borrows the layout, copies the function's name. */
void function_repository_init(struct function_repository *repository, struct layout *layout,
                              const char *name);
void function_repository_release(struct function_repository *repository);

/** The tag that a pushed image has until then; no function has a name with a dot. A new string.
 */
char *function_repository_next_tag(const char *tag);

/** The record is written: what was pushed for it, if anything, is the function's. */
bool function_repository_settle(struct layout *layout, const char *name,
                                struct error *err) MUST_CHECK;
