/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "oci/base/environment.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { LOOK_MS = 5 }; /* how often we look whether a silent program has ended */

static bool is_program(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISREG(status.st_mode) && access(path, X_OK) == 0;
}

char *program_find(const char *const *environment, const char *name)
{
    const char *folders = environment_get(environment, "PATH");

    while (folders && *folders) {
        size_t length = strcspn(folders, ":");
        owned(memory) char *path = text_format("%.*s/%s", (int)length, folders, name);
        if (length > 0 && is_program(path))
            return take(&path);
        folders += length + (folders[length] == ':');
    }
    return NULL;
}

static int64_t now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

#define owned_fd __attribute__((cleanup(close_fd)))

/* A file without a name, so that neither a full pipe nor a reader who left can stop us. */
static int open_input(const char *input)
{
    int fd = memfd_create("input", MFD_CLOEXEC);
    size_t left = input ? strlen(input) : 0;

    while (fd >= 0 && left > 0) {
        ssize_t written = write(fd, input, left);
        if (written < 0) {
            close(fd);
            return -1;
        }
        input += written;
        left -= (size_t)written;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

/* With stdin and stdout as given, and signals as a program expects them. */
static int spawn(const struct program *program, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;

    sigemptyset(&none);
    sigemptyset(&usual);
    sigaddset(&usual, SIGPIPE);
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out, STDOUT_FILENO);
    posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int failure =
        posix_spawn(pid, program->path, &files, &attributes, (char *const *)program->arguments,
                    (char *const *)program->environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&files);
    return failure;
}

static bool wait_readable(int fd, int wait_ms)
{
    struct pollfd poll_fd = {.fd = fd, .events = POLLIN};

    return poll(&poll_fd, fd >= 0, wait_ms) > 0;
}

/* Reads until the program has ended and nothing is left: somebody it started may hold stdout
 * open for longer. */
static bool listen_to(const struct program *program, pid_t pid, int out, struct text *output,
                      int *status, struct error *err)
{
    int64_t end = now_ms() + program->limit_ms;
    char buffer[4096];
    bool ended = false;

    for (;;) {
        if (wait_readable(out, ended ? 0 : LOOK_MS)) {
            ssize_t got = read(out, buffer, sizeof buffer);
            if (got > 0 && (size_t)got > program->output_limit - output->length)
                return error_set(err, ERROR_LIMIT, "it says more than %zu bytes",
                                 program->output_limit);
            if (got > 0)
                text_add_bytes(output, buffer, (size_t)got);
            else
                out = -1;
        } else if (ended) {
            return true;
        }
        ended = ended || waitpid(pid, status, WNOHANG) == pid;
        if (!ended && now_ms() >= end)
            return error_set(err, ERROR_LIMIT, "it takes longer than %u seconds",
                             (program->limit_ms + 999) / 1000);
    }
}

bool program_run(const struct program *program, char **output, size_t *count, int *status,
                 struct error *err)
{
    owned(text) struct text said = {0};
    int ends[2];
    pid_t pid;
    int result = 0;

    owned_fd int input = open_input(program->input);
    if (input < 0 || pipe2(ends, O_CLOEXEC) != 0)
        return error_set_errno(err, "run '%.200s'", program->path);
    owned_fd int out = ends[0];
    int failure = spawn(program, input, ends[1], &pid);
    close(ends[1]);
    if (failure != 0) {
        errno = failure;
        return error_set_errno(err, "run '%.200s'", program->path);
    }
    if (!listen_to(program, pid, out, &said, &result, err)) {
        kill(pid, SIGKILL);
        while (waitpid(pid, &result, 0) < 0 && errno == EINTR)
            ;
        return error_wrap(err, "run '%.200s'", program->path);
    }
    *status = WIFEXITED(result) ? WEXITSTATUS(result) : 128 + WTERMSIG(result);
    *count = said.length;
    *output = text_take(&said);
    return true;
}
