/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A repository behind its mirror.
 *
 * Whatever is read is asked of the mirror first, and of the origin where the
 * mirror does not give it. A mirror that cannot be reached, or does not let us
 * in, is not asked again; nor is one that breaks off within a blob, which then
 * goes on from the origin, or one that gives other bytes than were asked for,
 * after which a blob's source rewinds to begin again at the origin.
 */

#include "oci/store.h"

/** It is read only and borrows both, which must be able to open a blob anywhere; release with
 *  store_free(). */
struct store *mirror_store(struct store *mirror, struct store *origin);
