/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Lambda, and therefore skiff, accepts as a value.
 *
 * Each rule looks at one value and says in words what is wrong with it; where
 * the value came from is the caller's to add.
 *
 * Source: Lambda API reference, CreateFunction; Lambda quotas
 */

#include <jansson.h>
#include <stdint.h>

#include "oci/base/error.h"
#include "oci/platform_spec.h"

/* All of these: ERROR_USAGE. */

/** A number from `least` to `most`, in `unit`. */
bool definition_rule_range(int64_t value, int least, int most, const char *unit,
                           struct error *err) MUST_CHECK;

bool definition_rule_region(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_role(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_description(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_log_retention(int64_t days, struct error *err) MUST_CHECK;

/* What else Lambda takes, one word or ARN each. */
bool definition_rule_subnet(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_security_group(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_access_point(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_mount_path(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_working_directory(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_key(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_dead_letter(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_tracing(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_log_format(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_application_level(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_system_level(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_log_group(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_url_auth(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_invoke_mode(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_alias(const char *text, struct error *err) MUST_CHECK;

/** `text` may be of any case; `*level` is the static upper-case name. */
bool definition_rule_log_level(const char *text, const char **level,
                               struct error *err) MUST_CHECK;

/** What a script that fails does to its event. */
bool definition_rule_on_error(const char *text, struct error *err) MUST_CHECK;

/** Lambda's names: x86_64 and arm64. */
bool definition_rule_architecture(const char *text, struct platform_spec *out,
                                  struct error *err) MUST_CHECK;

/** The file an init script is called in the image: UTF-8, and not one of ours. */
bool definition_rule_script_name(const char *name, struct error *err) MUST_CHECK;

/** Where a copy goes: `*path` is a new string, the path in the image without a slash in front.
 * A relative one is meant from /var/task. A file's, `file_name`, is put into a folder, the root
 * or one that is named with a slash at its end; NULL for a folder. */
/** A bucket's name as S3 has it, the oldest ones too. */
bool definition_rule_bucket(const char *text, struct error *err) MUST_CHECK;
bool definition_rule_destination(const char *text, const char *file_name, char **path,
                                 struct error *err) MUST_CHECK;

/** A bucket of S3, one with a name of the old kind too. */
bool definition_rule_bucket(const char *text, struct error *err) MUST_CHECK;

/** Octal; everybody may read. */
bool definition_rule_mode(const char *text, unsigned int *mode, struct error *err) MUST_CHECK;

/** Names of variables: any script's, and those Lambda lets a function have. The values are
 * text. */
bool definition_rule_variable(const char *name, const char *value,
                              struct error *err) MUST_CHECK;
bool definition_rule_function_variable(const char *name, const char *value,
                                       struct error *err) MUST_CHECK;
bool definition_rule_tag(const char *name, const char *value, struct error *err) MUST_CHECK;
