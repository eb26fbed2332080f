/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/identity.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/memory.h"

enum { FIELD_LIMIT = 2048 }; /* bytes, the longest ARN among them */

static bool read_field(const char *xml, const char *tag, char **out, struct error *err)
{
    char value[FIELD_LIMIT + 1];

    if (!xml_text(xml, tag, value, sizeof value))
        return error_set(err, ERROR_INVALID, "sts GetCallerIdentity: answer without a%s %s",
                         *tag == 'A' ? "n" : "", tag);
    *out = memory_copy_string(value);
    return true;
}

bool identity_get(const struct aws *aws, struct identity *out, struct error *err)
{
    static const char question[] = "Action=GetCallerIdentity&Version=2011-06-15";
    const struct aws_call call = {
        .service = "sts",
        .operation = "GetCallerIdentity",
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    };
    owned(aws_answer) struct aws_answer answer = {0};

    return aws_send(aws, &call, question, strlen(question), &answer, NULL, err) &&
           read_field(answer.bytes, "UserId", &out->user_id, err) &&
           read_field(answer.bytes, "Account", &out->account, err) &&
           read_field(answer.bytes, "Arn", &out->arn, err);
}

void identity_release(struct identity *identity)
{
    free(identity->user_id);
    free(identity->account);
    free(identity->arn);
    *identity = (struct identity){0};
}

bool identity_user_id(const struct aws *aws, char **out, struct error *err)
{
    owned(identity) struct identity identity = {0};

    if (!identity_get(aws, &identity, err))
        return false;
    *out = take(&identity.user_id);
    return true;
}
