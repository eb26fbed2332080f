/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small HTTP/1.1 server: many connections, one thread, driven by poll().
 *
 * Each complete request becomes an exchange, which its handler answers at once or
 * keeps and answers later, so a request may wait for whatever it asks for. Both
 * the Runtime API and the front of `skiff serve` are made of it.
 *
 *     while (http_server_wait(server, NULL, 0, -1, &quiet, err))
 *         ;  // the handler is called from within
 *
 * Spec: RFC 9112
 */

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>

#include "lambda/local/http_request.h"
#include "oci/base/error.h"

enum {
    HTTP_CONNECTIONS_LIMIT = 64,
    HTTP_DESCRIPTORS_LIMIT = 4, /* that are waited for beside the connections */
};

struct http_server;
struct http_exchange; /* a request, until it is answered */

typedef void http_handler(void *context, struct http_exchange *exchange);
typedef bool http_admission(void *context, int fd);

struct http_server_options {
    const char *address; /* an IPv4 or IPv6 address; NULL: 127.0.0.1 */
    int port;            /* 0: any */
    http_handler *handle;
    http_admission
        *admits;   /* whether who has connected may ask, else it is 403; NULL: all may */
    void *context; /* for both */
};

struct http_reply {
    int status;
    const char *content_type; /* NULL: none */
    const char *fields;       /* further lines, each ended by CR LF; NULL: none */
    const void *body;
    size_t count;
};

/** Listens. ERROR_SYSTEM says where that was not possible. */
bool http_server_open(const struct http_server_options *options, struct http_server **out,
                      struct error *err) MUST_CHECK;
void http_server_free(struct http_server *server);

/** "127.0.0.1:<port>", "[::1]:<port>". Borrowed from the server. */
const char *http_server_address(const struct http_server *server);

/** Waits for something to happen, for up to `wait_ms` (-1: for ever), and deals with it;
 *  `*quiet` when nothing did. `more`, at most HTTP_DESCRIPTORS_LIMIT, are waited for along,
 *  and their revents set. */
bool http_server_wait(struct http_server *server, struct pollfd *more, size_t more_count,
                      int wait_ms, bool *quiet, struct error *err) MUST_CHECK;

/** Whether answers are still on their way out. */
bool http_server_has_unsent(const struct http_server *server);

const struct http_request *http_exchange_request(const struct http_exchange *exchange);

/** The text of the sender's address. */
const char *http_exchange_peer(const struct http_exchange *exchange);

/** Takes the request's body over; the caller's to free(). */
char *http_exchange_take_body(struct http_exchange *exchange, size_t *count);

/** Whether the sender has gone, so that nobody hears the answer. */
bool http_exchange_is_gone(const struct http_exchange *exchange);

/** Answers, which ends the exchange. Each must be, also one whose sender has gone. */
void http_exchange_reply(struct http_exchange *exchange, const struct http_reply *reply);

static inline void http_server_cleanup(struct http_server **variable)
{
    http_server_free(*variable);
}
