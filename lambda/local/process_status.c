/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/process_status.h"

#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_LIMIT = 64 };

bool process_status_read(pid_t pid, const char *name, long *out)
{
    const size_t length = strlen(name);
    char path[64], line[256];
    bool found = false;

    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *status = fopen(path, "re");
    while (status && !found && fgets(line, sizeof line, status))
        found = strncmp(line, name, length) == 0 && sscanf(line + length, "%ld", out) == 1;
    if (status)
        fclose(status);
    return found;
}

static long add_tree(pid_t pid, int depth);

/* A thread's children. */
static long add_children(pid_t pid, const char *thread, int depth)
{
    char path[64 + NAME_MAX];
    long kib = 0;
    int child;

    snprintf(path, sizeof path, "/proc/%d/task/%s/children", (int)pid, thread);
    FILE *children = fopen(path, "re");
    while (children && fscanf(children, "%d", &child) == 1)
        kib += add_tree(child, depth + 1);
    if (children)
        fclose(children);
    return kib;
}

static long add_tree(pid_t pid, int depth)
{
    char path[64];
    long kib = 0;

    process_status_read(pid, "VmHWM:", &kib);
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *threads = depth < DEPTH_LIMIT ? opendir(path) : NULL;
    for (const struct dirent *entry; threads && (entry = readdir(threads));)
        if (entry->d_name[0] != '.')
            kib += add_children(pid, entry->d_name, depth);
    if (threads)
        closedir(threads);
    return kib;
}

long process_status_peak_kib(pid_t pid)
{
    return add_tree(pid, 0);
}
