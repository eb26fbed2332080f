/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "lambda/aws/aws_endpoint.h"
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
    struct aws_credentials who;
    struct http_request request;
};

static void signed_call_cleanup(struct signed_call *signed_call)
{
    free(signed_call->url);
    free(signed_call->target);
    free(signed_call->authorization);
    aws_credentials_release(&signed_call->who);
}

static bool sign_call(const struct aws *aws, const struct aws_call *call,
                      const struct endpoint *endpoint, const void *body, size_t body_count,
                      struct signed_call *out, struct error *err)
{
    const time_t now = clock_now(aws->clock) + atomic_load(&aws->state->skew_s);
    const struct signer_scope scope = {endpoint->region, call->service, now};
    struct http_request *request = &out->request;
    const char *content_type = call->content_type;

    if (!content_type)
        content_type = call->target ? "application/x-amz-json-1.1" : "application/json";
    out->url = text_format("%s%s", endpoint->url, call->path ? call->path : "/");
    out->date = signer_date(now);
    out->hash = signer_hash(body, body_count);
    request->method = call->method ? call->method : "POST";
    request->url = out->url;
    request->silence_s = call->silence_s;
    request->stays = true; /* a session's token is for AWS alone */
    if (body_count > 0)
        http_add_header(request, "Content-Type", content_type);
    if (call->target) {
        out->target = text_format("%s.%s", call->target, call->operation);
        http_add_header(request, "X-Amz-Target", out->target);
    }
    for (size_t i = 0; i < AWS_CALL_HEADERS_LIMIT && call->headers[i].name; i++)
        http_add_header(request, call->headers[i].name, call->headers[i].value);
    if (call->is_anonymous)
        return true;
    if (!credentials_keeper_get(aws->credentials, &out->who, NULL, err))
        return false;
    http_add_header(request, "X-Amz-Date", out->date.text);
    http_add_header(request, "X-Amz-Content-Sha256", out->hash.text);
    if (out->who.session_token)
        http_add_header(request, "X-Amz-Security-Token", out->who.session_token);
    const struct signer_request to_sign = {request->method, request->url, request->headers};
    out->authorization = signer_authorization(&out->who, &scope, &to_sign, out->hash.text);
    http_add_header(request, "Authorization", out->authorization);
    return true;
}

/* What may be done about a try that failed. */
struct chance {
    bool again; /* another try may help */
    bool now;   /* and need not wait */
    int cost;
};

/* AWS refuses signatures of another time than its own, and says which that is. */
static bool is_about_time(const struct refusal *refusal)
{
    static const char *const codes[] = {
        "RequestTimeTooSkewed",      "RequestExpired",        "RequestInTheFuture",
        "InvalidSignatureException", "SignatureDoesNotMatch", "AuthFailure",
    };

    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (strcmp(refusal->code, codes[i]) == 0)
            return true;
    return false;
}

static struct chance chance_after_refusal(const struct aws *aws, const struct aws_call *call,
                                          const struct http_response *response,
                                          const struct refusal *refusal)
{
    struct chance chance = {
        .again = call->once ? refusal_is_throttling(refusal) : refusal_is_passing(refusal),
        .cost = AWS_STATE_RETRY_COST,
    };

    if (is_about_time(refusal) &&
        aws_state_learn_time(aws->state, clock_now(aws->clock), http_header(response, "Date")))
        chance.again = chance.now = true;
    return chance;
}

/* Credentials that have ended before their time: the next try has others, or there is none. */
static bool refuse(const struct aws *aws, const struct aws_credentials *who,
                   const struct refusal *refusal, struct chance *chance, struct error *err)
{
    struct error told;
    struct error trouble;

    if (!refusal_is_expiry(refusal) || !who->access_key)
        return refusal_set_error(refusal, err);
    refusal_set_error(refusal, &told);
    chance->again = chance->now = credentials_keeper_replace(aws->credentials, who, &trouble);
    if (!chance->again)
        return error_set(err, told.kind, "%.600s; %.300s", told.text, trouble.text);
    *err = told;
    return false;
}

static bool send_once(const struct aws *aws, const struct aws_call *call,
                      const struct endpoint *endpoint, const void *body, size_t body_count,
                      struct aws_answer *out, struct refusal *refusal, struct chance *chance,
                      struct error *err)
{
    owned(signed_call) struct signed_call signed_call = {0};
    owned(aws_answer) struct aws_answer answer = {0};

    *refusal = (struct refusal){0};
    if (!sign_call(aws, call, endpoint, body, body_count, &signed_call, err))
        return false;
    /* GET and DELETE have no body, not even an empty one. */
    bool posts = strcmp(signed_call.request.method, "POST") == 0 || body_count > 0;
    if (!http_exchange_bytes(aws->http, &signed_call.request, posts ? body : NULL, body_count,
                             AWS_ANSWER_LIMIT, &answer.head, &answer.bytes, &answer.count,
                             err)) {
        *chance = (struct chance){.again = err->kind == ERROR_NETWORK && !call->once,
                                  .cost = AWS_STATE_TIMEOUT_COST};
        return false;
    }
    if (answer.head.status < 200 || answer.head.status > 299) {
        refusal_read(&answer.head, answer.bytes, answer.count, refusal);
        *chance = chance_after_refusal(aws, call, &answer.head, refusal);
        return refuse(aws, &signed_call.who, refusal, chance, err);
    }
    *out = answer;
    answer = (struct aws_answer){0};
    return true;
}

/* Somewhere up to a ceiling that doubles with each try, so that many who were refused together
 * do not come back together. */
static unsigned int wait_ms(unsigned int tries)
{
    unsigned int ceiling = FIRST_WAIT_MS;
    unsigned int chance = 0;

    for (; tries > 0 && ceiling < LONGEST_WAIT_MS; tries--)
        ceiling *= 2;
    if (ceiling > LONGEST_WAIT_MS)
        ceiling = LONGEST_WAIT_MS;
    if (getrandom(&chance, sizeof chance, 0) != sizeof chance)
        return ceiling;
    return 1 + chance % ceiling;
}

/* How often to try. The other modes AWS's clients know are taken, and are this one. */
static bool count_tries(const struct aws_settings *settings, unsigned int *out,
                        struct error *err)
{
    owned(memory) char *mode = aws_settings_get(settings, "AWS_RETRY_MODE", "retry_mode");

    if (mode && strcmp(mode, "standard") != 0 && strcmp(mode, "legacy") != 0 &&
        strcmp(mode, "adaptive") != 0)
        return error_set(err, ERROR_USAGE,
                         "AWS_RETRY_MODE '%.40s' is not one of standard, adaptive and legacy",
                         mode);
    *out = AWS_TRIES;
    return aws_settings_number(settings, "AWS_MAX_ATTEMPTS", "max_attempts", AWS_TRIES_LIMIT,
                               out, err);
}

bool aws_send(const struct aws *aws, const struct aws_call *call, const void *body,
              size_t body_count, struct aws_answer *out, struct refusal *refusal,
              struct error *err)
{
    owned(endpoint) struct endpoint endpoint = {0};
    struct refusal unasked = {0};
    unsigned int tries_limit;
    int gain = AWS_STATE_SUCCESS_GAIN;

    if (!refusal)
        refusal = &unasked;
    *refusal = (struct refusal){0};
    if (!aws_endpoint_find(aws->settings, call->service, aws->region, &endpoint, err) ||
        !count_tries(aws->settings, &tries_limit, err))
        return false;
    for (unsigned int tries = 0;; tries++) {
        struct chance chance = {0};
        if (send_once(aws, call, &endpoint, body, body_count, out, refusal, &chance, err)) {
            aws_state_gain(aws->state, gain);
            return true;
        }
        if (!chance.again || tries + 1 >= tries_limit ||
            !aws_state_pay(aws->state, chance.cost))
            return error_wrap(err, "%s %s", call->service, call->operation);
        gain = chance.cost;
        if (!chance.now)
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
