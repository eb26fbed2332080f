/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "oci/base/memory.h"

enum { BLOCK_BYTES = 4096, WRITE_WAIT_MS = 1000 };

struct terminal {
    int ours, programs; /* the two ends */
    int signal_fd;
    struct termios former;
    bool is_changed;
    bool has_input;
};

bool terminal_is_there(void)
{
    return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

static void copy_size(const struct terminal *terminal)
{
    struct winsize size;

    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        ioctl(terminal->ours, TIOCSWINSZ, &size);
}

static bool open_ends(struct terminal *terminal, struct error *err)
{
    char name[64];

    terminal->ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (terminal->ours < 0 || grantpt(terminal->ours) != 0 || unlockpt(terminal->ours) != 0 ||
        ptsname_r(terminal->ours, name, sizeof name) != 0)
        return error_set_errno(err, "make a terminal");
    terminal->programs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    return terminal->programs >= 0 || error_set_errno(err, "open the terminal '%s'", name);
}

/* Signals come by a descriptor, so that the terminal is given back before they end us. */
static bool watch_signals(struct terminal *terminal, struct error *err)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGWINCH);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    terminal->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
    return terminal->signal_fd >= 0 || error_set_errno(err, "watch signals");
}

bool terminal_open(struct terminal **out, struct error *err)
{
    owned(terminal) struct terminal *terminal = memory_new(1, sizeof *terminal);

    terminal->ours = terminal->programs = terminal->signal_fd = -1;
    terminal->has_input = true;
    if (!open_ends(terminal, err) || !watch_signals(terminal, err))
        return false;
    if (tcgetattr(STDIN_FILENO, &terminal->former) != 0)
        return error_set_errno(err, "ask the terminal");
    tcsetattr(terminal->programs, TCSANOW, &terminal->former);
    copy_size(terminal);

    struct termios raw = terminal->former;
    cfmakeraw(&raw);
    if (tcsetattr(STDIN_FILENO, TCSADRAIN, &raw) != 0)
        return error_set_errno(err, "change the terminal");
    terminal->is_changed = true;
    *out = take(&terminal);
    return true;
}

int terminal_fd(const struct terminal *terminal)
{
    return terminal->programs;
}

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        if (written < 0 && errno == EAGAIN) {
            struct pollfd writable = {.fd = fd, .events = POLLOUT};
            if (poll(&writable, 1, WRITE_WAIT_MS) == 0)
                return false; /* nobody reads it: better lost than stuck */
            continue;
        }
        if (written < 0 && errno != EINTR)
            return false;
        bytes += written > 0 ? written : 0;
        count -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

/* False at the end of either. */
static bool carry_block(int from, int to)
{
    char bytes[BLOCK_BYTES];
    ssize_t got = read(from, bytes, sizeof bytes);

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return true;
    return got > 0 && write_all(to, bytes, (size_t)got);
}

/* False when we are to end. */
static bool heed_signal(const struct terminal *terminal)
{
    struct signalfd_siginfo signal;

    if (read(terminal->signal_fd, &signal, sizeof signal) != (ssize_t)sizeof signal)
        return true;
    copy_size(terminal);
    return signal.ssi_signo == SIGWINCH;
}

/* What was printed last may still be on its way. */
static void carry_rest(const struct terminal *terminal)
{
    struct pollfd readable = {.fd = terminal->ours, .events = POLLIN};

    while (poll(&readable, 1, 0) > 0 && (readable.revents & POLLIN) &&
           carry_block(terminal->ours, STDOUT_FILENO))
        ;
}

void terminal_carry(struct terminal *terminal, int exit_fd)
{
    fcntl(terminal->ours, F_SETFL, O_RDWR | O_NONBLOCK);
    for (;;) {
        struct pollfd waits[] = {
            {.fd = terminal->ours, .events = POLLIN},
            {.fd = terminal->has_input ? STDIN_FILENO : -1, .events = POLLIN},
            {.fd = terminal->signal_fd, .events = POLLIN},
            {.fd = exit_fd, .events = POLLIN},
        };
        if (poll(waits, sizeof waits / sizeof *waits, -1) < 0)
            continue;
        if ((waits[2].revents && !heed_signal(terminal)) || waits[3].revents)
            break;
        if (waits[1].revents)
            terminal->has_input = carry_block(STDIN_FILENO, terminal->ours);
        if (waits[0].revents && !carry_block(terminal->ours, STDOUT_FILENO))
            break;
    }
    carry_rest(terminal);
}

void terminal_free(struct terminal *terminal)
{
    if (!terminal)
        return;
    if (terminal->is_changed)
        tcsetattr(STDIN_FILENO, TCSADRAIN, &terminal->former);
    close(terminal->ours);
    close(terminal->programs);
    close(terminal->signal_fd);
    free(terminal);
}
