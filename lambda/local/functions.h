/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The functions of this machine: a folder with a record for each.
 *
 *     images/               a layout with every function's image, tagged with its name
 *     functions/NAME.json   what invoking it needs; written last when a function is made
 *     functions/NAME.log    what it logged last
 *     roots/                unpacked images (image_root.h), made when first run
 *     lock                  held by whoever changes any of this
 *
 * The record makes the function: without one, whatever is left of it is rubbish that the next
 * change takes away. So nothing that was killed halfway is in anybody's way.
 */

#include <jansson.h>
#include <time.h>

#include "lambda/definition.h"
#include "oci/base/memory.h"
#include "oci/base/progress.h"
#include "oci/digest.h"

/* All owned. */
struct function_record {
    char *name;
    char *image_uri;
    struct digest image; /* of the manifest */
    json_t *bases;       /* image_root_bases(); NULL: not known */
    char *region;        /* NULL: none given */
    int memory_mib;
    int timeout_s;
    int ephemeral_storage_mib; /* size of /tmp */
    bool is_server;            /* SUPERVISOR_HTTP: listens at a port, which is this machine's */
    json_t *environment;       /* object of strings, with IMAGE_ID and FDL */
    json_t *image_config; /* what runs instead of the image's own, in Lambda's words; NULL */
};

/** What `definition` says of the function on the image `image_uri`. ERROR_INVALID when that
 *  is not by digest. */
bool function_record_make(const struct definition *definition, const char *image_uri,
                          struct function_record *out, struct error *err) MUST_CHECK;

/** Whether a function would run the same way by either. */
bool function_record_equal(const struct function_record *a, const struct function_record *b);

void function_record_release(struct function_record *record);

/** The file of a function in `folder`; `suffix` is "json" or "log". A new string. */
char *functions_path(const char *folder, const char *name, const char *suffix);

bool functions_has(const char *folder, const char *name);

/** ERROR_NOT_FOUND when there is no such function. */
bool functions_read(const char *folder, const char *name, struct function_record *out,
                    struct error *err) MUST_CHECK;

/** Appends to the array `functions` what platform_ops.list says of each. */
bool functions_list(const char *folder, json_t *functions, struct error *err) MUST_CHECK;

/** Makes the function exist, at once and as a whole. */
bool functions_write(const char *folder, const struct function_record *record, time_t created,
                     struct error *err) MUST_CHECK;

/** Waits until nobody else changes the folder, which is made when missing, and takes away
 *  what was left by those who were killed. `*lock` is to close(). */
bool functions_lock(const char *folder, struct progress *progress, int *lock,
                    struct error *err) MUST_CHECK;

/** Takes away unfinished files, the roots that no function needs and those of runs, except
 *  for those that somebody runs in; only under the lock. */
bool functions_sweep(const char *folder, struct error *err) MUST_CHECK;

static inline void function_record_cleanup(struct function_record *record)
{
    function_record_release(record);
}
