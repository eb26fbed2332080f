/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/logs.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static bool ask(const struct aws *aws, const char *operation, const json_t *body,
                struct error *err)
{
    const struct aws_call call = {
        .service = "logs",
        .operation = operation,
        .target = "Logs_20140328",
    };

    return aws_ask(aws, &call, body, NULL, NULL, err);
}

bool logs_make_group(const struct aws *aws, const char *function, int retention_days,
                     json_t *tags, bool *made, struct error *err)
{
    owned(memory) char *group = text_format("/aws/lambda/%s", function);
    json_owned json_t *create = json_pack("{s:s, s:O}", "logGroupName", group, "tags", tags);
    struct error refused;

    *made = ask(aws, "CreateLogGroup", create, &refused);
    if (*made) {
        progress_step(aws->progress, "Log group '%s' successfully created.", group);
    } else if (refused.kind == ERROR_CONFLICT) {
        progress_step(aws->progress, "Using existent log group '%s'.", group);
    } else {
        *err = refused;
        return false;
    }
    if (retention_days == 0)
        return true;

    json_owned json_t *keep =
        json_pack("{s:s, s:i}", "logGroupName", group, "retentionInDays", retention_days);
    return ask(aws, "PutRetentionPolicy", keep, err);
}

bool logs_remove_group(const struct aws *aws, const char *function, bool *found,
                       struct error *err)
{
    owned(memory) char *group = text_format("/aws/lambda/%s", function);
    json_owned json_t *body = json_pack("{s:s}", "logGroupName", group);
    struct error refused;

    *found = ask(aws, "DeleteLogGroup", body, &refused);
    if (*found) {
        progress_step(aws->progress, "Log group '%s' successfully deleted.", group);
        return true;
    }
    if (refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}
