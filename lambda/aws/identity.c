/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/identity.h"

#include <string.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/memory.h"

enum { USER_ID_LIMIT = 256 }; /* bytes: what a tag takes */

bool identity_user_id(const struct aws *aws, char **out, struct error *err)
{
    static const char question[] = "Action=GetCallerIdentity&Version=2011-06-15";
    const struct aws_call call = {
        .service = "sts",
        .operation = "GetCallerIdentity",
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    };
    owned(aws_answer) struct aws_answer answer = {0};
    char user_id[USER_ID_LIMIT + 1];

    if (!aws_send(aws, &call, question, strlen(question), &answer, NULL, err))
        return false;
    if (!xml_text(answer.bytes, "UserId", user_id, sizeof user_id))
        return error_set(err, ERROR_INVALID, "sts GetCallerIdentity: answer without a UserId");
    *out = memory_copy_string(user_id);
    return true;
}
