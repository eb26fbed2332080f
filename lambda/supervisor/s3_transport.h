/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request to S3 and its answer, across the network.
 *
 * Objects go from file to network and from network to file through a buffer; nothing of
 * them is held. Answers that are no object are small documents and become text.
 * This file is the supervisor's second door to libcurl, beside runtime_client. TLS is set up
 * by the first request that needs it: functions without storage do not pay for it.
 */

#include <stdbool.h>
#include <stdint.h>

#include "oci/base/http_header.h"
#include "oci/base/text.h"

/* Of a document; the list of a multipart upload's parts is the largest we send. */
enum { S3_DOCUMENT_LIMIT = 64 * 1024 };

struct s3_transport;

struct s3_request {
    const char *method; /* "GET", "PUT", "POST", "DELETE" */
    const char *url;
    const struct http_header *headers; /* ended by one without a name */

    const char *document; /* the body; NULL: none, or a file's */
    int from;             /* a file to send [from_offset, from_offset + from_count) of; -1 */
    uint64_t from_offset;
    uint64_t from_count;

    int into; /* a file for the object, written from into_offset on; -1: it is a document */
    uint64_t into_offset;

    int64_t deadline_ms; /* since 1970; 0: none */
};

struct s3_answer {
    int status;
    char etag[128];    /* "" when the server says none, like the next one */
    char region[64];   /* where the bucket is */
    uint64_t received; /* of the object: the file is complete up to here */
    struct text document;
};

/* How a server proves who it is. */
enum s3_trust {
    S3_TRUST_AMAZON, /* it is Amazon's */
    S3_TRUST_IMAGE,  /* somebody else's, whom the image may know */
    S3_TRUST_BLINDLY /* the user says that it does not matter */
};

/** `environment` names proxies and certificates; it is borrowed. */
struct s3_transport *s3_transport_new(const char *const *environment, enum s3_trust trust);
void s3_transport_free(struct s3_transport *transport);

/** Sends the request. True when an answer came and was read, whatever its status. ERROR_NETWORK
 *  when it may work the next time; ERROR_LIMIT when the time is up; ERROR_DENIED when the
 *  server is not who it should be; ERROR_SYSTEM when a file cannot be read or written. The
 *  answer is filled in as far as it came, and released by the caller. */
bool s3_transport_exchange(struct s3_transport *transport, const struct s3_request *request,
                           struct s3_answer *answer, struct error *err) MUST_CHECK;

static inline void s3_answer_cleanup(struct s3_answer *answer)
{
    text_release(&answer->document);
}
static inline void s3_transport_cleanup(struct s3_transport **variable)
{
    s3_transport_free(*variable);
}
