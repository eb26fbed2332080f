/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One blob's way from store to store.
 *
 * The cheapest is tried first: the far side takes it from a sibling repository,
 * has it already, or we carry it. Mounting comes first because it is a question
 * and its answer in one: where it is refused, it has at least opened an upload.
 * A small blob at hand is sent without asking, since asking costs as much.
 */

#include "oci/store.h"

/** How a blob got where it is now. */
enum blob_way { BLOB_WAS_THERE, BLOB_MOUNTED, BLOB_CARRIED };

/** Makes sure `to` has the blob. `watch`, which takes over a source and returns it wrapped,
 * sees the bytes that are carried. Errors name the blob and the side that failed. */
bool transfer_blob(struct store *from, struct store *to, const struct descriptor *blob,
                   struct source *(*watch)(void *context, struct source *bytes), void *context,
                   enum blob_way *way, struct error *err) MUST_CHECK;
