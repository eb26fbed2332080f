/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Files between storage and the two folders of a run: what the event is about comes in before
 * the program starts, what it leaves in TMP_OUTPUT_DIR goes out after it has ended.
 */

#include "lambda/supervisor/event.h"
#include "lambda/supervisor/log.h"
#include "lambda/supervisor/storage.h"

struct stage {
    const struct storage *storage;
    const char *const *environment; /* proxies and certificates */
    enum log_level log_level;
    int64_t deadline_ms; /* since 1970; 0: none */
};

/** Brings the object of the event's record into the folder, under the last part of its key.
 *  `*file`, the caller's to free(), is NULL where there is nothing to bring: the key is a
 *  folder's, or nobody has said how to ask that storage. Fails like s3_download(). */
bool stage_in(const struct stage *stage, const struct event *event, size_t index,
              const char *folder, char **file, struct error *err) MUST_CHECK;

/** Sends every file below the folder to each output that takes it, under its path in the
 *  folder. One that fails does not keep the others; the error is the first one's. */
bool stage_out(const struct stage *stage, const char *folder, struct error *err) MUST_CHECK;

/** Sends one file to the first output, whatever that takes. `*place`, for people, is the
 *  caller's to free(). */
bool stage_out_file(const struct stage *stage, const char *file, const char *name, char **place,
                    struct error *err) MUST_CHECK;
