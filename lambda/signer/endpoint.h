/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a service of AWS answers.
 *
 * By default that is a host named after service and region, in the domain of the
 * partition: AWS, AWS in China and so on; another one for FIPS 140, and for IPv6
 * beside IPv4 (dual-stack). For private endpoints and test servers the user names
 * another, which is taken as it is written, http included. Inside a function
 * variables say all of this; elsewhere profiles may, too (lambda/aws/aws_endpoint.h).
 *
 * Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints",
 * "Dual-stack and FIPS endpoints"; botocore/data/partitions.json
 */

#include <stdbool.h>

#include "oci/base/error.h"

/* What the user wishes; all borrowed. All zero: the usual. */
struct endpoint_wish {
    const char *url;     /* NULL: none */
    const char *said_by; /* who named it, for errors */
    bool fips;
    bool dual_stack;
};

/* All owned. */
struct endpoint {
    char *url;    /* without a slash at the end */
    char *region; /* to sign for: a service for all regions has one of its own */
};

/** The endpoint of `service` ("lambda", "ecr", "ecr-public", "logs", "s3", "sts", "iam", "sso",
 *  "sso-oidc")
 *  for `region`. ERROR_USAGE for a wish that is no URL or cannot be. */
bool endpoint_make(const char *service, const char *region, const struct endpoint_wish *wish,
                   struct endpoint *out, struct error *err) MUST_CHECK;

/** The URL of the same, by what AWS_ENDPOINT_URL_<SERVICE>, AWS_ENDPOINT_URL,
 *  AWS_USE_FIPS_ENDPOINT and AWS_USE_DUALSTACK_ENDPOINT say; a new string, the caller's to
 *  free(). */
bool endpoint_find(const char *const *environment, const char *service, const char *region,
                   char **out, struct error *err) MUST_CHECK;

/** The URL as it is used, without slashes at the end; a new string, the caller's to free().
 *  NULL when it is no URL of an endpoint. */
char *endpoint_from_url(const char *url);

/** How the service is called in variables, "AWS_ENDPOINT_URL_LAMBDA", and in AWS's
 *  configuration file, "lambda". Static strings. */
const char *endpoint_variable(const char *service);
const char *endpoint_key(const char *service);

/** The domain all hosts of the region are in: "amazonaws.com". A static string. */
const char *endpoint_domain(const char *region);

void endpoint_release(struct endpoint *endpoint);

static inline void endpoint_cleanup(struct endpoint *endpoint)
{
    endpoint_release(endpoint);
}
