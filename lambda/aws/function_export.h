/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A function for those who deploy it with other tools: what a definition and its image, or a
 * function that is there, would be in Terraform, in a SAM template, or as the body of
 * CreateFunction.
 *
 * The image is named by digest. What a form has no place for is named as left out. Accounts of
 * storage_providers are secret and travel in FDL, a variable of the function: the forms that
 * people keep under version control get it as a parameter.
 *
 * Source: Lambda API reference, CreateFunction; Terraform AWS provider, aws_lambda_function,
 * aws_lambda_function_url, aws_lambda_permission, aws_lambda_alias, aws_ecr_repository; AWS
 * SAM, AWS::Serverless::Function
 */

#include "lambda/aws/aws.h"
#include "lambda/definition.h"

/* All owned. */
struct function_export {
    json_t *request;        /* the body of CreateFunction */
    json_t *url;            /* of CreateFunctionUrlConfig; NULL: no URL */
    char *alias;            /* NULL for none */
    char *repository;       /* the image's, where it is the function's own; else NULL */
    int concurrency;        /* CONCURRENCY_UNRESERVED for none */
    int log_retention_days; /* of the group made for it; 0: leave the group alone */
    bool has_secrets;       /* in FDL */
    bool has_triggers;
    bool is_deployed; /* the function is there already */
};

enum function_export_form {
    FUNCTION_EXPORT_TERRAFORM,
    FUNCTION_EXPORT_SAM,
    FUNCTION_EXPORT_JSON,
};

/** What the definition says, with its image. ERROR_USAGE without a role. */
bool function_export_definition(const struct definition *definition, const char *image_uri,
                                struct function_export *out, struct error *err) MUST_CHECK;

/** What is there under the name, made by skiff or not. ERROR_INVALID for one that is no image.
 */
bool function_export_deployed(const struct aws *aws, const char *name,
                              struct function_export *out, struct error *err) MUST_CHECK;

/** The text of the form; a new string, the caller's to free(). Appends to the array
 *  `left_out`, in the definition's words, what it has no place for. */
char *function_export_text(const struct function_export *function,
                           enum function_export_form form, json_t *left_out);

/** The two forms with a page of their own; likewise new strings. */
char *function_export_terraform(const struct function_export *function);
char *function_export_sam(const struct function_export *function);

void function_export_release(struct function_export *function);

static inline void function_export_cleanup(struct function_export *function)
{
    function_export_release(function);
}
