/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a service of AWS answers.
 *
 * By default that is a host named after service and region, in the domain of
 * AWS, of AWS in China and so on. AWS_ENDPOINT_URL_<SERVICE> and
 * AWS_ENDPOINT_URL say otherwise, for private endpoints and test servers; they
 * are taken as they are written, http included.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints"
 */

#include <stdbool.h>

#include "oci/base/error.h"

/** The URL of `service` ("lambda", "ecr", "logs", "s3", "sts") in `region`, without a slash at
 * the end; a new string, the caller's to free(). ERROR_USAGE for a variable that holds no URL.
 */
bool endpoint_find(const char *const *environment, const char *service, const char *region,
                   char **out, struct error *err) MUST_CHECK;

/** The domain all hosts of the region are in: "amazonaws.com". A static string. */
const char *endpoint_domain(const char *region);
