/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Blobs on their way from one store to another, while more are still being found.
 *
 * Round trips are what an image's way costs, so whoever learns that a blob will
 * be wanted over there says so at once, and a few threads see to it while the
 * rest of the image is still being read or made. Small blobs, which cost round
 * trips and nothing else, go first; then the largest, which would be last to
 * arrive. The first failure is the one reported, and stops the others.
 */

#include <stddef.h>
#include <stdint.h>

#include "oci/base/progress.h"
#include "oci/store.h"

struct shipment;

struct shipment_summary {
    size_t blobs_there, blobs_mounted, blobs_carried;
    uint64_t bytes_carried;
};

/** Begins with nothing to carry. All are borrowed. */
struct shipment *shipment_new(struct store *from, struct store *to, struct progress *progress);

/** Whether it is `to` that it brings blobs to. */
bool shipment_leads_to(const struct shipment *shipment, const struct store *to);

/** Has the blob brought over, and returns at once. One that was added before is not brought
 *  again. ERROR_INVALID for one that may not be distributed; ERROR_LIMIT. */
bool shipment_add(struct shipment *shipment, const struct descriptor *blob,
                  struct error *err) MUST_CHECK;

/** Says that a config not known yet will come, and returns at once. */
void shipment_expect_config(struct shipment *shipment);

/** Waits until all that was added is there. */
bool shipment_wait(struct shipment *shipment, struct shipment_summary *out,
                   struct error *err) MUST_CHECK;

/** What is still under way is broken off. */
void shipment_free(struct shipment *shipment);

static inline void shipment_cleanup(struct shipment **variable)
{
    shipment_free(*variable);
}
