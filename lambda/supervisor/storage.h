/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the configuration says about storage.
 *
 *     storage_providers:
 *       s3: {mine: {access_key: …, secret_key: …, region: …}}
 *       minio: {lab: {endpoint: "https://minio.example:9000", access_key: …, secret_key: …}}
 *     output:
 *     - {storage_provider: s3, path: bucket/folder, prefix: [res-], suffix: [.jpg, .png]}
 *     - {storage_provider: minio.lab, path: bucket}
 *
 * "s3" alone is S3 as whom the function's role lets it be.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lambda/supervisor/event.h"
#include "lambda/supervisor/s3.h"

enum {
    STORAGE_ACCOUNTS_LIMIT = 64,
    STORAGE_OUTPUTS_LIMIT = 64,
};

/* Where results go. */
struct storage_output {
    const struct s3_account *account;
    char *bucket;
    char *folder;    /* "a/b/" in front of a file's name; may be "" */
    char **prefixes; /* a file begins like one of these, ended by NULL; none: any */
    char **suffixes;
};

struct storage {
    struct s3_account *accounts; /* the first is the role's */
    size_t account_count;
    struct storage_output *outputs;
    size_t output_count;
};

/** Reads it. `environment` has the role's credentials, and is not needed afterwards.
 *  ERROR_INVALID says what is missing or not supported; ERROR_LIMIT. */
bool storage_read(const json_t *config, const char *const *environment, struct storage *out,
                  struct error *err) MUST_CHECK;

/** The account that the records of an event belong to; NULL when nothing is known of it, as
 *  of a MinIO that is in no configuration. ERROR_NOT_FOUND when the event names one that is
 *  missing. */
bool storage_account_of(const struct storage *storage, const struct event *event,
                        const struct s3_account **out, struct error *err) MUST_CHECK;

/** Whether the output takes the file, by its path below TMP_OUTPUT_DIR. */
bool storage_output_takes(const struct storage_output *output, const char *path);

void storage_release(struct storage *storage);
