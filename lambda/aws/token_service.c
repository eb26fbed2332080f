/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/token_service.h"

#include <string.h>

#include "lambda/aws/aws.h"
#include "lambda/aws/credentials_read.h"
#include "lambda/aws/timestamp.h"
#include "lambda/signer/xml_text.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { KEY_LIMIT = 256, TOKEN_LIMIT = 16 * 1024 }; /* bytes with the NUL */

static void add_fields(struct text *body, const char *operation,
                       const struct token_service_field *fields)
{
    text_addf(body, "Action=%s&Version=2011-06-15", operation);
    for (; fields->name; fields++)
        if (fields->value) {
            text_addf(body, "&%s=", fields->name);
            text_add_escaped(body, fields->value, "");
        }
}

static bool read_field(const char *xml, const char *tag, size_t limit, char **out,
                       struct error *err)
{
    owned(memory) char *value = memory_new(limit, 1);

    if (!xml_text(xml, tag, value, limit))
        return error_set(err, ERROR_INVALID, "answer without %s", tag);
    if (strlen(value) == limit - 1)
        return error_set(err, ERROR_LIMIT, "%s is longer than %zu bytes", tag, limit - 2);
    *out = take(&value);
    return true;
}

static bool read_answer(const char *xml, struct credentials *out, struct error *err)
{
    owned(memory) char *expiration = NULL;

    if (!read_field(xml, "AccessKeyId", KEY_LIMIT, &out->keys.access_key, err) ||
        !read_field(xml, "SecretAccessKey", KEY_LIMIT, &out->keys.secret_key, err) ||
        !read_field(xml, "SessionToken", TOKEN_LIMIT, &out->keys.session_token, err) ||
        !read_field(xml, "Expiration", KEY_LIMIT, &expiration, err))
        return false;
    if (!timestamp_parse(expiration, &out->expire_at))
        return error_set(err, ERROR_INVALID, "Expiration '%.40s' is no time", expiration);
    return credentials_check(out, "the answer", err);
}

bool token_service_ask(const struct credentials_sources *sources, const char *operation,
                       const struct token_service_field *fields,
                       const struct credentials *source, struct credentials *out,
                       struct error *err)
{
    const struct aws_call call = {
        .service = "sts",
        .operation = operation,
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
        .is_anonymous = !source,
    };
    struct aws_state state = {0};
    struct credentials_keeper signer = {.lock = PTHREAD_MUTEX_INITIALIZER};
    owned(text) struct text body = {0};
    owned(aws_answer) struct aws_answer answer = {0};

    if (source)
        signer.current = *source; /* lent, so `signer` is not released */
    const struct aws aws = {
        .http = sources->http,
        .credentials = &signer,
        .region = sources->region,
        .settings = sources->settings,
        .clock = sources->clock,
        .state = &state,
    };
    add_fields(&body, operation, fields);
    if (!aws_send(&aws, &call, text_string(&body), body.length, &answer, NULL, err))
        return false;
    bool read = read_answer(answer.bytes, out, err) || error_wrap(err, "sts %s", operation);
    explicit_bzero(answer.bytes, answer.count);
    return read;
}

char *token_service_session_name(const struct credentials_sources *sources)
{
    return text_format("skiff-%lld", (long long)clock_now(sources->clock));
}
