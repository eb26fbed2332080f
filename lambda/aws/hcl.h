/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Terraform's language, as far as one writes resources in it, the way `terraform fmt` lays it
 * out.
 *
 * A body is a JSON object. Its members in an object of their own are blocks; texts,
 * numbers, truths and lists of them are attributes; what is neither is wrapped:
 *
 *     {"name": "hello", "tags": {"=": {"team": "blue"}}, "role": {"$": "var.role"},
 *      "timeouts": {"create": "10m"}}
 *
 * is an attribute, one with a map, one with an expression, and a block.
 *
 * Spec: HCL native syntax specification; Terraform, "Style conventions"
 */

#include <jansson.h>

#include "oci/base/text.h"

/** Appends `head`, as in "resource \"aws_ecr_repository\" \"hello\"", with its body. */
void hcl_add_block(struct text *out, const char *head, const json_t *body);
