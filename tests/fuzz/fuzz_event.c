/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An event is about one thing at least; each of its records, put alone, is read as the
 * same record; and its input lies within it.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/supervisor/event.h"
#include "oci/base/memory.h"

#define SILENCE ((enum log_level)(LOG_CRITICAL + 1))

static bool equal(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static void check_record(const struct event *event, size_t index)
{
    const struct event_record *record = &event->records[index];
    owned(memory) char *text = event_record_text(event, index);
    owned(event) struct event alone = {0};
    struct error err;

    assert(record->bucket[0] && record->key[0]);
    assert(event_read(text, strlen(text), SILENCE, &alone, &err));
    assert(alone.origin == event->origin && alone.record_count == 1);
    assert(equal(alone.records[0].bucket, record->bucket));
    assert(equal(alone.records[0].key, record->key));
    assert(equal(alone.records[0].region, record->region));
    assert(equal(alone.records[0].time, record->time));

    const char *name = event_record_file_name(record);
    assert(!name || (*name && !strchr(name, '/')));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(event) struct event event = {0};
    struct error err = {0};

    if (!event_read((const char *)bytes, count, SILENCE, &event, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        return 0;
    }
    assert(event.record_count > 0 && (event.origin == EVENT_PLAIN) == !event.records);
    assert(event.input_count <= count || event.decoded);
    for (size_t i = 0; event.records && i < event.record_count; i++)
        check_record(&event, i);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"Records\":[{\"eventSource\":\"aws:s3\",\"awsRegion\":\"us-east-1\",\"eventTime\":"
        "\"2019\",\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"in/my+f%28.jpg\"}}}"
        ",{\"eventSource\":\"aws:s3\",\"s3\":{\"bucket\":{\"name\":\"c\"},\"object\":{\"key\":"
        "\"k\"}}}]}",
        "{\"storage_provider\":\"minio.m\",\"event\":{\"Records\":[{\"eventSource\":"
        "\"minio:s3\",\"s3\":{\"bucket\":{\"name\":\"b\"},\"object\":{\"key\":\"k\"}}}]}}",
        "{\"httpMethod\":\"POST\",\"headers\":{\"Content-Type\":\"text/plain\"},"
        "\"queryStringParameters\":{\"q\":\"v\"},\"body\":\"{\\\"httpMethod\\\":\\\"GET\\\","
        "\\\"body\\\":\\\"UE5H\\\"}\"}",
        "{\"requestContext\":{\"http\":{\"method\":\"POST\"}},\"body\":\"UE5H\","
        "\"isBase64Encoded\":true}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
