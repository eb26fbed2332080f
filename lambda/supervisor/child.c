/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lambda/supervisor/reaper.h"
#include "oci/base/memory.h"

enum {
    CHUNK = 64 * 1024,
    LEFT_IN_PIPE_LIMIT = 4 * 1024 * 1024, /* no pipe holds more */
};

/* Between here and the program: what it inherits besides the environment. */
struct pipes {
    int input;
    int output[2];  /* its stdout, and its stderr unless that has its own */
    int errors[2];  /* its stderr; -1: it has none of its own */
    int failure[2]; /* closed by a successful execve(), or carries its errno */
    int signals;    /* those that are passed on to it; -1: none */
};

static const struct pipes NO_PIPES = {-1, {-1, -1}, {-1, -1}, {-1, -1}, -1};

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_pipe(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void pipes_cleanup(struct pipes *pipes)
{
    close_pipe(&pipes->input);
    for (int end = 0; end < 2; end++) {
        close_pipe(&pipes->output[end]);
        close_pipe(&pipes->errors[end]);
        close_pipe(&pipes->failure[end]);
    }
    close_pipe(&pipes->signals);
}

static bool open_input(const struct child *child, struct pipes *pipes, struct error *err)
{
    pipes->input = open(child->input ? child->input : "/dev/null", O_RDONLY | O_CLOEXEC);
    if (pipes->input < 0 && child->input)
        return error_set_errno(err, "open '%.200s'", child->input);
    if (pipes->input < 0) {
        int nobody[2]; /* a pipe nobody writes to does as well */
        if (pipe2(nobody, O_CLOEXEC) != 0)
            return error_set_errno(err, "make a pipe");
        close(nobody[1]);
        pipes->input = nobody[0];
    }
    return true;
}

static bool pipes_open(const struct child *child, struct pipes *pipes, struct error *err)
{
    if (!open_input(child, pipes, err))
        return false;
    if (pipe2(pipes->failure, O_CLOEXEC) != 0 ||
        (child->output && pipe2(pipes->output, O_CLOEXEC) != 0) ||
        (child->errors && pipe2(pipes->errors, O_CLOEXEC) != 0))
        return error_set_errno(err, "make a pipe");
    if (child->output)
        fcntl(pipes->output[0], F_SETFL, O_NONBLOCK);
    if (child->errors)
        fcntl(pipes->errors[0], F_SETFL, O_NONBLOCK);
    return true;
}

/* In the new process, which has our memory until it is another program: it changes none of it.
 */
_Noreturn static void become(const struct child *child, const struct pipes *pipes,
                             const sigset_t *signals)
{
    setsid();
    signal(SIGPIPE, SIG_DFL);
    signal(SIGCHLD, SIG_DFL);
    sigprocmask(SIG_SETMASK, signals, NULL);
    dup2(pipes->input, STDIN_FILENO);
    if (child->output)
        dup2(pipes->output[1], STDERR_FILENO);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (child->errors)
        dup2(pipes->errors[1], STDERR_FILENO);

    execve(child->program->path, child->program->arguments, child->environment);

    int reason = errno;
    ssize_t written = write(pipes->failure[1], &reason, sizeof reason);
    _exit(written == sizeof reason ? 126 : 127);
}

static bool cannot_start(const char *path, int reason, struct error *err)
{
    switch (reason) {
    case ENOENT: /* the file was seen just now */
        return error_set(err, ERROR_INVALID,
                         "'%.200s' cannot start: the image lacks the loader or interpreter it "
                         "asks for",
                         path);
    case ENOEXEC:
        return error_set(err, ERROR_INVALID,
                         "'%.200s' cannot start: it is neither a program for this machine's "
                         "architecture nor a script that names its interpreter (#!)",
                         path);
    case E2BIG:
        return error_set(err, ERROR_LIMIT,
                         "'%.200s' cannot start: its arguments and environment are too large",
                         path);
    default:
        errno = reason;
        return error_set_errno(err, "'%.200s' cannot start", path);
    }
}

static bool start(const struct child *child, struct pipes *pipes, const sigset_t *signals,
                  pid_t *pid, struct error *err)
{
    /* Copying no memory, not even tables of it, halves what starting costs. Where QEMU or an
     * old musl make a fork() of it, nothing but that is lost. */
    *pid = vfork();
    if (*pid < 0)
        return error_set_errno(err, "start a process");
    if (*pid == 0)
        become(child, pipes, signals);
    close_pipe(&pipes->output[1]);
    close_pipe(&pipes->errors[1]);
    close_pipe(&pipes->failure[1]);

    int reason = 0;
    ssize_t count;
    do
        count = read(pipes->failure[0], &reason, sizeof reason);
    while (count < 0 && errno == EINTR);
    if (count <= 0)
        return true;
    waitpid(*pid, NULL, 0);
    return cannot_start(child->program->path, reason, err);
}

/* Takes what is in the pipe, at most one chunk. The bytes taken; 0 when there are none
 *  now, and at the end, when the pipe is closed. */
static size_t take_output(int *pipe, struct output *output)
{
    char chunk[CHUNK];
    ssize_t count = read(*pipe, chunk, sizeof chunk);

    if (count < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    if (count <= 0) {
        close_pipe(pipe);
        return 0;
    }
    output_add(output, chunk, (size_t)count);
    return (size_t)count;
}

/* What the dead have left in the pipe. */
static void take_rest(int *pipe, struct output *output)
{
    size_t count = 1;

    for (size_t sum = 0; count > 0 && sum < LEFT_IN_PIPE_LIMIT; sum += count)
        count = *pipe >= 0 ? take_output(pipe, output) : 0;
    if (output)
        output_end_line(output);
}

static void pass_signal(const struct pipes *pipes, pid_t pid)
{
    struct signalfd_siginfo info;

    if (read(pipes->signals, &info, sizeof info) == sizeof info)
        kill(-pid, (int)info.ssi_signo);
}

/* Until the program has ended, or its time. */
static void attend(const struct child *child, pid_t pid, struct pipes *pipes,
                   const sigset_t *signals, struct child_result *result)
{
    int64_t end_ms = now_ms() + child->limit_ms;

    while (!reaper_has_ended(pid)) {
        int64_t left_ms = child->limit_ms > 0 ? end_ms - now_ms() : 60 * 1000;
        if (left_ms <= 0) {
            result->timed_out = true;
            return;
        }
        struct pollfd polled[] = {
            {.fd = pipes->output[0], .events = POLLIN},
            {.fd = pipes->errors[0], .events = POLLIN},
            {.fd = pipes->signals, .events = POLLIN},
        };
        struct timespec wait = {.tv_sec = left_ms / 1000, .tv_nsec = left_ms % 1000 * 1000000};
        if (ppoll(polled, 3, &wait, signals) <= 0)
            continue;
        if (polled[0].revents)
            take_output(&pipes->output[0], child->output);
        if (polled[1].revents)
            take_output(&pipes->errors[0], child->errors);
        if (polled[2].revents)
            pass_signal(pipes, pid);
    }
}

static void wake(int signal)
{
    (void)signal;
}

/* SIGCHLD comes through only while waiting; others, where they are meant for the program, in
 * `pipes->signals`. */
static void block_signals(const struct child *child, struct pipes *pipes, sigset_t *before,
                          sigset_t *while_waiting)
{
    struct sigaction action = {.sa_handler = wake}; /* ignored, it would not end ppoll() */
    sigset_t passed, blocked;

    sigaction(SIGCHLD, &action, NULL);
    sigemptyset(&passed);
    if (child->passes_signals) {
        sigaddset(&passed, SIGTERM);
        sigaddset(&passed, SIGINT);
        sigaddset(&passed, SIGHUP);
        pipes->signals = signalfd(-1, &passed, SFD_CLOEXEC);
    }
    blocked = passed;
    sigaddset(&blocked, SIGCHLD);
    sigprocmask(SIG_BLOCK, &blocked, before);
    sigorset(while_waiting, before, &passed);
}

bool child_start(const struct child *child, pid_t *pid, struct error *err)
{
    owned(pipes) struct pipes pipes = NO_PIPES;
    sigset_t signals;

    sigprocmask(SIG_SETMASK, NULL, &signals);
    return pipes_open(child, &pipes, err) && start(child, &pipes, &signals, pid, err);
}

bool child_run(const struct child *child, struct child_result *out, struct error *err)
{
    owned(pipes) struct pipes pipes = NO_PIPES;
    if (!pipes_open(child, &pipes, err))
        return false;

    sigset_t before, while_waiting;
    block_signals(child, &pipes, &before, &while_waiting);
    reaper_adopt();

    pid_t pid;
    bool started = start(child, &pipes, &before, &pid, err);
    if (started) {
        attend(child, pid, &pipes, &while_waiting, out);
        int status = 0;
        if (!reaper_end(pid, &status))
            log_line(child->log_level, LOG_WARNING,
                     "Some processes of the user script cannot be killed");
        out->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
        out->exit_code = out->signal ? 128 + out->signal : WEXITSTATUS(status);
        take_rest(&pipes.output[0], child->output);
        take_rest(&pipes.errors[0], child->errors);
    }
    sigprocmask(SIG_SETMASK, &before, NULL);
    return started;
}
