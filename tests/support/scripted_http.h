/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A transport that plays a script: it expects one request after the other and
 * gives canned answers. A request that is not in the script fails the test.
 */

#include <pthread.h>

#include "registry/http.h"

enum { SCRIPTED_HEADERS = 4 };

struct scripted_exchange {
    const char *method;
    const char *url;           /* the URL ends in this */
    const char *authorization; /* the header's value; NULL: there must be none */
    const char *body;          /* that must be sent; NULL: not looked at */
    const char *range;         /* the header's value; NULL: there must be none */
    const char *moved;         /* the URL that answers, after a redirect; NULL: the one asked */
    bool meanwhile;            /* others may be asked at the same time, and wait for it */

    int status;              /* 0: no answer */
    enum error_kind failure; /* of no answer; 0: ERROR_NETWORK */
    bool cut;                /* the answer's body breaks off */
    struct http_header headers[SCRIPTED_HEADERS];
    const char *answer; /* NULL: an empty one */
};

struct scripted_http {
    struct http http;
    const struct scripted_exchange *script;
    size_t count;
    size_t done;
    size_t breaks_at; /* the exchange with this number gets no answer */
    size_t patience;  /* times that it lets begin again */
    char *accept;     /* the last Accept header */
    pthread_mutex_t lock;
    pthread_cond_t next;
};

void scripted_http_init(struct scripted_http *scripted, const struct scripted_exchange *script,
                        size_t count);

/** Fails the test unless the whole script was played. */
void scripted_http_release(struct scripted_http *scripted);
