/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Usage: echo_server [MILLISECONDS]
 *
 * A web application, for a function made of one: listens on 127.0.0.1:$PORT, after the time
 * given, and answers as the path says. /echo answers with the request as it came.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REQUEST_LIMIT = 8 << 20, HEAD_LIMIT = 64 << 10 };

static const char *const answers[][2] = {
    {"GET /text",
     "200 OK\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngr\xc3\xbc\xc3\x9f dich"},
    {"GET /binary", "200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n\x1a\n\xff"},
    {"GET /missing", "404 Not Found\r\nX-Reason: none\r\n\r\nno such thing"},
    {"GET /cookies", "200 OK\r\nSet-Cookie: a=1; Path=/\r\nset-cookie: b=2\r\nX-Many: 1\r\n"
                     "x-many: 2\r\nX-Empty:\r\nConnection: close\r\nKeep-Alive: x\r\n\r\n"},
    {"HEAD /text", "200 OK\r\nContent-Length: 10\r\nX-Length: 10\r\n\r\n"},
    {"GET /moved", "302 Found\r\nLocation: /text\r\n\r\n"},
    {"GET /early",
     "103 Early Hints\r\nX-Early: 1\r\n\r\nHTTP/1.1 200 OK\r\nX-Late: 1\r\n\r\nlate"},
    {"DELETE /thing", "204 No Content\r\n\r\n"},
};

static void send_all(int fd, const char *bytes, size_t count)
{
    ssize_t done;

    for (; count > 0 && (done = write(fd, bytes, count)) > 0; bytes += done)
        count -= (size_t)done;
}

/* Reads a request, and ends it with a NUL. Its size. */
static size_t read_request(int fd, char *request)
{
    size_t count = 0, wanted = 0;
    ssize_t done;

    while ((done = read(fd, request + count, REQUEST_LIMIT - count)) > 0) {
        count += (size_t)done;
        request[count] = '\0';
        const char *end = strstr(request, "\r\n\r\n");
        const char *length = strcasestr(request, "\r\ncontent-length:");
        if (end && !wanted)
            wanted = (size_t)(end + 4 - request) +
                     (length && length < end ? strtoul(length + 17, NULL, 10) : 0);
        if (wanted && count >= wanted)
            break;
    }
    return count;
}

static void answer(int fd, const char *request, size_t count)
{
    static const char echo[] = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    static const char large[] = "HTTP/1.1 200 OK\r\n\r\n";
    static const char failed[] = "HTTP/1.1 500 Internal Server Error\r\n\r\nit is broken";

    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        size_t length = strlen(answers[i][0]);
        if (strncmp(request, answers[i][0], length) != 0)
            continue;
        send_all(fd, "HTTP/1.1 ", 9);
        send_all(fd, answers[i][1], strlen(answers[i][1]));
        return;
    }
    if (strstr(request, "exit now"))
        exit(3);
    if (strstr(request, "hang"))
        sleep(600);
    if (strstr(request, "fail")) {
        send_all(fd, failed, sizeof failed - 1);
        return;
    }
    if (strstr(request, "large")) {
        static char page[64 << 10];
        memset(page, 'x', sizeof page);
        send_all(fd, large, sizeof large - 1);
        for (int i = 0; i < 100; i++)
            send_all(fd, page, sizeof page);
        return;
    }
    send_all(fd, echo, sizeof echo - 1);
    send_all(fd, request, count);
}

int main(int argc, char **argv)
{
    static char request[REQUEST_LIMIT + 1];
    const char *port = getenv("PORT");
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((unsigned short)atoi(port ? port : "0")),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int reuse = 1;

    usleep(argc > 1 ? 1000 * (unsigned int)atoi(argv[1]) : 0);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof reuse);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 16) != 0)
        return 1;
    printf("listening as %d\n", (int)getpid());
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        size_t count = read_request(fd, request);
        if (count > 0)
            answer(fd, request, count);
        close(fd);
    }
}
