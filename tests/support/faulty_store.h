/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A store in front of another one, with a switch: the call that is going to fail.
 *
 * A put that fails has taken half of the bytes first.
 */

#include "oci/store.h"

struct faulty_store {
    struct store store;
    struct store *inner;
    int calls_left; /* the call after these fails with ERROR_NETWORK; -1 for never */
    int puts;       /* blobs put */
};

void faulty_store_init(struct faulty_store *faulty, struct store *inner);
