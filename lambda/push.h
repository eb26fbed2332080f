/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function's image on its way into the platform's repository.
 *
 * The tag `latest` names what was deployed last, as SCAR's users know it; where
 * a repository does not let tags move, the image gets one of its own.
 */

#include "lambda/platform.h"
#include "oci/base/progress.h"
#include "oci/digest.h"
#include "oci/shipment.h"

/* Ready when zero, but for from, top and runs. */
struct push {
    struct store *from; /* borrowed; NULL: nothing to push */
    struct digest top;  /* what the tag is to name: the index, or the only image */
    struct digest runs; /* the image that the function runs */
    struct platform_repository repository;
    struct progress *progress; /* borrowed */
    bool is_quiet;
    /* What has been done. */
    struct shipment *shipment; /* owned: blobs on their way already; NULL: none */
    bool is_begun;
    bool is_sent;
    bool is_new;            /* the image was not there before; only known after push_note() */
    struct document former; /* owned: what the tag named; likewise */
};

/** Whether a tag names the image already. What cannot be asked is not. */
bool push_is_named(const struct push *push);

/** Looks at what is there, for push_undo(). */
void push_note(struct push *push);

/** Lets blobs set out for the repository, which is open, before the image is complete. */
struct shipment *push_begin(struct push *push);

/** Copies the image and says so. */
bool push_send(struct push *push, struct error *err) MUST_CHECK;

/** Lets the tag name what it named before push_send(). */
bool push_undo(const struct push *push, struct error *err) MUST_CHECK;

/** Appends to the array `upload` what push_send() would carry, and adds up its size. */
bool push_plan(const struct push *push, json_t *upload, uint64_t *bytes,
               struct error *err) MUST_CHECK;

void push_release(struct push *push);
