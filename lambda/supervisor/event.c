/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/event.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    NESTING_LIMIT = 4, /* a request with an event of OSCAR with one of MinIO is three */
    PARAMETERS_LIMIT = 1000,
};

#define SUPPORTED "S3 and MinIO are the storages that are supported"

void event_release(struct event *event)
{
    for (size_t i = 0; event->records && i < event->record_count; i++) {
        free(event->records[i].bucket);
        free(event->records[i].key);
        free(event->records[i].region);
        free(event->records[i].time);
    }
    free(event->records);
    free(event->provider_id);
    free(event->decoded);
    json_decref(event->parameters);
    json_decref(event->inner);
    json_decref(event->json);
    *event = (struct event){0};
}

/* An event inside the event, or the event itself. */
static bool read_event(struct event *event, json_t *json, int depth, enum log_level lowest,
                       struct error *err);

/* --- objects of a storage --- */

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c ? strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c) : NULL;

    return found ? (int)(found - digits) : -1;
}

/* '+' is a blank, and a '%' that says nothing stays. A new string, NULL if it has a NUL. */
static char *unquote(const char *quoted)
{
    char *plain = memory_new(strlen(quoted) + 1, 1);
    size_t length = 0;

    for (const char *from = quoted; *from; from++) {
        int high = *from == '%' ? hex_value(from[1]) : -1;
        int low = high >= 0 ? hex_value(from[2]) : -1;
        char c = *from == '+' ? ' ' : *from;
        if (low >= 0) {
            c = (char)(high << 4 | low);
            from += 2;
        }
        if (c == '\0') {
            free(plain);
            return NULL;
        }
        plain[length++] = c;
    }
    return plain;
}

static char *copy_optional(const json_t *object, const char *name)
{
    const char *text = json_optional_string(object, name);

    return text && *text ? memory_copy_string(text) : NULL;
}

static bool read_record(const json_t *json, const char *source, struct event_record *record,
                        struct error *err)
{
    json_t *storage, *bucket, *object;
    const char *own_source, *name, *key;

    if (!json_field_string(json, "eventSource", &own_source, err))
        return false;
    if (strcmp(own_source, source) != 0)
        return error_set(err, ERROR_INVALID, "it is from '%.80s', the first one from '%s'",
                         own_source, source);
    if (!json_field_object(json, "s3", &storage, err) ||
        !json_field_object(storage, "bucket", &bucket, err) ||
        !json_field_object(storage, "object", &object, err) ||
        !json_field_string(bucket, "name", &name, err) ||
        !json_field_string(object, "key", &key, err))
        return false;
    if (*name == '\0' || *key == '\0')
        return error_set(err, ERROR_INVALID, "the name of the bucket or the key is empty");

    record->bucket = memory_copy_string(name);
    record->key = unquote(key);
    record->region = copy_optional(json, "awsRegion");
    record->time = copy_optional(json, "eventTime");
    if (!record->key)
        return error_set(err, ERROR_INVALID, "the key '%.200s' has a NUL", key);
    return true;
}

static bool read_records(struct event *event, json_t *json, const char *source,
                         struct error *err)
{
    const json_t *records = json_object_get(json, "Records");

    event->origin = strcmp(source, "aws:s3") == 0 ? EVENT_S3 : EVENT_MINIO;
    event->record_count = json_array_size(records);
    event->records = memory_new(event->record_count, sizeof *event->records);
    event->inner = json_incref(json);
    for (size_t i = 0; i < event->record_count; i++)
        if (!read_record(json_array_get(records, i), source, &event->records[i], err))
            return error_wrap(err, "event.Records[%zu]", i);
    return true;
}

/* Who sent the records, if it is a storage; else NULL. */
static const char *storage_source(const json_t *json)
{
    const json_t *first = json_array_get(json_object_get(json, "Records"), 0);
    const char *source = json_optional_string(first, "eventSource");
    static const char *const sources[] = {"aws:s3", "minio:s3", "OneTrigger"};

    for (size_t i = 0; source && i < sizeof sources / sizeof *sources; i++)
        if (strcmp(source, sources[i]) == 0)
            return sources[i];
    return NULL;
}

/* --- events inside --- */

/* What the request's sender says of its body; "" when it says nothing. */
static const char *content_type(const json_t *request)
{
    const char *name;
    json_t *value;

    json_object_foreach(json_object_get(request, "headers"), name, value)
    {
        const char *type = json_plain_string(value);
        if (type && strcasecmp(name, "content-type") == 0)
            return type;
    }
    return "";
}

/* Text of which not all is a message for people, or another program. */
static bool is_text_type(const char *type)
{
    return strncasecmp(type, "text/", 5) == 0 || strcasestr(type, "json") ||
           strcasestr(type, "xml");
}

/* SCAR's clients send files in base64 and say nothing of it. */
static bool decode_unasked(const json_t *request, const char *body, char **bytes, size_t *count)
{
    struct error no_matter;
    size_t length = 0;

    for (const char *c = body; *c; c++)
        length += *c != '\r' && *c != '\n';
    return length > 0 && length % 4 == 0 && !is_text_type(content_type(request)) &&
           base64_decode(body, bytes, count, &no_matter);
}

static void take_input(struct event *event, char *bytes, size_t count)
{
    free(event->decoded);
    event->decoded = bytes;
    event->input = bytes;
    event->input_count = count;
}

/* Makes the text the event's input, and looks whether it is an event. */
static bool read_text(struct event *event, char *bytes, size_t count, int depth,
                      enum log_level lowest, struct error *err)
{
    json_owned json_t *json = NULL;
    struct error no_matter;

    take_input(event, bytes, count);
    if (!json_parse_event(bytes, count, &json, &no_matter))
        return true;
    return read_event(event, json, depth + 1, lowest, err);
}

/* What a string says, which may have a NUL, or the JSON that stands in its place. New bytes. */
static char *copy_text(const json_t *value, size_t *count)
{
    if (!json_is_string(value)) {
        char *text = json_text(value);
        *count = strlen(text);
        return text;
    }
    *count = json_string_length(value);
    char *bytes = memory_new(*count + 1, 1);
    memcpy(bytes, json_string_value(value), *count);
    return bytes;
}

static bool read_request(struct event *event, const json_t *request, int depth,
                         enum log_level lowest, struct error *err)
{
    json_t *body = json_object_get(request, "body");
    const char *text = json_plain_string(body);
    char *bytes = NULL;
    size_t count = 0;

    log_line(lowest, LOG_INFO, "API Gateway event found.");
    json_t *parameters = json_object_get(request, "queryStringParameters");
    if (json_object_size(parameters) > PARAMETERS_LIMIT)
        return error_set(err, ERROR_LIMIT, "event.queryStringParameters: more than %d",
                         PARAMETERS_LIMIT);
    if (json_is_object(parameters) && !event->parameters)
        event->parameters = json_incref(parameters);

    if (!body || json_is_null(body)) {
        take_input(event, memory_copy_string(""), 0);
        return true;
    }
    if (json_is_true(json_object_get(request, "isBase64Encoded"))) {
        if (!text || !base64_decode(text, &bytes, &count, err))
            return error_set(err, ERROR_INVALID,
                             "event.body: not base64, though "
                             "isBase64Encoded says so");
        return read_text(event, bytes, count, depth, lowest, err);
    }
    if (text && decode_unasked(request, text, &bytes, &count)) {
        take_input(event, bytes, count);
        return true;
    }
    bytes = copy_text(body, &count);
    return read_text(event, bytes, count, depth, lowest, err);
}

/* The storage's name of an account: "m", also when written "minio.m". */
static char *provider_id(const char *provider)
{
    static const char *const kinds[] = {"minio.", "s3."};

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strncmp(provider, kinds[i], strlen(kinds[i])) == 0)
            provider += strlen(kinds[i]);
    return memory_copy_string(provider);
}

static bool read_delegated(struct event *event, const json_t *json, int depth,
                           enum log_level lowest, struct error *err)
{
    size_t count;

    log_line(lowest, LOG_INFO, "Delegated event found.");
    free(event->provider_id);
    event->provider_id = provider_id(json_optional_string(json, "storage_provider"));
    char *bytes = copy_text(json_object_get(json, "event"), &count);
    return read_text(event, bytes, count, depth, lowest, err);
}

/* --- the shapes --- */

static bool is_request(const json_t *json)
{
    const json_t *http = json_object_get(json_object_get(json, "requestContext"), "http");

    return json_optional_string(json, "httpMethod") || json_optional_string(http, "method");
}

static bool is_delegated(const json_t *json)
{
    const json_t *inner = json_object_get(json, "event");

    return json_optional_string(json, "storage_provider") &&
           (json_is_object(inner) || json_is_string(inner));
}

/* Whose event this is, if SCAR knew it and we do not. */
static const char *unsupported(const json_t *json)
{
    if (json_object_get(json, "subscription") &&
        json_object_get(json_object_get(json, "event"), "mask"))
        return "dCache";
    if (json_optional_string(json, "event_type") &&
        json_object_get(json_object_get(json, "payload"), "scope"))
        return "Rucio";
    const char *source = storage_source(json);
    return source && strcmp(source, "OneTrigger") == 0 ? "Onedata" : NULL;
}

static bool read_event(struct event *event, json_t *json, int depth, enum log_level lowest,
                       struct error *err)
{
    if (depth == NESTING_LIMIT)
        return true; /* it is its own input already */
    if (is_request(json))
        return read_request(event, json, depth, lowest, err);

    const char *stranger = unsupported(json);
    if (stranger)
        return error_set(err, ERROR_INVALID, "an event of %s: " SUPPORTED, stranger);
    if (is_delegated(json))
        return read_delegated(event, json, depth, lowest, err);

    const char *source = storage_source(json);
    if (!source)
        return true;
    log_line(lowest, LOG_INFO, "Storage event found.");
    return read_records(event, json, source, err);
}

bool event_read(const char *bytes, size_t count, enum log_level lowest, struct event *out,
                struct error *err)
{
    owned(event) struct event event = {.input = bytes, .input_count = count, .record_count = 1};
    struct error reason;

    if (!json_parse_event(bytes, count, &event.json, &reason)) {
        if (count > 0) /* outside Lambda there may be none */
            log_line(lowest, LOG_WARNING, "The event is taken as it is: %s", reason.text);
    } else {
        const json_t *script = json_object_get(event.json, "script");
        json_t *arguments = json_object_get(event.json, "cmd_args");
        event.script = json_is_null(script) ? NULL : script;
        event.arguments = json_is_null(arguments) ? NULL : arguments;
        if (!read_event(&event, event.json, 0, lowest, err))
            return false;
    }
    *out = event;
    event = (struct event){0};
    return true;
}

char *event_record_text(const struct event *event, size_t index)
{
    json_owned json_t *alone = json_copy(event->inner);
    json_t *record = json_array_get(json_object_get(event->inner, "Records"), index);

    json_object_set_new(alone, "Records", json_pack("[O]", record));
    return json_text(alone);
}

const char *event_record_file_name(const struct event_record *record)
{
    const char *slash = strrchr(record->key, '/');
    const char *name = slash ? slash + 1 : record->key;

    return *name == '\0' || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ? NULL : name;
}
