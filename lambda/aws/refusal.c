/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/refusal.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Codes that mean the same, told by what is in them: the first row that fits wins. */
static const struct {
    const char *part;
    enum error_kind kind;
} meanings[] = {
    {"NotFound", ERROR_NOT_FOUND},         {"NoSuch", ERROR_NOT_FOUND},
    {"AlreadyExist", ERROR_CONFLICT},      {"Conflict", ERROR_CONFLICT},
    {"NotEmpty", ERROR_CONFLICT},          {"AccessDenied", ERROR_DENIED},
    {"Unauthorized", ERROR_DENIED},        {"InvalidClientTokenId", ERROR_DENIED},
    {"InvalidAccessKeyId", ERROR_DENIED},  {"UnrecognizedClient", ERROR_DENIED},
    {"Signature", ERROR_DENIED},           {"ExpiredToken", ERROR_DENIED},
    {"RequestExpired", ERROR_DENIED},      {"RequestTimeTooSkewed", ERROR_DENIED},
    {"AuthenticationToken", ERROR_DENIED}, {"AuthFailure", ERROR_DENIED},
    {"OptInRequired", ERROR_DENIED},       {"TooLarge", ERROR_LIMIT},
    {"LimitExceeded", ERROR_LIMIT},        {"StorageExceeded", ERROR_LIMIT},
};

static const struct {
    int status;
    enum error_kind kind;
} statuses[] = {
    {401, ERROR_DENIED},   {403, ERROR_DENIED}, {404, ERROR_NOT_FOUND},
    {409, ERROR_CONFLICT}, {413, ERROR_LIMIT},
};

static const char *const throttlings[] = {
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestLimitExceeded",
    "SlowDown",
    "TooManyRequestsException",
    "BandwidthLimitExceeded",
    "PriorRequestNotComplete",
    "TransactionInProgressException",
    "EC2ThrottledException",
    "ProvisionedThroughputExceededException",
};

/* What a person may do about it. */
static const struct {
    const char *code;
    const char *words; /* in the message; "" for any */
    const char *hint;
} hints[] = {
    {"RequestTimeTooSkewed", "", "is this machine's clock right?"},
    {"RequestExpired", "", "is this machine's clock right?"},
    {"", "Signature expired", "is this machine's clock right?"},
    {"", "Signature not yet current", "is this machine's clock right?"},
    {"ExpiredToken", "Token expired",
     "the web identity's token is too old: let whoever writes its file write a new one"},
    {"SignatureDoesNotMatch", "", "the secret key does not belong to the access key"},
    {"InvalidSignatureException", "", "the secret key does not belong to the access key"},
    {"InvalidParameterValue", "media type for the source image",
     "Lambda takes the manifest of one platform, not an index, with gzip'd layers and a "
     "mediaType: "
     "name it by digest"},
    {"InvalidClientTokenId", "",
     "AWS does not know the access key, or it needs its session token"},
    {"UnrecognizedClientException", "",
     "AWS does not know the access key, or it needs its session token"},
};

static void copy(char *out, size_t size, const char *text)
{
    snprintf(out, size, "%s", text ? text : "");
}

/* "com.amazonaws.ecr#RepositoryNotFoundException:http://…" is about what stands in the middle.
 */
static void copy_code(char *out, size_t size, const char *text)
{
    const char *hash = strchr(text, '#');

    snprintf(out, size, "%s", hash ? hash + 1 : text);
    out[strcspn(out, ":")] = '\0';
}

static void read_json(const json_t *json, struct refusal *out)
{
    static const char *const messages[] = {"message", "Message", "errorMessage"};
    const char *type = json_optional_string(json, "__type");

    if (!type)
        type = json_optional_string(json, "code");
    if (type && !*out->code)
        copy_code(out->code, sizeof out->code, type);
    for (size_t i = 0; i < sizeof messages / sizeof *messages && !*out->message; i++)
        copy(out->message, sizeof out->message, json_optional_string(json, messages[i]));
}

static void read_xml(const char *xml, struct refusal *out)
{
    if (!*out->code)
        xml_text(xml, "Code", out->code, sizeof out->code);
    xml_text(xml, "Message", out->message, sizeof out->message);
    if (!*out->request_id &&
        !xml_text(xml, "RequestId", out->request_id, sizeof out->request_id))
        xml_text(xml, "RequestID", out->request_id, sizeof out->request_id);
    if (!*out->region)
        xml_text(xml, "Region", out->region, sizeof out->region);
}

void refusal_read(const struct http_response *response, const char *body, size_t count,
                  struct refusal *out)
{
    const char *type = http_header(response, "X-Amzn-ErrorType");
    const char *request_id = http_header(response, "X-Amzn-RequestId");
    json_owned json_t *json = NULL;
    struct error not_json;

    *out = (struct refusal){.status = response->status};
    if (type)
        copy_code(out->code, sizeof out->code, type);
    copy(out->request_id, sizeof out->request_id,
         request_id ? request_id : http_header(response, "X-Amz-Request-Id"));
    copy(out->region, sizeof out->region, http_header(response, "X-Amz-Bucket-Region"));
    if (json_parse(body, count, &json, &not_json))
        read_json(json, out);
    else
        read_xml(body, out);
    if (out->region[strspn(out->region, "abcdefghijklmnopqrstuvwxyz0123456789-")])
        *out->region = '\0'; /* it would become part of a host's name */
}

enum error_kind refusal_kind(const struct refusal *refusal)
{
    if (refusal_is_passing(refusal))
        return ERROR_NETWORK;
    for (size_t i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (strstr(refusal->code, meanings[i].part))
            return meanings[i].kind;
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (refusal->status == statuses[i].status)
            return statuses[i].kind;
    return ERROR_INVALID;
}

bool refusal_is_throttling(const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof throttlings / sizeof *throttlings; i++)
        if (strcmp(refusal->code, throttlings[i]) == 0)
            return true;
    return refusal->status == 429;
}

bool refusal_is_expiry(const struct refusal *refusal)
{
    return strncmp(refusal->code, "ExpiredToken", 12) == 0;
}

bool refusal_is_passing(const struct refusal *refusal)
{
    return refusal_is_throttling(refusal) || refusal->status == 408 || refusal->status == 500 ||
           (refusal->status >= 502 && refusal->status <= 504) ||
           strncmp(refusal->code, "RequestTimeout", 14) == 0;
}

static const char *find_hint(const struct refusal *refusal)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strncmp(refusal->code, hints[i].code, strlen(hints[i].code)) == 0 &&
            strstr(refusal->message, hints[i].words))
            return hints[i].hint;
    return NULL;
}

bool refusal_set_error(const struct refusal *refusal, struct error *err)
{
    owned(text) struct text text = {0};
    const char *hint = find_hint(refusal);

    if (*refusal->code)
        text_add(&text, refusal->code);
    else
        text_addf(&text, "HTTP status %d", refusal->status);
    if (*refusal->message)
        text_addf(&text, ": %s", refusal->message);
    if (hint)
        text_addf(&text, "; %s", hint);
    if (*refusal->request_id)
        text_addf(&text, " (request %s)", refusal->request_id);
    return error_set(err, refusal_kind(refusal), "%s", text_string(&text));
}
