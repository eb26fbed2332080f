/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ECR's registries, told by their host names: nobody has to log in to them by hand.
 *
 *     123456789012.dkr.ecr.eu-west-1.amazonaws.com
 *
 * Source: amazon-ecr-credential-helper, api/client.go
 */

#include "lambda/aws/aws_platform.h"

/** The region in the host's name; a new string, the caller's to free(). NULL for every other
 *  host: public.ecr.aws, too, is a registry like others. */
char *ecr_registry_region(const char *host);

/** Gets a login for the registry `host` of ECR with AWS's credentials, in the region of its
 * name, and hands it to the registries. Without credentials a login written down for the host
 * will do. ERROR_DENIED when that is missing, too, or the credentials may not. */
bool ecr_registry_log_in(const struct aws_options *options, const char *host,
                         struct error *err) MUST_CHECK;
