/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/http_server.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { READ_BYTES = 64 * 1024, TURNED_AWAY_READS = 16 };

struct http_exchange {
    struct http_server *server;
    int fd; /* -1: free, or the sender has gone */
    char peer[INET6_ADDRSTRLEN];
    struct http_request request;
    struct text out;
    size_t sent;
    bool is_held;          /* handled and not answered yet */
    bool is_closing;       /* what it still sends is thrown away */
    unsigned long used_at; /* the greater, the later */
};

struct http_server {
    int listener;
    char address[INET6_ADDRSTRLEN + 16];
    http_handler *handle;
    http_admission *admits;
    void *context;
    unsigned long steps;
    struct http_exchange exchanges[HTTP_CONNECTIONS_LIMIT];
};

/* --- listening -----------------------------------------------------------------------------
 */

static bool listen_at(const struct addrinfo *place, int *listener)
{
    int on = 1;

    *listener = socket(place->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (*listener < 0)
        return false;
    /* Or a server could not be started again for a minute. */
    setsockopt(*listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(*listener, place->ai_addr, place->ai_addrlen) == 0 &&
           listen(*listener, HTTP_CONNECTIONS_LIMIT) == 0;
}

static bool name_address(struct http_server *server)
{
    struct sockaddr_storage address;
    socklen_t size = sizeof address;
    char host[INET6_ADDRSTRLEN], port[16];

    if (getsockname(server->listener, (struct sockaddr *)&address, &size) != 0 ||
        getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return false;
    snprintf(server->address, sizeof server->address, strchr(host, ':') ? "[%s]:%s" : "%s:%s",
             host, port);
    return true;
}

bool http_server_open(const struct http_server_options *options, struct http_server **out,
                      struct error *err)
{
    const char *address = options->address ? options->address : "127.0.0.1";
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *place = NULL;
    char port[16];

    snprintf(port, sizeof port, "%d", options->port);
    if (getaddrinfo(address, port, &hints, &place) != 0)
        return error_set(err, ERROR_USAGE, "'%.80s' is no address to listen at", address);
    owned(http_server) struct http_server *server = memory_new(1, sizeof *server);
    server->handle = options->handle;
    server->admits = options->admits;
    server->context = options->context;
    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT; i++)
        server->exchanges[i] = (struct http_exchange){.server = server, .fd = -1};
    bool listens = listen_at(place, &server->listener) && name_address(server);
    if (!listens)
        error_set_errno(err, "listen at %.80s, port %d", address, options->port);
    freeaddrinfo(place);
    if (listens)
        *out = take(&server);
    return listens;
}

const char *http_server_address(const struct http_server *server)
{
    return server->address;
}

/* The slot is free afterwards, unless its request is still to be answered. */
static void hang_up(struct http_exchange *exchange)
{
    if (exchange->fd >= 0)
        close(exchange->fd);
    exchange->fd = -1;
    if (exchange->is_held)
        return;
    http_request_release(&exchange->request);
    text_release(&exchange->out);
    *exchange = (struct http_exchange){.server = exchange->server, .fd = -1};
}

void http_server_free(struct http_server *server)
{
    if (!server)
        return;
    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT; i++) {
        server->exchanges[i].is_held = false;
        hang_up(&server->exchanges[i]);
    }
    if (server->listener >= 0)
        close(server->listener);
    free(server);
}

/* --- exchanges -----------------------------------------------------------------------------
 */

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

const char *http_exchange_peer(const struct http_exchange *exchange)
{
    return exchange->peer;
}

char *http_exchange_take_body(struct http_exchange *exchange, size_t *count)
{
    *count = exchange->request.body.length;
    return text_take(&exchange->request.body);
}

bool http_exchange_is_gone(const struct http_exchange *exchange)
{
    return exchange->fd < 0;
}

static const char *status_name(int status)
{
    static const struct {
        int status;
        const char *name;
    } names[] = {
        {200, "OK"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {400, "Bad Request"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {413, "Request Entity Too Large"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {502, "Bad Gateway"},
        {503, "Service Unavailable"},
    };

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].status == status)
            return names[i].name;
    return "Status";
}

static void write_reply(struct http_exchange *exchange, const struct http_reply *reply)
{
    struct text *out = &exchange->out;
    bool has_no_body = reply->status == 204 || reply->status == 304;

    text_addf(out, "HTTP/1.1 %d %s\r\n", reply->status, status_name(reply->status));
    if (reply->content_type)
        text_addf(out, "Content-Type: %s\r\n", reply->content_type);
    if (reply->fields)
        text_add(out, reply->fields);
    if (exchange->is_closing)
        text_add(out, "Connection: close\r\n");
    if (!has_no_body)
        text_addf(out, "Content-Length: %zu\r\n", reply->count);
    text_add(out, "\r\n");
    if (!has_no_body && strcmp(exchange->request.method, "HEAD") != 0)
        text_add_bytes(out, reply->body ? reply->body : "", reply->count);
}

void http_exchange_reply(struct http_exchange *exchange, const struct http_reply *reply)
{
    assert(exchange->is_held);
    exchange->is_held = false;
    if (exchange->fd < 0) {
        hang_up(exchange);
        return;
    }
    exchange->is_closing |= exchange->request.is_last;
    write_reply(exchange, reply);
    http_request_release(&exchange->request);
}

/* --- bytes ---------------------------------------------------------------------------------
 */

static void refuse(struct http_exchange *exchange)
{
    static const char body[] =
        "{\"errorMessage\":\"not a request\",\"errorType\":\"BadRequest\"}";
    const struct http_reply reply = {.status = exchange->request.status,
                                     .content_type = "application/json",
                                     .body = body,
                                     .count = strlen(body)};

    exchange->is_closing = true;
    write_reply(exchange, &reply);
}

static void handle_bytes(struct http_exchange *exchange, const char *bytes, size_t count)
{
    struct http_request *request = &exchange->request;

    while (count > 0 && !exchange->is_closing) {
        if (exchange->is_held) {
            exchange->is_closing = true; /* it should be waiting */
            return;
        }
        size_t used = http_request_add(request, bytes, count);
        bytes += used;
        count -= used;
        if (request->state == REQUEST_BODY && request->expects_continue) {
            text_add(&exchange->out, "HTTP/1.1 100 Continue\r\n\r\n");
            request->expects_continue = false;
        }
        if (request->state == REQUEST_BROKEN)
            refuse(exchange);
        if (request->state == REQUEST_COMPLETE) {
            exchange->is_held = true;
            exchange->server->handle(exchange->server->context, exchange);
        }
    }
}

static void read_connection(struct http_exchange *exchange)
{
    char bytes[READ_BYTES];
    ssize_t got = recv(exchange->fd, bytes, sizeof bytes, 0);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(exchange);
        return;
    }
    exchange->used_at = ++exchange->server->steps;
    handle_bytes(exchange, bytes, (size_t)got);
}

static void write_connection(struct http_exchange *exchange)
{
    struct text *out = &exchange->out;
    ssize_t sent = send(exchange->fd, out->bytes + exchange->sent, out->length - exchange->sent,
                        MSG_NOSIGNAL);

    if (sent < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (sent < 0) {
        hang_up(exchange);
        return;
    }
    exchange->sent += (size_t)sent;
    exchange->used_at = ++exchange->server->steps;
    if (exchange->sent < out->length)
        return;
    text_release(out);
    exchange->sent = 0;
    /* Closing outright would lose the answer where unread bytes are left. */
    if (exchange->is_closing && !exchange->is_held)
        shutdown(exchange->fd, SHUT_WR);
}

/* A free slot, or that of the connection which has waited longest for nothing; NULL: none. */
static struct http_exchange *find_slot(struct http_server *server)
{
    struct http_exchange *found = NULL;

    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT; i++) {
        struct http_exchange *each = &server->exchanges[i];
        if (each->is_held || each->out.length > 0)
            continue;
        if (each->fd < 0)
            return each;
        if (!found || each->used_at < found->used_at)
            found = each;
    }
    return found;
}

/* At once, so that strangers take no slot from whoever may ask. */
static void turn_away(int fd)
{
    static const char answer[] = "HTTP/1.1 403 Forbidden\r\n"
                                 "Content-Length: 0\r\nConnection: close\r\n\r\n";
    char bytes[READ_BYTES];

    /* Unread bytes would take the answer with them, which is no reason to read for ever. */
    for (int reads = 0; reads < TURNED_AWAY_READS; reads++)
        if (recv(fd, bytes, sizeof bytes, 0) < (ssize_t)sizeof bytes)
            break;
    send(fd, answer, sizeof answer - 1, MSG_NOSIGNAL);
    close(fd);
}

static void accept_connection(struct http_server *server)
{
    struct http_exchange *slot = find_slot(server);
    struct sockaddr_storage address;
    socklen_t size = sizeof address;

    if (!slot)
        return;
    int fd = accept4(server->listener, (struct sockaddr *)&address, &size,
                     SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0)
        return;
    if (server->admits && !server->admits(server->context, fd)) {
        turn_away(fd);
        return;
    }
    hang_up(slot);
    slot->fd = fd;
    slot->used_at = ++server->steps;
    if (getnameinfo((struct sockaddr *)&address, size, slot->peer, sizeof slot->peer, NULL, 0,
                    NI_NUMERICHOST) != 0)
        slot->peer[0] = '\0';
}

static void deal_with(struct http_exchange *exchange, short events)
{
    if (events & POLLOUT)
        write_connection(exchange);
    if (events & ~POLLOUT && exchange->fd >= 0)
        read_connection(exchange);
}

bool http_server_wait(struct http_server *server, struct pollfd *more, size_t more_count,
                      int wait_ms, bool *quiet, struct error *err)
{
    struct pollfd watched[HTTP_CONNECTIONS_LIMIT + 1 + HTTP_DESCRIPTORS_LIMIT];
    struct pollfd *others = watched + HTTP_CONNECTIONS_LIMIT + 1;

    assert(more_count <= HTTP_DESCRIPTORS_LIMIT);
    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT; i++) {
        const struct http_exchange *exchange = &server->exchanges[i];
        short events = exchange->out.length > 0 ? POLLIN | POLLOUT : POLLIN;
        watched[i] = (struct pollfd){.fd = exchange->fd, .events = events};
    }
    watched[HTTP_CONNECTIONS_LIMIT] = (struct pollfd){
        .fd = find_slot(server) ? server->listener : -1,
        .events = POLLIN,
    };
    for (size_t i = 0; i < more_count; i++)
        others[i] = more[i];

    int ready = poll(watched, HTTP_CONNECTIONS_LIMIT + 1 + more_count, wait_ms);
    if (ready < 0 && errno != EINTR)
        return error_set_errno(err, "wait for requests");
    *quiet = ready == 0;
    for (size_t i = 0; i < more_count; i++)
        more[i].revents = ready > 0 ? others[i].revents : 0;
    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT && ready > 0; i++)
        deal_with(&server->exchanges[i], watched[i].revents);
    if (ready > 0 && watched[HTTP_CONNECTIONS_LIMIT].revents)
        accept_connection(server);
    return true;
}

bool http_server_has_unsent(const struct http_server *server)
{
    for (size_t i = 0; i < HTTP_CONNECTIONS_LIMIT; i++)
        if (server->exchanges[i].fd >= 0 && server->exchanges[i].out.length > 0)
            return true;
    return false;
}
