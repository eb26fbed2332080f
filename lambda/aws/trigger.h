/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The buckets around a function: those that call it when files arrive (input:), and
 * those its files go to (output:).
 *
 * A bucket that calls needs three things: itself with the folder, the function's
 * permission for it, and an entry in its notifications. They are compared with what
 * is there, so that only what differs is changed; entries of others stay. A bucket
 * that is named no more calls no more. Buckets and objects are never removed.
 *
 * Configurations are as functions carry them (definition->config, FDL): what a
 * function was deployed with says which entries and permissions are skiff's.
 *
 * Source: Amazon S3 user guide, "Granting permissions to publish event notification
 * messages to a destination"; SCAR, clients/s3.py
 */

#include "lambda/aws/aws.h"

/* From one configuration to another; all borrowed. */
struct trigger_change {
    const char *function;    /* its name */
    const char *arn;         /* NULL: a plan for a function that is not there */
    const json_t *former;    /* NULL: it had none */
    const json_t *wanted;    /* NULL: it is to have none */
    const json_t *providers; /* the storage_providers of `wanted`; NULL: none */
    json_t *calls;           /* NULL: do it; else only say which calls would be made */
};

/** Makes the buckets, folders, permissions and notifications that `wanted` needs and takes away
 *  those that only `former` needed. Tells what was changed. */
bool trigger_settle(const struct aws *aws, const struct trigger_change *change,
                    struct error *err) MUST_CHECK;

/** Takes from the buckets of `former` whatever calls the function, which is about to go.
 * Buckets that are gone, or that we may not change, are no error: the latter are warned of. */
bool trigger_remove(const struct aws *aws, const char *arn, const json_t *former,
                    struct error *err) MUST_CHECK;
