/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/role_trust.h"

#include <string.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { POLICY_LIMIT = 32 * 1024 }; /* bytes, percent-encoded */

/* Policies have one value or a list of them. */
static bool has_value(const json_t *values, const char *const *wanted)
{
    const char *value = json_string_value(values);
    size_t index;
    json_t *each;

    for (; value && *wanted; wanted++)
        if (strcmp(value, *wanted) == 0)
            return true;
    json_array_foreach(values, index,
                       each) if (!json_is_array(each) && has_value(each, wanted)) return true;
    return false;
}

static bool lets_lambda_in(const json_t *statement)
{
    static const char *const allow[] = {"Allow", NULL};
    static const char *const assume[] = {"sts:AssumeRole", "sts:*", "*", NULL};
    static const char *const lambda[] = {"lambda.amazonaws.com", "*", NULL};
    static const char *const anybody[] = {"*", NULL};
    const json_t *principal = json_object_get(statement, "Principal");

    return has_value(json_object_get(statement, "Effect"), allow) &&
           has_value(json_object_get(statement, "Action"), assume) &&
           (has_value(principal, anybody) ||
            has_value(json_object_get(principal, "Service"), lambda));
}

bool role_trust_has_lambda(const json_t *policy)
{
    const json_t *statements = json_object_get(policy, "Statement");
    size_t index;
    json_t *each;

    if (json_is_object(statements))
        return lets_lambda_in(statements);
    json_array_foreach(statements, index, each) if (lets_lambda_in(each)) return true;
    return false;
}

static int hex_value(char c)
{
    const char *digits = "0123456789abcdef";
    const char *found = c ? strchr(digits, c | ((c >= 'A' && c <= 'F') ? 0x20 : 0)) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* Percent-decodes the text in its place. */
static void decode(char *text)
{
    char *out = text;

    while (*text) {
        int high = *text == '%' ? hex_value(text[1]) : -1;
        int low = high >= 0 ? hex_value(text[2]) : -1;
        *out++ = low >= 0 ? (char)(high << 4 | low) : *text;
        text += low >= 0 ? 3 : 1;
    }
    *out = '\0';
}

static bool read_policy(const char *xml, json_t **out, struct error *err)
{
    owned(memory) char *text = memory_new(POLICY_LIMIT, 1);

    if (!xml_text(xml, "AssumeRolePolicyDocument", text, POLICY_LIMIT))
        return error_set(err, ERROR_NETWORK, "answer without a trust policy");
    decode(text);
    struct error trouble;
    return json_parse(text, strlen(text), out, &trouble) ||
           error_set(err, ERROR_NETWORK, "trust policy: %.200s", trouble.text);
}

bool role_trust_check(const struct aws *aws, const char *role_arn, struct error *err)
{
    const struct aws_call call = {
        .service = "iam",
        .operation = "GetRole",
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    };
    const char *slash = strrchr(role_arn, '/');
    owned(text) struct text question = {0};
    owned(aws_answer) struct aws_answer answer = {0};
    json_owned json_t *policy = NULL;

    text_add(&question, "Action=GetRole&Version=2010-05-08&RoleName=");
    text_add_escaped(&question, slash ? slash + 1 : role_arn, "");
    if (!aws_send(aws, &call, text_string(&question), question.length, &answer, NULL, err))
        return false;
    if (!read_policy(answer.bytes, &policy, err))
        return error_wrap(err, "iam GetRole");
    return role_trust_has_lambda(policy) ||
           error_set(err, ERROR_INVALID, "its trust policy does not let Lambda assume it");
}
