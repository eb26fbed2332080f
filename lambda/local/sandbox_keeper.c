/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox_keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Some of them: more are left for the next time. */
static bool kill_children(void)
{
    char bytes[4096];
    int fd = open("/proc/thread-self/children", O_RDONLY | O_CLOEXEC);
    ssize_t got = fd >= 0 ? read(fd, bytes, sizeof bytes - 1) : -1;

    close(fd);
    if (got < 0)
        return false;
    /* The last number may be cut off and be somebody else's. */
    while (got > 0 && bytes[got - 1] != ' ')
        got--;
    bytes[got] = '\0';
    char *at = bytes;
    for (long pid; (pid = strtol(at, &at, 10)) > 0;)
        kill((pid_t)pid, SIGKILL);
    return true;
}

static void end_everybody(pid_t program)
{
    kill(-program, SIGKILL);
    while (kill_children() && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
        ;
}

static _Noreturn void end_like(int status)
{
    static const struct rlimit no_core;

    if (WIFSIGNALED(status)) {
        sigset_t signals;
        sigemptyset(&signals);
        sigaddset(&signals, WTERMSIG(status));
        setrlimit(RLIMIT_CORE, &no_core);
        signal(WTERMSIG(status), SIG_DFL);
        sigprocmask(SIG_UNBLOCK, &signals, NULL);
        raise(WTERMSIG(status));
    }
    _exit(WEXITSTATUS(status));
}

static _Noreturn void keep(pid_t program, const sigset_t *signals)
{
    int status = 0;
    bool is_told = false, has_ended = false;

    while (!is_told && !has_ended) {
        is_told = sigwaitinfo(signals, NULL) == SIGTERM;
        for (pid_t pid; !has_ended && (pid = waitpid(-1, &status, WNOHANG)) > 0;)
            has_ended = pid == program;
    }
    end_everybody(program);
    end_like(has_ended ? status : SIGKILL);
}

void sandbox_keep(const struct sandbox_plan *plan)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGTERM);
    sigprocmask(SIG_SETMASK, &signals, NULL);
    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    prctl(PR_SET_PDEATHSIG, SIGTERM);

    /* Not the C library's fork(), which may wait for a lock another thread had. */
    pid_t program = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (program > 0) {
        syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0); /* the log's end among them */
        keep(program, &signals);
    }
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setsid();
    if (program < 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "start a process");
    if (fchdir(plan->root_fd) != 0 || chroot(".") != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "chroot");
}
