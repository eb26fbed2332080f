/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/answer.h"

#include <inttypes.h>
#include <stdlib.h>

#include "oci/base/environment.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

enum { TAIL_LIMIT = 4 * 1024 };

static void set_header(json_t *headers, const char *name, const char *value)
{
    json_object_set_new(headers, name, json_lossy_string(value, strlen(value)));
}

static char *body(const struct child_result *result)
{
    const struct text *output = &result->output;
    if (result->printed == output->length)
        return base64_encode(text_string(output), output->length);

    owned(text) struct text cut = {0};
    text_add_bytes(&cut, output->bytes, output->length);
    text_addf(&cut,
              "\n[skiff: the output ends here, after %zu of %" PRIu64
              " bytes: a response carries no more. All of it is in the log.]\n",
              output->length, result->printed);
    return base64_encode(cut.bytes, cut.length);
}

char *answer_response(const char *request_id, const char *const *environment,
                      const struct child_result *result)
{
    const char *group = environment_get(environment, "AWS_LAMBDA_LOG_GROUP_NAME");
    const char *stream = environment_get(environment, "AWS_LAMBDA_LOG_STREAM_NAME");

    json_owned json_t *headers = json_object();
    set_header(headers, "amz-lambda-request-id", request_id);
    set_header(headers, "amz-log-group-name", group ? group : "");
    set_header(headers, "amz-log-stream-name", stream ? stream : "");
    if (result->exit_code != 0) {
        owned(memory) char *code = text_format("%d", result->exit_code);
        set_header(headers, "x-skiff-exit-status", code);
    }

    /* Written by hand: the body is large, and base64 needs no escaping. */
    owned(memory) char *headers_text = json_text(headers);
    owned(memory) char *body_text = body(result);
    return text_format("{\"statusCode\":200,\"headers\":%s,\"body\":\"%s\","
                       "\"isBase64Encoded\":true}",
                       headers_text, body_text);
}

char *answer_time_out(int64_t limit_s, int threshold_s, const struct child_result *result)
{
    const struct text *output = &result->output;
    size_t skipped = output->length > TAIL_LIMIT ? output->length - TAIL_LIMIT : 0;

    owned(text) struct text message = {0};
    text_addf(&message,
              "the user script was ended at its time limit of %" PRId64
              " s (the function's time less the %d s of container.timeout_threshold)",
              limit_s, threshold_s);
    if (output->length == 0)
        text_add(&message, "; it had printed nothing");
    else if (skipped == 0)
        text_add(&message, "; its output so far:\n");
    else
        text_addf(&message, "; the last %d bytes of its output so far:\n", TAIL_LIMIT);
    text_add_bytes(&message, text_string(output) + skipped, output->length - skipped);
    return text_take(&message);
}
