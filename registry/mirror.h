/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A repository behind its mirror.
 *
 * Whatever is read is asked of the mirror first, and of the origin where the
 * mirror does not give it. A mirror that cannot be reached, or does not let us
 * in, is not asked again.
 */

#include "oci/store.h"

/** It is read only and borrows both; release with store_free(). */
struct store *mirror_store(struct store *mirror, struct store *origin);
