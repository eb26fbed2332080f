/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_call.h"

#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { PAUSE_S = 3 };

char *function_path(const char *version, const char *name, const char *part)
{
    struct text path = {0};

    text_addf(&path, "/%s/functions/", version);
    text_add_escaped(&path, name, "");
    text_add(&path, part);
    return text_take(&path);
}

bool function_not_found(const struct aws *aws, const char *name, struct error *err)
{
    return error_set(err, ERROR_NOT_FOUND, "no function '%.80s' in region %s", name,
                     aws->region);
}

/* Refusals that time heals, what is being waited for, and how long at most. */
static const struct passing {
    const char *words;
    const char *awaited;
    int limit_s;
} passing[] = {
    {"cannot be assumed by Lambda", "the role to be known to Lambda", FUNCTION_ROLE_WAIT_S},
    {"provided execution role does not have permissions",
     "the role's permissions to take effect", FUNCTION_ROLE_WAIT_S},
    {"KMS key is invalid for CreateGrant", "the key to be known to Lambda",
     FUNCTION_ROLE_WAIT_S},
    {"throttled by EC2", "EC2, which asks to slow down", FUNCTION_EC2_WAIT_S},
    {"operation cannot be performed at this time", "an earlier change of the function",
     FUNCTION_CHANGE_WAIT_S},
    {"currently in the following state", "an earlier change of the function",
     FUNCTION_CHANGE_WAIT_S},
    {"update is in progress", "an earlier change of the function", FUNCTION_CHANGE_WAIT_S},
};

static const struct passing *find_passing(const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (strstr(refusal->message, passing[i].words))
            return &passing[i];
    return NULL;
}

bool function_ask(const struct aws *aws, const struct aws_call *call, const json_t *body,
                  json_t **answer, struct refusal *refusal, struct error *err)
{
    struct refusal unasked;
    struct refusal *told = refusal ? refusal : &unasked;

    for (int waited_s = 0;; waited_s += PAUSE_S) {
        if (aws_ask(aws, call, body, answer, told, err))
            return true;
        const struct passing *reason = find_passing(told);
        if (!reason || waited_s >= reason->limit_s)
            return false;
        if (waited_s == 0)
            progress_step(aws->progress, "Waiting for %s", reason->awaited);
        clock_sleep(aws->clock, PAUSE_S * 1000);
    }
}
