/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What `path:` of an input or output names: "bucket/a/b/" is the bucket and the
 * folder "a/b/".
 *
 * Slashes at either end and between the two mean nothing. The supervisor stores there what
 * skiff prepares, so both read paths here.
 */

#include <stdbool.h>

/* All owned. */
struct storage_path {
    char *bucket; /* "" where the path names none */
    char *folder; /* ends in '/'; "" for all of the bucket */
};

/** Never fails. */
void storage_path_read(const char *path, struct storage_path *out);

/** Whether `provider` is S3: "s3", or "s3.NAME" for one of storage_providers. */
bool storage_path_is_s3(const char *provider);

/** The NAME of such a provider's account; NULL where it is the function's own role, or the
 *  deployer. Borrowed from `provider`. */
const char *storage_path_account(const char *provider);

void storage_path_release(struct storage_path *path);

static inline void storage_path_cleanup(struct storage_path *path)
{
    storage_path_release(path);
}
