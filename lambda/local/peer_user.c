/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/peer_user.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

/* Rows move while the table is read, and one may be passed over. */
enum { TRIES = 4 };

/* A program whose sockets are of IPv6 connects with IPv4's addresses from there. */
static const char *const TABLES[] = {"/proc/net/tcp", "/proc/net/tcp6"};

/* Addresses are numbers as they are in memory; IPv6's have four, of which IPv4's is the last.
 */
static bool take_end(const char **at, const struct sockaddr_in *expected)
{
    char plain[16], mapped[48];

    snprintf(plain, sizeof plain, "%08" PRIX32 ":%04X ", expected->sin_addr.s_addr,
             ntohs(expected->sin_port));
    snprintf(mapped, sizeof mapped, "0000000000000000%08" PRIX32 "%s", htonl(0xFFFF), plain);
    const char *found = strncmp(*at, mapped, strlen(mapped)) == 0 ? mapped : plain;
    if (strncmp(*at, found, strlen(found)) != 0)
        return false;
    *at += strlen(found);
    return true;
}

bool peer_user_find(FILE *table, const struct sockaddr_in *local,
                    const struct sockaddr_in *remote, uid_t *out)
{
    char line[512];

    while (fgets(line, sizeof line, table)) {
        const char *at = strstr(line, ": "); /* after the row's number */
        unsigned long inode;
        unsigned int user;
        if (!at || (at += 2, !take_end(&at, local)) || !take_end(&at, remote))
            continue;
        if (sscanf(at, "%*x %*x:%*x %*x:%*x %*x %u %*d %lu", &user, &inode) != 2 || inode == 0)
            continue;
        *out = user;
        return true;
    }
    return false;
}

static bool find_once(const struct sockaddr_in *local, const struct sockaddr_in *remote,
                      uid_t *out)
{
    bool found = false;

    for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES && !found; i++) {
        FILE *table = fopen(TABLES[i], "re");
        found = table && peer_user_find(table, local, remote, out);
        if (table)
            fclose(table);
    }
    return found;
}

bool peer_user(int fd, uid_t *out)
{
    struct sockaddr_in own, peer;
    socklen_t own_size = sizeof own, peer_size = sizeof peer;
    bool found = false;

    if (getsockname(fd, (struct sockaddr *)&own, &own_size) != 0 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_size) != 0 || own.sin_family != AF_INET)
        return false;
    for (int i = 0; i < TRIES && !found; i++)
        found = find_once(&peer, &own, out);
    /* Still connected: so the port has not become somebody else's meanwhile. */
    return found && getpeername(fd, (struct sockaddr *)&peer, &peer_size) == 0;
}

bool peer_user_is_known(struct error *err)
{
    FILE *table = fopen(TABLES[0], "re");

    if (!table)
        return error_set_errno(err, "read '%s', where it is seen who asks for events",
                               TABLES[0]);
    fclose(table);
    return true;
}
