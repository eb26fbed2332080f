/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Several pieces of blocking work at the same time.
 *
 * Code stays blocking and reads top to bottom; a few threads take pieces in
 * order until none is left. The first failure is the one reported: pieces not
 * begun are not begun any more, and those under way learn of it by asking
 * work_stopped() now and then.
 */

#include <stdbool.h>
#include <stddef.h>

#include "oci/base/error.h"

struct work;

/* Does piece number `piece`; called from several threads with one `context`. */
typedef bool work_function(void *context, struct work *work, size_t piece, struct error *err);

/** Does `count` pieces on at most `threads` threads and waits for all of them. */
bool work_run(size_t count, size_t threads, work_function *function, void *context,
              struct error *err) MUST_CHECK;

/** How many pieces this process can do at the same time: the processors it may use. */
size_t work_processors(void);

/** Whether another piece has failed, so that this one is wasted. */
bool work_stopped(struct work *work);
