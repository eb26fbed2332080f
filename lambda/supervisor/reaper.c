/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/reaper.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    END_LIMIT_MS = 2000,
    PAUSE_MS = 2,
};

void reaper_adopt(void)
{
    prctl(PR_SET_CHILD_SUBREAPER, 1L);
}

bool reaper_has_ended(pid_t leader)
{
    for (;;) {
        siginfo_t info = {0};
        if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0)
            return false;
        if (info.si_pid == leader)
            return true;
        waitpid(info.si_pid, NULL, 0);
    }
}

/* The parent of a process: the second field after its name, which may hold any character. */
static pid_t parent_of(const char *pid)
{
    char path[64];
    char line[1024];
    snprintf(path, sizeof path, "/proc/%.20s/stat", pid);

    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t count = read(fd, line, sizeof line - 1);
    close(fd);
    line[count > 0 ? count : 0] = '\0';

    const char *name_end = strrchr(line, ')');
    return name_end && strlen(name_end) > 4 ? (pid_t)strtol(name_end + 4, NULL, 10) : 0;
}

static void kill_children(void)
{
    DIR *processes = opendir("/proc");
    if (!processes)
        return;

    const struct dirent *entry;
    while ((entry = readdir(processes))) {
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid > 0 && parent_of(entry->d_name) == getpid())
            kill(pid, SIGKILL);
    }
    closedir(processes);
}

bool reaper_end(pid_t leader, int *status)
{
    kill(-leader, SIGKILL);

    for (int waited_ms = 0; waited_ms < END_LIMIT_MS; waited_ms += PAUSE_MS) {
        int ended_status;
        pid_t ended;
        while ((ended = waitpid(-1, &ended_status, WNOHANG)) > 0)
            if (ended == leader)
                *status = ended_status;
        if (ended < 0 && errno == ECHILD)
            return true;
        kill_children();
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
    }
    return false;
}
