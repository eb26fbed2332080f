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

static char *body(const struct output *output, const char *place)
{
    const struct text *kept = &output->kept;
    if (output->printed == kept->length)
        return base64_encode(text_string(kept), kept->length);

    owned(text) struct text cut = {0};
    text_add_bytes(&cut, kept->bytes, kept->length);
    text_addf(&cut,
              "\n[skiff: the output ends here, after %zu of %" PRIu64
              " bytes: a response carries no more. All of it is in %s%sthe log.]\n",
              kept->length, output->printed, place ? place : "", place ? " and in " : "");
    return base64_encode(cut.bytes, cut.length);
}

char *answer_response(const char *request_id, const char *const *environment,
                      const struct output *output, const char *place, int exit_code)
{
    const char *group = environment_get(environment, "AWS_LAMBDA_LOG_GROUP_NAME");
    const char *stream = environment_get(environment, "AWS_LAMBDA_LOG_STREAM_NAME");

    json_owned json_t *headers = json_object();
    set_header(headers, "amz-lambda-request-id", request_id);
    set_header(headers, "amz-log-group-name", group ? group : "");
    set_header(headers, "amz-log-stream-name", stream ? stream : "");
    if (exit_code != 0) {
        owned(memory) char *code = text_format("%d", exit_code);
        set_header(headers, "x-skiff-exit-status", code);
    }

    /* Written by hand: the body is large, and base64 needs no escaping. */
    owned(memory) char *headers_text = json_text(headers);
    owned(memory) char *body_text = body(output, place);
    return text_format("{\"statusCode\":200,\"headers\":%s,\"body\":\"%s\","
                       "\"isBase64Encoded\":true}",
                       headers_text, body_text);
}

/* What there is of the output, in the end, after words of what it is. */
static void add_end(struct text *message, const char *small, const char *large,
                    const struct output *output)
{
    const struct text *kept = &output->kept;
    size_t skipped = kept->length > TAIL_LIMIT ? kept->length - TAIL_LIMIT : 0;

    if (kept->length == 0)
        return;
    if (skipped == 0)
        text_addf(message, "%s:\n", small);
    else
        text_addf(message, "the last %d bytes of %s:\n", TAIL_LIMIT, large);
    for (const char *c = kept->bytes + skipped; c < kept->bytes + kept->length; c++) {
        if (*c == '\0') /* which would be the message's end */
            text_add(message, "\xef\xbf\xbd");
        else
            text_add_bytes(message, c, 1);
    }
}

char *answer_failure(const char *reason, const struct output *output,
                     const struct output *response)
{
    static const char so_far[] = "its response so far";
    owned(text) struct text message = {0};

    text_addf(&message, "%s; ", reason);
    size_t length = message.length;
    add_end(&message, "it had printed", "what it had printed", output);
    if (response && message.length > length && message.bytes[message.length - 1] != '\n')
        text_add(&message, "\n");
    if (response)
        add_end(&message, so_far, so_far, response);
    if (message.length == length)
        text_add(&message, "it had printed nothing");
    return text_take(&message);
}
