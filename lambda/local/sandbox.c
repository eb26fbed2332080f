/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/local/sandbox_child.h"
#include "oci/base/environment.h"
#include "oci/base/memory.h"

enum { NOBODY = 65534 };

struct sandbox {
    pid_t pid; /* 0 once it has been waited for */
    int exit_fd;
    int status;
    struct rusage usage;
};

/* The ends of a pipe; -1 when closed. */
struct ends {
    int read_fd, write_fd;
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static inline void ends_cleanup(struct ends *ends)
{
    close_end(&ends->read_fd);
    close_end(&ends->write_fd);
}

static inline void fd_cleanup(int *fd)
{
    close_end(fd);
}

static bool open_pipe(struct ends *ends, struct error *err)
{
    int fds[2];

    if (pipe2(fds, O_CLOEXEC) != 0)
        return error_set_errno(err, "make a pipe");
    *ends = (struct ends){fds[0], fds[1]};
    return true;
}

/* --- the root ------------------------------------------------------------------------------
 */

/* Missing places are made; of others it matters only that they are there: what an image has
 * in the place of /etc/hosts may even be a link to nowhere. */
static bool make_place(int root, const char *name, bool is_folder, struct error *err)
{
    struct stat status;

    if (fstatat(root, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
        return true;
    if (is_folder) {
        if (mkdirat(root, name, 0755) == 0)
            return true;
    } else {
        owned(fd) int fd =
            openat(root, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
        if (fd >= 0)
            return true;
    }
    return error_set_errno(err, "make '/%s' in the image's files", name);
}

bool sandbox_prepare_root(const char *root, struct error *err)
{
    owned(fd) int folder = open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder < 0)
        return error_set_errno(err, "open '%.200s'", root);

    static const char *const folders[] = {"proc", "dev", "tmp", "sys", "etc"};
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
        if (!make_place(folder, folders[i], true, err))
            return false;

    owned(fd) int etc = openat(folder, "etc", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (etc < 0)
        return true; /* the image has its own idea of /etc */
    return make_place(etc, "resolv.conf", false, err) && make_place(etc, "hosts", false, err);
}

/* --- starting ------------------------------------------------------------------------------
 */

static bool write_word(pid_t pid, const char *name, const char *word)
{
    char path[64];

    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, name);
    owned(fd) int fd = open(path, O_WRONLY | O_CLOEXEC);
    return fd >= 0 && write(fd, word, strlen(word)) == (ssize_t)strlen(word);
}

static bool map_ids(pid_t pid, uid_t user, gid_t group)
{
    char users[48], groups[48];

    snprintf(users, sizeof users, "%d %u 1", SANDBOX_ID, user);
    snprintf(groups, sizeof groups, "%d %u 1", SANDBOX_ID, group);
    return write_word(pid, "uid_map", users) && write_word(pid, "gid_map", groups);
}

/* Root's functions become nobody. Everyone else's, and those of a root that may not choose,
 * are the caller's own; the kernel then wants groups to be left alone. */
static bool set_ids(pid_t pid, int log_fd)
{
    if (geteuid() == 0 && map_ids(pid, NOBODY, NOBODY))
        return fchown(log_fd, NOBODY, NOBODY) == 0; /* so that it may open /dev/stderr */
    return write_word(pid, "setgroups", "deny") && map_ids(pid, geteuid(), getegid());
}

/* Says which switch forbids user namespaces here; they differ in how they refuse. */
static bool explain_refusal(int reason, const char *what, struct error *err)
{
    const char *remedy =
        reason == ENOSPC ? "as root: sysctl -w user.max_user_namespaces=10000"
        : strcmp(what, "clone") == 0
            ? "as root: sysctl -w kernel.unprivileged_userns_clone=1; in a container: start it "
              "with --security-opt seccomp=unconfined; not possible in a chroot"
            : "as root: sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; in a "
              "container: start it with --security-opt seccomp=unconfined "
              "--security-opt apparmor=unconfined";

    return error_set(
        err, ERROR_DENIED,
        "this machine or container forbids user namespaces (%s: %s), without which "
        "functions do not run here; to allow them, %s. build, copy, inspect, and "
        "init and run on AWS, work all the same",
        what, strerror(reason), remedy);
}

static bool is_refusal(int reason)
{
    return reason == EPERM || reason == EACCES || reason == ENOSPC;
}

/* Waits for the program to begin, which closes the pipe, or to fail, which says why. */
static bool read_report(int fd, struct error *err)
{
    struct sandbox_failure failure;
    ssize_t got;

    do
        got = read(fd, &failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return true;
    if (got != (ssize_t)sizeof failure)
        return error_set(err, ERROR_SYSTEM, "start the sandbox: it ended at once");
    failure.what[sizeof failure.what - 1] = '\0';
    if (failure.step == STEP_NAMESPACE && is_refusal(failure.reason))
        return explain_refusal(failure.reason, failure.what, err);
    return error_set(err, failure.step == STEP_EXECUTE ? ERROR_INVALID : ERROR_SYSTEM, "%s: %s",
                     failure.what, strerror(failure.reason));
}

/* fork() into new namespaces; `*exit_fd` tells of the child's end. */
static pid_t clone_process(int *exit_fd)
{
    unsigned long flags = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWIPC | CLONE_PIDFD | SIGCHLD;

    return (pid_t)syscall(SYS_clone, flags, NULL, exit_fd, NULL, 0);
}

static bool start(struct sandbox *sandbox, struct sandbox_plan *plan, struct error *err)
{
    owned(ends) struct ends go = {-1, -1};
    owned(ends) struct ends report = {-1, -1};
    if (!open_pipe(&go, err) || !open_pipe(&report, err))
        return false;

    plan->go_fd = go.read_fd;
    plan->report_fd = report.write_fd;
    pid_t pid = clone_process(&sandbox->exit_fd);
    if (pid == 0) {
        close(go.write_fd); /* so that the parent's end is the only one */
        sandbox_child(plan);
    }
    if (pid < 0) {
        int reason = errno;
        sandbox->exit_fd = -1;
        if (is_refusal(reason) || reason == EINVAL || reason == ENOSYS)
            return explain_refusal(reason, "clone", err);
        return error_set_errno(err, "start a process");
    }
    sandbox->pid = pid;
    close_end(&report.write_fd);
    if (!set_ids(pid, plan->log_fd))
        return explain_refusal(errno, "set its ids", err);
    if (write(go.write_fd, "", 1) != 1)
        return error_set_errno(err, "start the sandbox");
    return read_report(report.read_fd, err);
}

bool sandbox_start(const struct sandbox_options *options, struct sandbox **out,
                   struct error *err)
{
    owned(fd) int root = open(options->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0)
        return error_set_errno(err, "open '%.200s'", options->root);

    struct sandbox_plan plan = {
        .root_fd = root,
        .log_fd = options->log_fd,
        .arguments = options->arguments,
        .environment = options->environment,
        .working_directory = options->working_directory,
        .path = environment_get(options->environment, "PATH"),
    };
    owned(sandbox) struct sandbox *sandbox = memory_new(1, sizeof *sandbox);
    sandbox->exit_fd = -1;
    if (!start(sandbox, &plan, err))
        return false;
    *out = take(&sandbox);
    return true;
}

int sandbox_exit_fd(const struct sandbox *sandbox)
{
    return sandbox->exit_fd;
}

long sandbox_peak_kib(const struct sandbox *sandbox)
{
    char path[64], line[256];
    long kib = 0;

    snprintf(path, sizeof path, "/proc/%d/status", (int)sandbox->pid);
    FILE *status = fopen(path, "re");
    while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %ld", &kib) != 1)
        ;
    if (status)
        fclose(status);
    return kib;
}

void sandbox_end(struct sandbox *sandbox, int *status, struct rusage *usage)
{
    if (sandbox->pid > 0) {
        kill(sandbox->pid, SIGKILL); /* pid 1's end is everybody's in there */
        while (wait4(sandbox->pid, &sandbox->status, 0, &sandbox->usage) < 0 && errno == EINTR)
            ;
        sandbox->pid = 0;
    }
    if (status)
        *status = sandbox->status;
    if (usage)
        *usage = sandbox->usage;
}

void sandbox_free(struct sandbox *sandbox)
{
    if (!sandbox)
        return;
    sandbox_end(sandbox, NULL, NULL);
    close_end(&sandbox->exit_fd);
    free(sandbox);
}
