/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A slow road to a server: a TCP proxy on the loopback that delays what passes
 * and limits how fast it does.
 *
 *     delay_proxy ROUND_TRIP_MS MEGABYTES_PER_SECOND PORT
 *
 * It listens on a free port, which it prints, and passes connections on to
 * 127.0.0.1:PORT. Each way takes half the round trip, opening a connection a
 * whole one more, and each connection has the bandwidth to itself each way. It
 * needs no privileges, so it stands in where netem cannot be had.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PIECE_BYTES = 16 * 1024, PIECES = 512 }; /* 8 MiB: more than a delay's worth */

/* One direction of a connection: what was read waits in a ring until its time has come. */
struct lane {
    int from;
    int to;
    int64_t begin_ns; /* nothing passes before */
    int64_t delay_ns;
    double ns_per_byte;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct piece {
        int64_t due_ns;
        ssize_t count; /* 0: the end */
        char bytes[PIECE_BYTES];
    } * pieces;
    unsigned int read;
    unsigned int written;
    int broken;
};

struct connection {
    struct lane lanes[2];
};

static struct settings {
    int64_t round_trip_ns;
    double ns_per_byte;
    int port;
} settings;

static int64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void sleep_until(int64_t when_ns)
{
    struct timespec when = {when_ns / 1000000000, when_ns % 1000000000};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &when, NULL);
}

static int send_all(int to, const char *bytes, ssize_t count)
{
    while (count > 0) {
        ssize_t sent = send(to, bytes, (size_t)count, MSG_NOSIGNAL);
        if (sent <= 0)
            return 0;
        bytes += sent;
        count -= sent;
    }
    return 1;
}

static void *write_lane(void *argument)
{
    struct lane *lane = argument;

    for (ssize_t count = 1; count > 0;) {
        pthread_mutex_lock(&lane->lock);
        while (lane->written == lane->read)
            pthread_cond_wait(&lane->changed, &lane->lock);
        struct piece *piece = &lane->pieces[lane->written % PIECES];
        pthread_mutex_unlock(&lane->lock);

        sleep_until(piece->due_ns);
        count = piece->count;
        int sent = count > 0 && send_all(lane->to, piece->bytes, count);

        pthread_mutex_lock(&lane->lock);
        lane->written++;
        lane->broken |= !sent;
        pthread_cond_signal(&lane->changed);
        pthread_mutex_unlock(&lane->lock);
        if (!sent)
            break;
    }
    shutdown(lane->to, SHUT_WR);
    shutdown(lane->from, SHUT_RD);
    return NULL;
}

static void *read_lane(void *argument)
{
    struct lane *lane = argument;
    int64_t free_ns = lane->begin_ns; /* when the road is free for the next piece */
    pthread_t writer;

    if (pthread_create(&writer, NULL, write_lane, lane) != 0)
        abort();
    for (ssize_t count = 1; count > 0;) {
        pthread_mutex_lock(&lane->lock);
        while (lane->read - lane->written == PIECES && !lane->broken)
            pthread_cond_wait(&lane->changed, &lane->lock);
        int broken = lane->broken;
        pthread_mutex_unlock(&lane->lock);
        if (broken)
            break;

        struct piece *piece = &lane->pieces[lane->read % PIECES];
        count = recv(lane->from, piece->bytes, sizeof piece->bytes, 0);
        piece->count = count > 0 ? count : 0;
        int64_t now = now_ns();
        free_ns = free_ns > now ? free_ns : now;
        free_ns += (int64_t)((double)piece->count * lane->ns_per_byte);
        piece->due_ns = free_ns + lane->delay_ns;

        pthread_mutex_lock(&lane->lock);
        lane->read++;
        pthread_cond_signal(&lane->changed);
        pthread_mutex_unlock(&lane->lock);
    }
    pthread_join(writer, NULL);
    free(lane->pieces);
    return NULL;
}

static int connect_onward(void)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)settings.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int onward = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (onward >= 0 && connect(onward, (struct sockaddr *)&address, sizeof address) != 0) {
        close(onward);
        return -1;
    }
    return onward;
}

static void set_lane(struct connection *connection, int index, int from, int to)
{
    struct lane *lane = &connection->lanes[index];
    int yes = 1;

    setsockopt(from, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    lane->from = from;
    lane->to = to;
    lane->begin_ns = now_ns() + settings.round_trip_ns;
    lane->delay_ns = settings.round_trip_ns / 2;
    lane->ns_per_byte = settings.ns_per_byte;

    lane->pieces = malloc(PIECES * sizeof *lane->pieces);
    if (!lane->pieces)
        abort();
    pthread_mutex_init(&lane->lock, NULL);
    pthread_cond_init(&lane->changed, NULL);
}

static void *serve(void *argument)
{
    int client = (int)(intptr_t)argument;
    int onward = connect_onward();
    pthread_t back;

    if (onward < 0) {
        close(client);
        return NULL;
    }
    struct connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    set_lane(connection, 0, client, onward);
    set_lane(connection, 1, onward, client);
    if (pthread_create(&back, NULL, read_lane, &connection->lanes[1]) != 0)
        abort();
    read_lane(&connection->lanes[0]);
    pthread_join(back, NULL);
    close(client);
    close(onward);
    free(connection);
    return NULL;
}

int main(int argc, char **argv)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (argc != 4)
        return 2;
    signal(SIGPIPE, SIG_IGN);
    settings.round_trip_ns = (int64_t)atoi(argv[1]) * 1000000;
    settings.ns_per_byte = 1e3 / atof(argv[2]);
    settings.port = atoi(argv[3]);
    if (bind(listener, (struct sockaddr *)&address, length) != 0 || listen(listener, 64) != 0 ||
        getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        perror("delay_proxy");
        return 1;
    }
    printf("%d\n", ntohs(address.sin_port));
    fflush(stdout);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        pthread_t thread;
        if (client < 0)
            continue;
        if (pthread_create(&thread, NULL, serve, (void *)(intptr_t)client) != 0)
            close(client);
        else
            pthread_detach(thread);
    }
}
