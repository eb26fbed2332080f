/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * ECR's registries, told by their host names: nobody has to log in to them by hand.
 *
 *     123456789012.dkr.ecr.eu-west-1.amazonaws.com
 *     public.ecr.aws
 *
 * Their logins hold for twelve hours. After half of them the registries get the
 * next one, and earlier where one is refused.
 *
 * Source: amazon-ecr-credential-helper, api/client.go
 */

#include "lambda/aws/aws_platform.h"
#include "lambda/aws/ecr.h"

/** The region in the host's name; a new string, the caller's to free(). NULL for every other
 *  host, public.ecr.aws among them. */
char *ecr_registry_region(const char *host);

/** Whether AWS's credentials are good for the host. */
bool ecr_registry_takes_credentials(const char *host);

/** Gets a login for the registry `host` of ECR with AWS's credentials, in the region of its
 * name, and hands it to the registries; the options' parts are borrowed for as long as those
 * live. Without credentials a login written down for the host will do, and public.ecr.aws lets
 * everybody in. ERROR_DENIED when that is missing, too, or the credentials may not. */
bool ecr_registry_log_in(const struct aws_options *options, const char *host,
                         struct error *err) MUST_CHECK;

/** Hands the registries a login that was got already, and what it takes to get the next ones
 *  for the same host, in the options' region if its name has none. */
void ecr_registry_use_login(const struct aws_options *options, const char *host,
                            const struct ecr_login *login);
