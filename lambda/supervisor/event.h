/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What an event is about: one thing or several, each of them a run of the user's program.
 *
 * An event is JSON whose shape tells who sent it. These are looked for, in this order:
 *
 *     httpMethod or requestContext.http      a request: API Gateway, Function URL. Its body
 *                                            is read as an event again if it is a JSON
 *                                            object; any other body is the input itself
 *     storage_provider and event             passed on by OSCAR: the event inside counts
 *     Records[0].eventSource aws:s3 or       objects of a storage, a record for each
 *         minio:s3
 *     anything else (a direct call, SNS,     one record, whose input are the event's bytes
 *         SQS, a schedule, no JSON at all)
 *
 *     owned(event) struct event event = {0};
 *     if (event_read(bytes, count, lowest, &event, err))
 *         for (size_t i = 0; i < event.record_count; i++) ...
 *
 * Source: faas-supervisor 2.0.1, faassupervisor/events
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lambda/supervisor/log.h"
#include "oci/base/error.h"

enum event_origin { EVENT_PLAIN, EVENT_S3, EVENT_MINIO };

/* An object of a storage. */
struct event_record {
    char *bucket;
    char *key;    /* as the storage knows it, no longer percent-encoded; may end in '/' */
    char *region; /* of the bucket; NULL: not told */
    char *time;   /* when it happened, as the sender writes it; NULL: not told */
};

struct event {
    enum event_origin origin; /* of all records */
    size_t record_count;      /* EVENT_PLAIN: 1, and no records */
    struct event_record *records;
    char *provider_id; /* of OSCAR: the "m" of storage_providers.minio.m; NULL: not told */

    const char *input; /* EVENT_PLAIN: what the program shall read */
    size_t input_count;

    /* Of the query of a request, NULL otherwise: names with text. */
    json_t *parameters;

    /* What the event brings along to be run; NULL: nothing. Never out of a request's body,
     * which comes from strangers. */
    const json_t *script;
    json_t *arguments;

    json_t *json;  /* the whole of it; NULL: it is not JSON */
    json_t *inner; /* the event inside in which the records stand */
    char *decoded; /* what `input` points at when it is not the event's own bytes */
};

/** Reads an event, whose bytes have to live as long as `*out`; those that cannot be understood
 *  are EVENT_PLAIN. ERROR_INVALID when a sender's shape is kept by half, or it is a storage
 *  that is not supported. */
bool event_read(const char *bytes, size_t count, enum log_level lowest, struct event *out,
                struct error *err) MUST_CHECK;

/** The event as if record `index` were its only one; a new string, the caller's to free(). */
char *event_record_text(const struct event *event, size_t index);

/** The last part of the record's key, which may name a file; NULL when it cannot, as for
 *  a folder ("in/"). Borrowed. */
const char *event_record_file_name(const struct event_record *record);

void event_release(struct event *event);

static inline void event_cleanup(struct event *variable)
{
    event_release(variable);
}
