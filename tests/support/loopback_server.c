/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/loopback_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "oci/base/hash.h"
#include "oci/base/memory.h"

enum {
    PATIENCE_S = 20, /* a client that keeps us waiting longer is a test that hangs */
    BUFFER_BYTES = 64 * 1024,
};

struct loopback_server {
    const struct loopback_answer *script;
    size_t count;
    int listener;
    int port;
    pthread_t thread;
    struct loopback_seen seen;
};

/* A test's own plumbing is not what is tested: without it, stop. */
static void must(bool succeeded)
{
    if (!succeeded)
        abort();
}

unsigned char loopback_byte(uint64_t position)
{
    return (unsigned char)(position * 31 + (position >> 12));
}

static bool send_all(int connection, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t sent = send(connection, bytes, count, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        bytes += sent;
        count -= (size_t)sent;
    }
    return true;
}

static bool send_filler(int connection, uint64_t count)
{
    owned(memory) char *buffer = memory_new(BUFFER_BYTES, 1);

    for (uint64_t sent = 0; sent < count;) {
        size_t part = count - sent < BUFFER_BYTES ? (size_t)(count - sent) : BUFFER_BYTES;
        for (size_t i = 0; i < part; i++)
            buffer[i] = (char)loopback_byte(sent + i);
        if (!send_all(connection, buffer, part))
            return false;
        sent += part;
    }
    return true;
}

/* Byte by byte, so that nothing of the body is taken with it. */
static bool read_head(struct loopback_server *server, int connection, uint64_t *body_size)
{
    owned(text) struct text head = {0};

    while (!strstr(text_string(&head), "\r\n\r\n")) {
        char c;
        if (recv(connection, &c, 1, 0) != 1)
            return false;
        text_add_bytes(&head, &c, 1);
    }
    text_add(&server->seen.heads, text_string(&head));
    const char *length = strcasestr(text_string(&head), "\r\nContent-Length:");
    *body_size = length ? strtoull(length + 17, NULL, 10) : 0;
    return true;
}

static bool read_body(struct loopback_server *server, int connection, uint64_t size)
{
    owned(memory) char *buffer = memory_new(BUFFER_BYTES, 1);
    struct sha256 *hash = sha256_new();
    uint64_t left = size;

    while (left > 0) {
        size_t part = left < BUFFER_BYTES ? (size_t)left : BUFFER_BYTES;
        ssize_t got = recv(connection, buffer, part, 0);
        if (got <= 0)
            break;
        sha256_add(hash, buffer, (size_t)got);
        left -= (uint64_t)got;
    }
    sha256_finish(hash, server->seen.body_digest.bytes);
    sha256_free(hash);
    server->seen.body_size = size - left;
    return left == 0;
}

static void hear_out(int connection)
{
    owned(memory) char *buffer = memory_new(BUFFER_BYTES, 1);

    while (recv(connection, buffer, BUFFER_BYTES, 0) > 0)
        continue;
}

/* Whether the connection is good for another request. */
static bool answer_one(struct loopback_server *server, int connection)
{
    uint64_t body_size;

    if (!read_head(server, connection, &body_size))
        return false;
    const struct loopback_answer *answer = &server->script[server->seen.requests++];
    if (!answer->unheard && !read_body(server, connection, body_size))
        return false;
    if (answer->bytes && !send_all(connection, answer->bytes, strlen(answer->bytes)))
        return false;
    if (!send_filler(connection, answer->filler))
        return false;
    if (answer->after == LOOPBACK_SILENT || answer->unheard)
        hear_out(connection);
    return answer->after == LOOPBACK_KEEP && !answer->unheard;
}

static void *serve(void *context)
{
    struct loopback_server *server = context;
    struct timeval patience = {.tv_sec = PATIENCE_S};

    while (server->seen.requests < server->count) {
        int connection = accept(server->listener, NULL, NULL);
        if (connection < 0)
            break;
        server->seen.connections++;
        setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
        bool more = true;
        while (more && server->seen.requests < server->count)
            more = answer_one(server, connection);
        close(connection);
    }
    return NULL;
}

struct loopback_server *loopback_server_start(const struct loopback_answer *script,
                                              size_t count)
{
    struct loopback_server *server = memory_new(1, sizeof *server);
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;

    server->script = script;
    server->count = count;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(server->listener >= 0);
    must(bind(server->listener, (struct sockaddr *)&address, length) == 0);
    must(listen(server->listener, 8) == 0);
    must(getsockname(server->listener, (struct sockaddr *)&address, &length) == 0);
    server->port = ntohs(address.sin_port);
    must(pthread_create(&server->thread, NULL, serve, server) == 0);
    return server;
}

char *loopback_server_url(const struct loopback_server *server, const char *path)
{
    return text_format("http://127.0.0.1:%d%s", server->port, path);
}

void loopback_server_stop(struct loopback_server *server, struct loopback_seen *seen)
{
    shutdown(server->listener, SHUT_RDWR);
    must(pthread_join(server->thread, NULL) == 0);
    close(server->listener);
    *seen = server->seen;
    free(server);
}
