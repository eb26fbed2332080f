/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A repository of a registry, as a store.
 *
 * It remembers what it has learnt on the way: which blobs are there, which uploads are open,
 * who has refused a mount, and the form of upload the registry takes. May be used from several
 * threads.
 *
 * Spec: distribution-spec v1.1, spec.md#api
 */

#include "oci/store.h"
#include "registry/session.h"

struct repository;

/** Asks nothing yet. The session is borrowed. */
struct repository *repository_new(struct session *session, const char *name);
void repository_free(struct repository *repository);

/** Whether it is the one of that name there. */
bool repository_is(const struct repository *repository, const struct session *session,
                   const char *name);

/** The same repository as a store; freed with the repository. */
struct store *repository_store(struct repository *repository);
