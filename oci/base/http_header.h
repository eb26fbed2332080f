/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A line of a request's head, as those see it who send requests and those who sign them.
 * Lists of them end at the first without a name, or are full.
 */

struct http_header {
    const char *name;
    const char *value;
};

enum { HTTP_HEADERS_LIMIT = 16 }; /* that we ever send */
