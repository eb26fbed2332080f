/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AWS as a platform: images in ECR, functions in Lambda, logs in CloudWatch.
 *
 * Source: the API references of Lambda, ECR, CloudWatch Logs and STS
 */

#include "lambda/platform.h"
#include "oci/base/clock.h"
#include "oci/base/progress.h"
#include "registry/registry.h"

struct aws_options {
    struct http *http;
    struct registries *registries; /* which learns the login of ECR's registry */
    const char *const *environment;
    const char *region; /* NULL: from the environment or the configuration file */
    struct clock *clock;
    struct progress *progress;
};

/** Finds credentials and region; asks nothing yet. Borrows everything but `region`.
 *  ERROR_DENIED says where credentials were looked for. Release with platform_free(). */
bool aws_platform_open(const struct aws_options *options, struct platform **out,
                       struct error *err) MUST_CHECK;
