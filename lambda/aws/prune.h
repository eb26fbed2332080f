/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Older images of a function, taken away.
 *
 * What counts is an index together with the images in it, or an image that is in
 * none. The newest ones stay, and every one that a function or a version runs.
 *
 * Source: Amazon ECR API reference, DescribeImages, BatchGetImage
 */

#include "lambda/aws/aws.h"
#include "lambda/platform.h"

/** As its namesake in struct platform_ops. */
bool prune_images(const struct aws *aws, const char *function,
                  const struct platform_pruning *pruning, json_t *removed,
                  struct error *err) MUST_CHECK;
