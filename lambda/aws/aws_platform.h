/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * AWS as a platform: images in ECR, functions in Lambda, logs in CloudWatch.
 *
 * Source: the API references of Lambda, ECR, CloudWatch Logs and STS
 */

#include "lambda/aws/aws_session.h"
#include "lambda/platform.h"
#include "registry/registry.h"

/** Finds credentials and region. Borrows everything but `region` and `profile`.
 *  ERROR_DENIED says where credentials were looked for. Release with platform_free(). */
bool aws_platform_open(const struct aws_options *options, struct platform **out,
                       struct error *err) MUST_CHECK;
