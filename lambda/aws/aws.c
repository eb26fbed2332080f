/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lambda/signer/endpoint.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FIRST_WAIT_MS = 1000, LONGEST_WAIT_MS = 20000 };

/* What is added to a call, kept alive while it is under way. */
struct signed_call {
    char *url;
    char *target;
    struct signer_date date;
    struct signer_hash hash;
    char *authorization;
    struct http_request request;
};

static void signed_call_cleanup(struct signed_call *signed_call)
{
    free(signed_call->url);
    free(signed_call->target);
    free(signed_call->authorization);
}

static void sign_call(const struct aws *aws, const struct aws_call *call, const char *endpoint,
                      const void *body, size_t body_count, struct signed_call *out)
{
    const struct aws_credentials *who = aws->credentials;
    struct signer_scope scope = {aws->region, call->service, clock_now(aws->clock)};
    struct http_request *request = &out->request;
    const char *content_type = call->content_type;

    if (!content_type)
        content_type = call->target ? "application/x-amz-json-1.1" : "application/json";
    out->url = text_format("%s%s", endpoint, call->path ? call->path : "/");
    out->date = signer_date(scope.now);
    out->hash = signer_hash(body, body_count);
    request->method = call->method ? call->method : "POST";
    request->url = out->url;
    request->silence_s = call->silence_s;
    if (body_count > 0)
        http_add_header(request, "Content-Type", content_type);
    if (call->target) {
        out->target = text_format("%s.%s", call->target, call->operation);
        http_add_header(request, "X-Amz-Target", out->target);
    }
    for (size_t i = 0; i < AWS_CALL_HEADERS_LIMIT && call->headers[i].name; i++)
        http_add_header(request, call->headers[i].name, call->headers[i].value);
    http_add_header(request, "X-Amz-Date", out->date.text);
    http_add_header(request, "X-Amz-Content-Sha256", out->hash.text);
    if (who->session_token)
        http_add_header(request, "X-Amz-Security-Token", who->session_token);
    struct signer_request signed_parts = {request->method, request->url, request->headers};
    out->authorization = signer_authorization(who, &scope, &signed_parts, out->hash.text);
    http_add_header(request, "Authorization", out->authorization);
}

/* One try. `*again` says whether another may help. */
static bool send_once(const struct aws *aws, const struct aws_call *call, const char *endpoint,
                      const void *body, size_t body_count, struct aws_answer *out,
                      struct refusal *refusal, bool *again, struct error *err)
{
    owned(signed_call) struct signed_call signed_call = {0};
    owned(aws_answer) struct aws_answer answer = {0};

    *refusal = (struct refusal){0};
    sign_call(aws, call, endpoint, body, body_count, &signed_call);
    /* GET and DELETE have no body, not even an empty one. */
    bool posts = strcmp(signed_call.request.method, "POST") == 0;
    if (!http_exchange_bytes(aws->http, &signed_call.request, posts ? body : NULL, body_count,
                             AWS_ANSWER_LIMIT, &answer.head, &answer.bytes, &answer.count,
                             err)) {
        *again = err->kind == ERROR_NETWORK && !call->once;
        return false;
    }
    if (answer.head.status < 200 || answer.head.status > 299) {
        refusal_read(&answer.head, answer.bytes, answer.count, refusal);
        *again = call->once ? refusal_is_throttling(refusal) : refusal_is_passing(refusal);
        return refusal_set_error(refusal, err);
    }
    *out = answer;
    answer = (struct aws_answer){0};
    return true;
}

/* Somewhere up to a ceiling that doubles with each try, so that many who were refused together
 * do not come back together. */
static unsigned int wait_ms(unsigned int tries)
{
    unsigned int ceiling = (unsigned int)FIRST_WAIT_MS << tries;
    unsigned int chance = 0;

    if (ceiling > LONGEST_WAIT_MS)
        ceiling = LONGEST_WAIT_MS;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return ceiling;
    return 1 + chance % ceiling;
}

bool aws_send(const struct aws *aws, const struct aws_call *call, const void *body,
              size_t body_count, struct aws_answer *out, struct refusal *refusal,
              struct error *err)
{
    owned(memory) char *endpoint = NULL;
    struct refusal unasked = {0};

    if (!refusal)
        refusal = &unasked;
    *refusal = (struct refusal){0};
    if (!endpoint_find(aws->environment, call->service, aws->region, &endpoint, err))
        return false;
    for (unsigned int tries = 0;; tries++) {
        bool again = false;
        if (send_once(aws, call, endpoint, body, body_count, out, refusal, &again, err))
            return true;
        if (!again || tries + 1 == AWS_TRIES)
            return error_wrap(err, "%s %s", call->service, call->operation);
        clock_sleep(aws->clock, wait_ms(tries));
    }
}

bool aws_ask(const struct aws *aws, const struct aws_call *call, const json_t *body,
             json_t **answer, struct refusal *refusal, struct error *err)
{
    owned(memory) char *text = body ? json_text(body) : NULL;
    owned(aws_answer) struct aws_answer received = {0};

    if (!aws_send(aws, call, text ? text : "", text ? strlen(text) : 0, &received, refusal,
                  err))
        return false;
    if (!answer)
        return true;
    *answer = NULL;
    if (received.count > 0 && !json_parse(received.bytes, received.count, answer, err))
        return error_wrap(err, "%s %s: answer of AWS", call->service, call->operation);
    return true;
}

void aws_answer_release(struct aws_answer *answer)
{
    http_response_release(&answer->head);
    free(answer->bytes);
    *answer = (struct aws_answer){0};
}
