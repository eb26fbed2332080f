/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One operation of S3: addressed, signed, sent, and its refusal understood.
 *
 * What s3.h's downloads and uploads are made of; nobody else needs it.
 */

#include "lambda/supervisor/s3.h"
#include "lambda/supervisor/s3_transport.h"

struct s3 {
    const struct s3_account *account;
    struct s3_transport *transport;
    int64_t deadline_ms;
    char *bucket; /* the one that was asked last, and where it is */
    char *region;
};

struct s3_call {
    const char *method;
    const struct s3_object *object;
    const char *query;        /* encoded; NULL for none */
    const char *range;        /* NULL: all of it */
    const char *only_version; /* an ETag; NULL: any */
    const char *document;     /* the body, or a part of a file as in s3_request */
    int from;
    uint64_t from_offset;
    uint64_t from_count;
    int into; /* -1: the answer is a document */
    uint64_t into_offset;
};

/** Sends it once, and once more for each wrong region. False for refusals too: ERROR_NETWORK
 *  where asking again may help. The answer is released by the caller. */
bool s3_call_once(struct s3 *s3, const struct s3_call *call, struct s3_answer *answer,
                  struct error *err) MUST_CHECK;

/** Sends it until it works, a few times. */
bool s3_call_patiently(struct s3 *s3, const struct s3_call *call, struct s3_answer *answer,
                       struct error *err) MUST_CHECK;

/** After `tries` tries in vain, the last of which ended in `err`: whether to try again. True
 *  after a wait, which grows. */
bool s3_may_try_again(const struct s3 *s3, unsigned int tries,
                      const struct error *err) MUST_CHECK;

/** Sets the error that a document of S3 tells, and its kind. Always false. */
bool s3_set_refusal(int status, const char *document, struct error *err);
