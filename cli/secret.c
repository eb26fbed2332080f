/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/secret.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { SECRET_LIMIT = 64 * 1024 }; /* bytes */

bool secret_can_ask(void)
{
    return isatty(STDIN_FILENO);
}

/* A terminal gives one line, a pipe everything. */
static bool read_text(bool one_line, struct text *out, struct error *err)
{
    char buffer[1024];

    while (!one_line || !memchr(text_string(out), '\n', out->length)) {
        ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set_errno(err, "read from stdin");
        if (got == 0)
            break;
        if ((size_t)got > SECRET_LIMIT - out->length)
            return error_set(err, ERROR_LIMIT, "stdin has more than %d bytes", SECRET_LIMIT);
        text_add_bytes(out, buffer, (size_t)got);
    }
    return true;
}

/* Until there is a line to read, or a signal, which is left pending. */
static void wait_for_line(const sigset_t *signals)
{
    struct pollfd events[] = {
        {.fd = STDIN_FILENO, .events = POLLIN},
        {.fd = signalfd(-1, signals, SFD_CLOEXEC), .events = POLLIN},
    };

    while (poll(events, 2, -1) < 0 && errno == EINTR)
        ;
    if (events[1].fd >= 0)
        close(events[1].fd);
}

/* Signals wait while the terminal is not as it was: then they end us as they always do. */
static bool ask(const char *question, bool hidden, struct text *out, struct error *err)
{
    struct termios before;
    sigset_t signals;
    sigset_t mask;

    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return error_set_errno(err, "ask at the terminal");
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGTSTP);
    pthread_sigmask(SIG_BLOCK, &signals, &mask);

    struct termios during = before;
    if (hidden)
        during.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &during);
    fputs(question, stderr);
    fflush(stderr);
    wait_for_line(&signals);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
    if (hidden)
        fputc('\n', stderr);
    pthread_sigmask(SIG_SETMASK, &mask, NULL);
    return read_text(true, out, err);
}

bool secret_read(const char *question, bool hidden, char **out, struct error *err)
{
    owned(text) struct text text = {0};
    bool read =
        secret_can_ask() ? ask(question, hidden, &text, err) : read_text(false, &text, err);

    if (!read)
        return false;
    owned(memory) char *line = text_take(&text);
    size_t length = strcspn(line, "\r\n");
    if (length == 0)
        return error_set(err, ERROR_USAGE, "stdin is empty where a line is expected");
    if (line[length + strspn(line + length, "\r\n")] != '\0')
        return error_set(err, ERROR_USAGE, "stdin has more than one line");
    line[length] = '\0';
    *out = take(&line);
    return true;
}
