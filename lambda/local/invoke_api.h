/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Lambda's Invoke, as the AWS CLI and SDKs call it: what a request asks for, and how it is
 * answered. Signatures are not looked at: whoever reaches the port may invoke.
 *
 * Spec: Lambda API reference, "Invoke"
 */

#include "lambda/local/http_request.h"
#include "lambda/platform.h"

enum {
    INVOKE_ASYNC_LIMIT = 1024 * 1024, /* bytes of an event nobody waits for */
    INVOKE_CONTEXT_LIMIT = 3583,      /* bytes of X-Amz-Client-Context, in base64 */
};

enum invoke_type { INVOKE_SYNC, INVOKE_ASYNC, INVOKE_DRY };

struct invoke_call {
    enum invoke_type type;
    bool wants_log;
    char *client_context; /* owned; JSON on one line, NULL: none */
};

/* What the caller is told instead. */
struct invoke_refusal {
    int status;
    const char *type; /* "ResourceNotFoundException" */
    char message[512];
};

/** Whether the request is one for this API. */
bool invoke_api_is_meant(const struct http_request *request);

/** Reads a call of the function `name`, whose ARN is `arn`. False with the refusal for anything
 *  else. */
bool invoke_api_read(const struct http_request *request, const char *name, const char *arn,
                     struct invoke_call *out, struct invoke_refusal *refusal) MUST_CHECK;
void invoke_call_release(struct invoke_call *call);

/** The refusal's document, and its header lines; new strings. */
char *invoke_refusal_body(const struct invoke_refusal *refusal);
char *invoke_refusal_fields(const struct invoke_refusal *refusal, const char *request_id);

/** The header lines of every answer, and of a function's; new strings. */
char *invoke_id_fields(const char *request_id);
char *invoke_answer_fields(const struct invocation *invocation, bool with_log);

static inline void invoke_call_cleanup(struct invoke_call *call)
{
    invoke_call_release(call);
}
