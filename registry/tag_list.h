/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The tags of a repository, page after page.
 *
 * A registry gives as many at a time as it likes, and says in a Link header
 * where the next ones are.
 *
 * Spec: distribution-spec v1.1, spec.md#listing-tags; RFC 8288
 */

#include <jansson.h>

#include "registry/session.h"

enum {
    TAG_PAGE_LIMIT = 4 * 1024 * 1024, /* bytes */
    TAG_PAGES_LIMIT = 10 * 1000,
};

/** Appends the tags of `repository` to an array of strings. ERROR_NOT_FOUND when there is no
 *  such repository, ERROR_LIMIT, ERROR_INVALID. */
bool tag_list_read(struct session *session, const char *scope, const char *repository,
                   json_t *tags, struct error *err) MUST_CHECK;

/** What a Link header calls the next page; a new string, NULL when it names none. */
char *tag_list_next(const char *link);
