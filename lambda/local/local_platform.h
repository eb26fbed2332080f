/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * This machine as a platform: functions without a cloud.
 *
 * Under one folder it keeps `images`, a layout with every function's image,
 * `functions`, a record per function, and `roots`, the unpacked images. An
 * invocation starts the image's program in a sandbox of its own
 * (lambda/local/sandbox.h) and talks to it through the Lambda Runtime API
 * (lambda/local/runtime_api.h), as an ordinary user.
 */

#include "lambda/platform.h"
#include "oci/base/clock.h"
#include "oci/base/progress.h"

struct local_options {
    const char *folder; /* "$XDG_DATA_HOME/skiff"; made when missing */
    struct clock *clock;
    struct progress *progress;
    struct platform_spec machine; /* what this machine runs */
};

/** Copies `folder`, borrows the rest. Release with platform_free(). */
bool local_platform_open(const struct local_options *options, struct platform **out,
                         struct error *err) MUST_CHECK;
