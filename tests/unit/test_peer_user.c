/* SPDX-License-Identifier: Apache-2.0 */
/* Who is at the other end: in tables as the kernel writes them, and in this machine's own. */
#include "lambda/local/peer_user.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

enum { OTHER = 4711 };

#define ROW(ends, user, inode)                                                                 \
    "   1: " ends " 01 00000000:00000000 00:00000000 00000000 " user "        0 " inode        \
    " 1 0000000000000000 20 4 30 10 -1\n"

static struct sockaddr_in end_at(uint16_t port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons(port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* The user of 127.0.0.1:0xC350, connected with :0x2328, -1 when there is none. */
static long long find(const char *rows)
{
    char text[4096];
    snprintf(text, sizeof text, "  sl  local_address rem_address   st tx_queue ...\n%s", rows);
    FILE *table = fmemopen(text, strlen(text), "r");
    const struct sockaddr_in local = end_at(0xC350), remote = end_at(0x2328);
    uid_t user;

    bool found = peer_user_find(table, &local, &remote, &user);
    fclose(table);
    return found ? (long long)user : -1;
}

static void tables_are_read(void **state)
{
    (void)state;
    char loopback[9], mapped[33], row[512];
    snprintf(loopback, sizeof loopback, "%08X", htonl(INADDR_LOOPBACK));
    snprintf(mapped, sizeof mapped, "0000000000000000%08X%s", htonl(0xFFFF), loopback);

    const struct {
        const char *address, *local, *remote, *user, *inode;
        long long expected;
    } rows[] = {
        {loopback, "C350", "2328", " 4711", "99", 4711},
        {loopback, "C350", "2328", "    0", "99", 0},
        {loopback, "C350", "2328", "    0", "0", -1},   /* nobody's any more */
        {loopback, "2328", "C350", " 4711", "99", -1},  /* our own end */
        {loopback, "C350", "2329", " 4711", "99", -1},  /* another connection */
        {mapped, "C350", "2328", "65534", "99", 65534}, /* by IPv6's means */
        {"0200007F", "C350", "2328", " 4711", "99", -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char ends[128];
        snprintf(ends, sizeof ends, "%s:%s %s:%s", rows[i].address, rows[i].local,
                 rows[i].address, rows[i].remote);
        snprintf(row, sizeof row, ROW("%s", "%s", "%s"), ends, rows[i].user, rows[i].inode);
        assert_int_equal(find(row), rows[i].expected);
    }
    assert_int_equal(find(""), -1);
    assert_int_equal(find("rubbish\n   1: 0100007F:C350"), -1);
}

/* A listener of this process, and a child's connection to it. */
struct meeting {
    int listener, accepted;
    pid_t child;
};

static void meet(struct meeting *meeting, uid_t user, bool leaves_at_once)
{
    struct sockaddr_in address = end_at(0);
    socklen_t size = sizeof address;
    int ready[2];

    meeting->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(meeting->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(meeting->listener, 1), 0);
    assert_int_equal(getsockname(meeting->listener, (struct sockaddr *)&address, &size), 0);
    assert_int_equal(pipe(ready), 0);
    meeting->child = fork();
    if (meeting->child == 0) {
        if (user != geteuid() && setuid(user) != 0)
            _exit(1);
        int fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(fd, (struct sockaddr *)&address, size) != 0)
            _exit(1);
        if (leaves_at_once)
            close(fd);
        write(ready[1], "", 1) == 1 ? pause() : 0;
        _exit(1);
    }
    close(ready[1]);
    char byte;
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    meeting->accepted = accept(meeting->listener, NULL, NULL);
    assert_true(meeting->accepted >= 0);
}

static void part(const struct meeting *meeting)
{
    kill(meeting->child, SIGKILL);
    waitpid(meeting->child, NULL, 0);
    close(meeting->accepted);
    close(meeting->listener);
}

static void a_peer_is_known(void **state)
{
    (void)state;
    struct error err;
    struct meeting meeting;
    uid_t expected = geteuid() == 0 ? OTHER : geteuid(), user = 0;

    assert_ok(peer_user_is_known(&err));
    meet(&meeting, expected, false);
    assert_true(peer_user(meeting.accepted, &user));
    assert_int_equal(user, expected);
    part(&meeting);
}

static void a_peer_that_has_let_go_is_nobody(void **state)
{
    (void)state;
    struct meeting meeting;
    uid_t user;

    meet(&meeting, geteuid(), true);
    assert_false(peer_user(meeting.accepted, &user));
    part(&meeting);
    assert_false(peer_user(-1, &user));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_are_read),
        cmocka_unit_test(a_peer_is_known),
        cmocka_unit_test(a_peer_that_has_let_go_is_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
