/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where a service answers, for those who have profiles. The first of these names it:
 *
 *     AWS_ENDPOINT_URL_<SERVICE>
 *     AWS_ENDPOINT_URL
 *     endpoint_url under the service, in the [services …] the profile names
 *     endpoint_url of the profile
 *
 * and none of them with AWS_IGNORE_CONFIGURED_ENDPOINT_URLS.
 *
 * Source: AWS SDKs and Tools Reference Guide, "Service-specific endpoints"
 */

#include "lambda/aws/aws_settings.h"
#include "lambda/signer/endpoint.h"

/** The endpoint, as endpoint_make() has it. ERROR_USAGE for a setting that is no URL. */
bool aws_endpoint_find(const struct aws_settings *settings, const char *service,
                       const char *region, struct endpoint *out, struct error *err) MUST_CHECK;
