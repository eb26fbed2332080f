/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox_ids.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/local/sandbox.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"

enum { NOBODY = 65534, SUBORDINATE_FILE_LIMIT = 1024 * 1024, MAP_LENGTH = 96 };

static bool line_is_for(const char *line, const char *who)
{
    size_t length = strlen(who);

    return strncmp(line, who, length) == 0 && line[length] == ':';
}

bool subordinate_id_find(const char *text, const char *name, uid_t user, uint32_t *out)
{
    char number[16];

    snprintf(number, sizeof number, "%u", user);
    for (const char *line = text; *line;) {
        size_t length = strcspn(line, "\n");
        unsigned long long start, count;
        if (((name && *name && line_is_for(line, name)) || line_is_for(line, number)) &&
            sscanf(memchr(line, ':', length), ":%llu:%llu", &start, &count) == 2 && count > 0 &&
            start > 0 && start < UINT32_MAX) {
            *out = (uint32_t)start;
            return true;
        }
        line += length + (line[length] == '\n');
    }
    return false;
}

static bool write_file(int folder, const char *path, const char *text)
{
    int fd = openat(folder, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    int reason = errno;
    close(fd);
    errno = reason;
    return written;
}

static bool write_map(pid_t pid, const char *name, const char *map)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    return write_file(AT_FDCWD, path, map);
}

static bool set_roots(pid_t pid, struct error *err)
{
    char map[MAP_LENGTH];

    snprintf(map, sizeof map, "0 0 1\n%d %d 1\n", SANDBOX_ID, NOBODY);
    return (write_map(pid, "uid_map", map) && write_map(pid, "gid_map", map)) ||
           error_set_errno(err, "set its ids");
}

/* The kernel wants groups to be left alone where nobody privileged sets the ids. */
static bool set_callers(pid_t pid, int inside, struct error *err)
{
    char users[MAP_LENGTH], groups[MAP_LENGTH];

    snprintf(users, sizeof users, "%d %u 1", inside, geteuid());
    snprintf(groups, sizeof groups, "%d %u 1", inside, getegid());
    return (write_map(pid, "setgroups", "deny") && write_map(pid, "uid_map", users) &&
            write_map(pid, "gid_map", groups)) ||
           error_set_errno(err, "set its ids");
}

/* --- subordinate ids -----------------------------------------------------------------------
 */

static bool find_subordinate(const char *path, const char *name, uint32_t *out,
                             struct error *err)
{
    owned(memory) char *text = NULL;
    size_t count;

    if (!file_read(path, SUBORDINATE_FILE_LIMIT, &text, &count, err))
        return false;
    return subordinate_id_find(text, name, geteuid(), out) ||
           error_set(err, ERROR_NOT_FOUND, "'%s' has nothing for this user", path);
}

/* Runs newuidmap or newgidmap, which may do what we may not. */
static bool run_helper(const char *program, pid_t pid, unsigned int own, uint32_t subordinate,
                       struct error *err)
{
    char process[16], own_text[16], subordinate_text[16], inside[16], path[64];
    snprintf(process, sizeof process, "%d", (int)pid);
    snprintf(own_text, sizeof own_text, "%u", own);
    snprintf(subordinate_text, sizeof subordinate_text, "%u", subordinate);
    snprintf(inside, sizeof inside, "%d", SANDBOX_ID);
    snprintf(path, sizeof path, "/usr/bin/%s", program);
    if (access(path, X_OK) != 0) /* where NixOS keeps what has privileges */
        snprintf(path, sizeof path, "/run/wrappers/bin/%s", program);
    const char *const arguments[] = {path,   process,          "0", own_text, "1",
                                     inside, subordinate_text, "1", NULL};
    char *const environment[] = {NULL};
    posix_spawn_file_actions_t quietly;
    pid_t helper;
    int status = -1;

    posix_spawn_file_actions_init(&quietly);
    posix_spawn_file_actions_addopen(&quietly, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addopen(&quietly, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    errno = posix_spawn(&helper, path, &quietly, NULL, (char *const *)arguments, environment);
    posix_spawn_file_actions_destroy(&quietly);
    if (errno != 0)
        return error_set_errno(err, "start '%s'", path);
    while (waitpid(helper, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 || error_set(err, ERROR_DENIED, "'%s' refuses", path);
}

static bool set_subordinate(pid_t pid, struct error *err)
{
    char bytes[4096];
    struct passwd entry, *user = NULL;
    uint32_t user_id, group_id;

    getpwuid_r(geteuid(), &entry, bytes, sizeof bytes, &user);
    const char *name = user ? user->pw_name : NULL;
    return find_subordinate("/etc/subuid", name, &user_id, err) &&
           find_subordinate("/etc/subgid", name, &group_id, err) &&
           run_helper("newuidmap", pid, geteuid(), user_id, err) &&
           run_helper("newgidmap", pid, getegid(), group_id, err);
}

bool sandbox_ids_set(enum sandbox_ids ids, pid_t pid, struct error *err)
{
    switch (ids) {
    case SANDBOX_IDS_ROOTS:
        return set_roots(pid, err);
    case SANDBOX_IDS_SUBORDINATE:
        return set_subordinate(pid, err);
    case SANDBOX_IDS_CALLERS:
        return set_callers(pid, SANDBOX_ID, err);
    case SANDBOX_IDS_NESTED:
        return set_callers(pid, 0, err);
    case SANDBOX_IDS_REAL:
        break;
    }
    return true;
}

bool sandbox_ids_nest(int proc)
{
    char map[MAP_LENGTH];

    snprintf(map, sizeof map, "%d 0 1", SANDBOX_ID);
    return unshare(CLONE_NEWUSER) == 0 && write_file(proc, "self/setgroups", "deny") &&
           write_file(proc, "self/uid_map", map) && write_file(proc, "self/gid_map", map);
}
