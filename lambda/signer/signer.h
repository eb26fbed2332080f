/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Signature Version 4: proof that a request comes from who it says.
 *
 * A pure function of its inputs, the time included. It signs the host and every
 * header the request carries, so what must be signed is added first:
 *
 *     struct signer_date date = signer_date(now);
 *     struct http_header headers[] = {
 *         {"X-Amz-Date", date.text}, {"X-Amz-Content-Sha256", hash.text}, {0}};
 *     struct signer_request request = {"GET", url, headers};
 *     owned(memory) char *proof = signer_authorization(&who, &scope, &request, hash.text);
 *
 * It has a room of its own because two ask AWS: lambda/aws, and the supervisor, which knows
 * nothing of the rest.
 *
 * Each step is public so that tests can hold it against the published vectors.
 *
 * Spec: AWS IAM User Guide, "Create a signed AWS API request"
 */

#include <time.h>

#include "oci/base/http_header.h"

/* All owned; all zero: nobody. */
struct aws_credentials {
    char *access_key;
    char *secret_key;    /* never shown */
    char *session_token; /* NULL for long-lived keys */
};

/* What is to be signed of a request; all borrowed. */
struct signer_request {
    const char *method;
    const char *url;                   /* "https://..." */
    const struct http_header *headers; /* at most HTTP_HEADERS_LIMIT */
};

struct signer_scope {
    const char *region;  /* "eu-west-1" */
    const char *service; /* "lambda", "ecr", "logs", "s3" */
    time_t now;          /* seconds since 1970 */
};

/* Value of X-Amz-Date: "20150830T123600Z". */
struct signer_date {
    char text[17];
};

/* Value of X-Amz-Content-Sha256: 64 hexadecimal digits. */
struct signer_hash {
    char text[65];
};

/** Times before 1970 and after the year 9999 count as the nearest that has four digits. */
struct signer_date signer_date(time_t now);

struct signer_hash signer_hash(const void *body, size_t count);

/** The value of the Authorization header; a new string, the caller's to free(). `content_hash`
 *  is of the body. */
char *signer_authorization(const struct aws_credentials *credentials,
                           const struct signer_scope *scope,
                           const struct signer_request *request, const char *content_hash);

/** The steps, for tests. New strings, the caller's to free(). */
char *signer_canonical_request(const struct signer_scope *scope,
                               const struct signer_request *request, const char *content_hash);
char *signer_string_to_sign(const struct signer_scope *scope, const char *canonical_request);

void aws_credentials_release(struct aws_credentials *credentials);

static inline void aws_credentials_cleanup(struct aws_credentials *credentials)
{
    aws_credentials_release(credentials);
}
