/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One function brought from what is there to what a definition says.
 *
 * What Lambda knew before is kept: it is compared with what is wanted, so that only
 * what differs is changed, and it is what undoing goes back to. The code changes
 * before the configuration, each is waited for, and what belongs to the function
 * comes last.
 */

#include "lambda/aws/aws.h"
#include "lambda/aws/function_surroundings.h"
#include "lambda/platform.h"

/* Ready when zero but for `aws`. */
struct function_deployment {
    const struct aws *aws; /* borrowed */
    json_t *before;        /* owned: GetFunction's answer; NULL: no function */
    /* What has been done, for undoing it. */
    bool is_made;
    bool has_log_group;
    bool has_role;
    bool is_code_changed;
    json_t *configuration; /* owned: members as they were; NULL: not changed */
    char *arn;             /* owned: the function's, once what is around it was begun */
    const struct definition *definition; /* borrowed: with that */
    struct surroundings_past past;       /* likewise */
};

/** Each as its namesake in struct platform_ops. */
bool function_deployment_create(struct function_deployment *deployment,
                                const struct platform_change *change, char **arn,
                                struct error *err) MUST_CHECK;
bool function_deployment_update(struct function_deployment *deployment,
                                const struct platform_change *change, char **arn,
                                struct error *err) MUST_CHECK;
bool function_deployment_check(const struct function_deployment *deployment,
                               const struct platform_change *change,
                               struct error *err) MUST_CHECK;
bool function_deployment_plan(struct function_deployment *deployment,
                              const struct platform_change *change, json_t *calls,
                              struct error *err) MUST_CHECK;
bool function_deployment_undo(struct function_deployment *deployment, const char *name,
                              struct error *err) MUST_CHECK;

/** What the function runs, by digest; NULL when not known. Borrowed from `function`, an answer
 *  of GetFunction. */
const char *function_deployment_image(const json_t *function);

void function_deployment_release(struct function_deployment *deployment);
