/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What belongs to a function without being part of it: reserved concurrency, its
 * URL with the permission to call it, its newest version and the alias on it, and
 * the buckets around it (lambda/aws/trigger.h).
 *
 * Each is asked for only where the definition has it, or had it when the function
 * was last deployed, so that what others made by hand stays.
 *
 * Source: Lambda API reference, PutFunctionConcurrency, CreateFunctionUrlConfig,
 * AddPermission, PublishVersion, CreateAlias; developer guide, "Control access to URLs"
 */

#include "lambda/aws/aws.h"
#include "lambda/definition.h"

struct surroundings {
    const struct definition *definition;
    const char *arn; /* the function's; NULL: a plan for one that is not there */
    const json_t
        *before; /* GetFunction's answer before this deployment; NULL: a new function */
    bool is_other_version; /* code or configuration were made or changed */
};

/* What surroundings_settle() has changed, and what was there before. All owned. */
struct surroundings_past {
    bool is_concurrency_changed;
    bool is_url_changed;
    bool is_alias_changed;
    json_t *url;         /* its settings; NULL: there was none */
    char *version;       /* that was published; NULL: none */
    char *alias_version; /* that the alias named; NULL: there was no alias */
};

/** Brings them to what the definition says, and tells what was changed and where the URL is.
 *  `past` is zero before, and filled in even where it fails. */
bool surroundings_settle(const struct aws *aws, const struct surroundings *surroundings,
                         struct surroundings_past *past, struct error *err) MUST_CHECK;

/** Brings them back, also where surroundings_settle() broke off; of a function that was not
 *  there before, and will go, only the buckets' calls. Buckets that were made stay. */
bool surroundings_undo(const struct aws *aws, const struct surroundings *surroundings,
                       struct surroundings_past *past, struct error *err) MUST_CHECK;

void surroundings_past_release(struct surroundings_past *past);

/** Of an answer of GetFunctionUrlConfig what CreateFunctionUrlConfig takes; a new object. */
json_t *surroundings_url_settings(const json_t *url);

/** Appends to the array `calls` which calls surroundings_settle() would make. Asks, and changes
 *  nothing. */
bool surroundings_plan(const struct aws *aws, const struct surroundings *surroundings,
                       json_t *calls, struct error *err) MUST_CHECK;
