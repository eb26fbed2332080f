/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/memory_limit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { REMOVAL_TRIES = 100, REMOVAL_WAIT_NS = 5 * 1000 * 1000 };

#define GROUP_PREFIX "skiff-"

/* The two kinds of control groups, each with its line in /proc/self/cgroup. */
static const struct kind {
    const char *line, *mount, *limit, *peak;
    bool has_events; /* that have to be asked for */
} KINDS[] = {
    {"0::", "/sys/fs/cgroup", "memory.max", "memory.peak", false},
    {"memory:", "/sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes",
     true},
};

static bool write_word(const char *folder, const char *name, const char *word)
{
    owned(memory) char *path = text_format("%s/%s", folder, name);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    bool written = fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);

    if (fd >= 0)
        close(fd);
    return written;
}

/* Our own group: what follows `kind->line` in /proc/self/cgroup; a new string, or NULL. */
static char *own_group(const struct kind *kind)
{
    char line[4096];
    char *found = NULL;
    FILE *file = fopen("/proc/self/cgroup", "re");

    while (file && !found && fgets(line, sizeof line, file)) {
        const char *at = kind->line[0] == '0' ? line : strchr(line, ':');
        at += at && *at == ':';
        if (!at || strncmp(at, kind->line, strlen(kind->line)) != 0)
            continue;
        const char *path = at + strlen(kind->line);
        found = text_format("%s%.*s", kind->mount, (int)strcspn(path, "\n"), path);
    }
    if (file)
        fclose(file);
    return found;
}

/* Groups of those who were killed before they could remove them. */
static void remove_left(const char *folder)
{
    DIR *groups = opendir(folder);

    for (const struct dirent *entry; groups && (entry = readdir(groups));) {
        int owner;
        if (sscanf(entry->d_name, GROUP_PREFIX "%d-", &owner) != 1 || kill(owner, 0) == 0 ||
            errno != ESRCH)
            continue;
        owned(memory) char *left = text_format("%s/%s", folder, entry->d_name);
        rmdir(left); /* not while anybody is in it */
    }
    if (groups)
        closedir(groups);
}

/* Readable when somebody in the group is about to be ended for memory; -1: nobody says. */
static int watch_group(const char *group)
{
    owned(memory) char *path = text_format("%s/memory.oom_control", group);
    int control = open(path, O_RDONLY | O_CLOEXEC);
    int event = control >= 0 ? eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1;
    char words[32];

    snprintf(words, sizeof words, "%d %d", event, control);
    if (event >= 0 && !write_word(group, "cgroup.event_control", words)) {
        close(event);
        event = -1;
    }
    if (control >= 0)
        close(control);
    return event;
}

static bool try_folder(const struct kind *kind, const char *folder, pid_t pid, int limit_mib,
                       struct memory_limit *out)
{
    char limit[32], member[16];
    owned(memory) char *fresh =
        text_format("%s/" GROUP_PREFIX "%d-%d", folder, (int)getpid(), (int)pid);

    snprintf(limit, sizeof limit, "%lld", (long long)limit_mib << 20);
    snprintf(member, sizeof member, "%d", (int)pid);
    remove_left(folder);
    if (mkdir(fresh, 0755) != 0)
        return false;
    if (!write_word(fresh, kind->limit, limit) || !write_word(fresh, "cgroup.procs", member)) {
        rmdir(fresh);
        return false;
    }
    out->exceeded_fd = kind->has_events ? watch_group(fresh) : -1;
    /* Lambda has no swap, and ends everybody together. Not each kernel has these. */
    write_word(fresh, "memory.oom.group", "1");
    write_word(fresh, "memory.swap.max", "0");
    out->group = take(&fresh);
    return true;
}

bool memory_limit_set(pid_t pid, int limit_mib, struct memory_limit *out, struct error *err)
{
    for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
        owned(memory) char *folder = own_group(&KINDS[i]);
        size_t mount = strlen(KINDS[i].mount);
        /* Groups with processes of their own may have none below them: then above. */
        while (folder && strlen(folder) >= mount) {
            if (try_folder(&KINDS[i], folder, pid, limit_mib, out))
                return true;
            *strrchr(folder, '/') = '\0';
        }
    }
    return error_set(err, ERROR_DENIED,
                     "this machine lets nobody like us limit memory (cgroups)");
}

long memory_limit_peak_kib(const struct memory_limit *limit)
{
    unsigned long long bytes = 0;

    for (size_t i = 0; limit->group && bytes == 0 && i < sizeof KINDS / sizeof *KINDS; i++) {
        owned(memory) char *path = text_format("%s/%s", limit->group, KINDS[i].peak);
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%llu", &bytes) != 1)
            bytes = 0;
        if (file)
            fclose(file);
    }
    return (long)(bytes >> 10);
}

void memory_limit_remove(struct memory_limit *limit)
{
    const struct timespec wait = {.tv_nsec = REMOVAL_WAIT_NS};

    /* The last process is on its way out for a moment after it is gone for everybody else. */
    for (int tries = 0;
         limit->group && rmdir(limit->group) != 0 && errno == EBUSY && tries < REMOVAL_TRIES;
         tries++)
        nanosleep(&wait, NULL);
    if (limit->group && limit->exceeded_fd >= 0)
        close(limit->exceeded_fd);
    free(limit->group);
    *limit = (struct memory_limit){0};
}
