/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/keyctl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lambda/local/sandbox.h"
#include "lambda/local/sandbox_filter.h"
#include "lambda/local/sandbox_keeper.h"

/* Linux 5.2; the headers of older C libraries lack the names. */
enum {
    TREE_CLONE = 1,        /* OPEN_TREE_CLONE */
    CREATE_MOUNT = 6,      /* FSCONFIG_CMD_CREATE */
    TREE_WHOLE = 0x8000,   /* AT_RECURSIVE */
    MOVE_OPEN_TREE = 0x14, /* MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS */
};

/* What of the host is shown inside. A file that one side lacks is left out. */
static const char *const SHOWN[] = {
    "/dev/null",    "/dev/zero", "/dev/full",        "/dev/random",
    "/dev/urandom", "/dev/tty",  "/etc/resolv.conf", "/etc/hosts",
};
enum { SHOWN_COUNT = sizeof SHOWN / sizeof *SHOWN, DEVICES = 6, TERMINAL = 5 };

static const char *const DEVICE_LINKS[][2] = {
    {"/proc/self/fd", "/dev/fd"},
    {"/proc/self/fd/0", "/dev/stdin"},
    {"/proc/self/fd/1", "/dev/stdout"},
    {"/proc/self/fd/2", "/dev/stderr"},
};

void sandbox_give_up(const struct sandbox_plan *plan, enum sandbox_step step,
                     const char *format, ...)
{
    struct sandbox_failure failure = {.step = step, .reason = errno};
    va_list args;

    va_start(args, format);
    vsnprintf(failure.what, sizeof failure.what, format, args);
    va_end(args);
    /* Less than PIPE_BUF: written whole or, with the parent gone, not at all. */
    ssize_t written = write(plan->report_fd, &failure, sizeof failure);
    _exit(written > 0 ? 127 : 126);
}

/* Waits until the parent has set the ids. */
static void wait_for_go(const struct sandbox_plan *plan)
{
    char go;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (read(plan->go_fd, &go, 1) != 1)
        _exit(126); /* the parent has its own reason or is gone */
}

static void enter_namespaces(const struct sandbox_plan *plan)
{
    /* Into the root before the new mounts, so that it is known without its path: folders
     * above it may be closed to whom we become. */
    if (fchdir(plan->root_fd) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "enter the image's files");
    if (unshare(CLONE_NEWNS) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "unshare mounts");
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "make mounts private");
}

/* As many files and processes as in Lambda. Before Linux 5.14 processes are counted for the
 * user of the host, who may be the caller with all that he has running: then he sets the limit.
 */
static void set_limits(const struct sandbox_plan *plan)
{
    static const struct rlimit limit = {SANDBOX_COUNT, SANDBOX_COUNT};
    bool is_caller = plan->ids == SANDBOX_IDS_CALLERS || plan->ids == SANDBOX_IDS_NESTED;
    struct utsname kernel;
    int major = 0, minor = 0;

    setrlimit(RLIMIT_NOFILE, &limit);
    if (uname(&kernel) == 0)
        sscanf(kernel.release, "%d.%d", &major, &minor);
    if (!is_caller || major > 5 || (major == 5 && minor >= 14))
        setrlimit(RLIMIT_NPROC, &limit);
}

/* From here on nothing can be arranged any more. `proc` is the host's. */
static void become_function(const struct sandbox_plan *plan, int proc)
{
    if (plan->ids == SANDBOX_IDS_NESTED && !sandbox_ids_nest(proc))
        sandbox_give_up(plan, STEP_NAMESPACE, "nest user namespaces");
    /* A pipe is opened again, as /dev/stderr, by those who own it. */
    if (plan->owns_log && fchown(plan->files[1], SANDBOX_ID, SANDBOX_ID) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "hand over the log");
    /* Not the C library's functions, which would have every thread of the parent follow. */
    syscall(SYS_setgroups, 0, NULL); /* refused to ordinary users, who then keep their groups */
    if (syscall(SYS_setresgid, SANDBOX_ID, SANDBOX_ID, SANDBOX_ID) != 0 ||
        syscall(SYS_setresuid, SANDBOX_ID, SANDBOX_ID, SANDBOX_ID) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "become user %d", SANDBOX_ID);
    set_limits(plan);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* which changing ids has taken back */
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "give up privileges");
    syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL); /* away from the caller's keys */
    sandbox_filter_install();
}

/* Goes on as the child of a pid 1 that only waits: Ctrl-C would pass by pid 1 itself. */
static void have_init(const struct sandbox_plan *plan)
{
    int status = 0;

    signal(SIGCHLD, SIG_DFL);
    prctl(PR_SET_DUMPABLE, 0); /* skiff's memory, until there is a program in its place */
    /* Not the C library's fork(), which may wait for a lock another thread had. */
    pid_t program = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0);
    if (program < 0)
        sandbox_give_up(plan, STEP_SET_UP, "start a process");
    if (program == 0) {
        setsid();
        return;
    }
    syscall(SYS_close_range, 0, ~0U, 0);
    for (pid_t ended; (ended = waitpid(-1, &status, 0)) != program;)
        if (ended < 0 && errno != EINTR)
            break;
    _exit(WIFSIGNALED(status) ? SANDBOX_SIGNALLED + WTERMSIG(status) : WEXITSTATUS(status));
}

static int clone_tree(const char *path, int flags)
{
    return (int)syscall(SYS_open_tree, AT_FDCWD, path,
                        TREE_CLONE | O_CLOEXEC | (unsigned int)flags);
}

static int move_tree(int tree, const char *target)
{
    return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_OPEN_TREE);
}

/* Keeps the flags a mount has already: the host's may not be taken off. */
static int make_read_only(const char *path, unsigned long more)
{
    struct statvfs status;

    if (statvfs(path, &status) != 0)
        return -1;
    unsigned long kept = status.f_flag & (ST_NOSUID | ST_NODEV | ST_NOEXEC);
    return mount(NULL, path, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | kept | more,
                 NULL);
}

static void mount_fresh(const struct sandbox_plan *plan, const char *path, const char *data)
{
    if (mount("tmpfs", path, "tmpfs", MS_NOSUID | MS_NODEV, data) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "mount '%s'", path);
}

/* Shows the host's file, unless the image has no place for it. */
static void show_file(const struct sandbox_plan *plan, size_t number, int tree)
{
    const char *path = SHOWN[number];

    if (number < DEVICES) {
        int place = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (place < 0)
            sandbox_give_up(plan, STEP_SET_UP, "make '%s'", path);
        close(place);
    }
    if (tree < 0)
        return;
    bool is_shown = move_tree(tree, path) == 0;
    if (!is_shown && number < DEVICES)
        sandbox_give_up(plan, STEP_SET_UP, "mount '%s'", path);
    if (is_shown && number >= DEVICES && make_read_only(path, MS_NODEV) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "make '%s' read-only", path);
}

/* The image's root becomes "/", and the host's files are gone. */
static void change_root(const struct sandbox_plan *plan)
{
    int tree = clone_tree(".", TREE_WHOLE);

    if (tree < 0 || move_tree(tree, "/") != 0 || fchdir(tree) != 0)
        sandbox_give_up(plan, STEP_NAMESPACE, "mount the image's files");
    /* This stacks the old root on the new one, from where it is taken off. */
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 ||
        chdir("/") != 0)
        sandbox_give_up(plan, STEP_SET_UP, "change the root");
}

/* A new /proc is only given to those who see one, so it is mounted on the host's. Some
 * containers do not allow it; most programs run without. */
static int make_proc(void)
{
    if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, NULL) != 0)
        return -1;
    return clone_tree("/proc", 0);
}

static void make_devices(const struct sandbox_plan *plan)
{
    mount_fresh(plan, "/dev", "mode=755,size=64k");
    for (size_t i = 0; i < sizeof DEVICE_LINKS / sizeof *DEVICE_LINKS; i++)
        if (symlink(DEVICE_LINKS[i][0], DEVICE_LINKS[i][1]) != 0)
            sandbox_give_up(plan, STEP_SET_UP, "make '%s'", DEVICE_LINKS[i][1]);
}

/* The sandbox's own table of programs that run others, Linux 6.7; it lasts as long as this
 * mount. Where it cannot be had, the host's may do. */
static int make_emulation(const struct sandbox_plan *plan)
{
    if (!plan->emulation)
        return -1;
    int context = (int)syscall(SYS_fsopen, "binfmt_misc", 1 /* FSOPEN_CLOEXEC */);
    if (context < 0 || syscall(SYS_fsconfig, context, CREATE_MOUNT, NULL, NULL, 0) != 0)
        return -1;
    int table = (int)syscall(SYS_fsmount, context, 1 /* FSMOUNT_CLOEXEC */, 0);
    int entry = table < 0 ? -1 : openat(table, "register", O_WRONLY | O_CLOEXEC);
    size_t length = strlen(plan->emulation);
    return entry >= 0 && write(entry, plan->emulation, length) == (ssize_t)length ? table : -1;
}

static void make_world(const struct sandbox_plan *plan)
{
    char tmp[64];
    int shown[SHOWN_COUNT];

    for (size_t i = 0; i < SHOWN_COUNT; i++)
        shown[i] = clone_tree(SHOWN[i], 0);
    int proc = make_proc();
    int emulation = make_emulation(plan);
    change_root(plan);

    /* Underneath what is mounted next, where nobody sees it. */
    if (emulation >= 0 && move_tree(emulation, "/tmp") != 0)
        sandbox_give_up(plan, STEP_SET_UP, "mount the table of programs");

    if (proc >= 0 && move_tree(proc, "/proc") != 0)
        sandbox_give_up(plan, STEP_SET_UP, "mount '/proc'");
    snprintf(tmp, sizeof tmp, "mode=1777,size=%dm", plan->tmp_mib);
    mount_fresh(plan, "/tmp", tmp);
    make_devices(plan);
    for (size_t i = 0; i < SHOWN_COUNT; i++)
        if (i != TERMINAL || plan->has_terminal)
            show_file(plan, i, shown[i]);
    if (make_read_only("/", MS_NODEV) != 0 || make_read_only("/dev", MS_NOEXEC) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "make the image read-only");
}

static void arrange_files(const struct sandbox_plan *plan)
{
    int files[] = {plan->files[0], plan->files[1], plan->files[2]};

    if (files[0] < 0)
        files[0] = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (files[0] < 0)
        sandbox_give_up(plan, STEP_SET_UP, "open '/dev/null'");
    /* Above all of them first, so that none takes another's place. */
    for (int i = 0; i < 3; i++)
        files[i] = fcntl(files[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    for (int i = 0; i < 3; i++)
        if (dup2(files[i], i) < 0)
            sandbox_give_up(plan, STEP_SET_UP, "arrange files");
    if (plan->has_terminal && ioctl(STDIN_FILENO, TIOCSCTTY, 0) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "take the terminal");
}

static void reset_signals(void)
{
    static const char by_default[64]; /* the kernel's struct sigaction, which ends sooner */
    sigset_t none;

    /* By the system call: the C library keeps two for itself and would leave them ignored. */
    for (int number = 1; number < NSIG; number++)
        syscall(SYS_rt_sigaction, number, by_default, NULL, _NSIG / 8);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

/* Like execvpe(), but nothing is handed to a shell, as Lambda does not. */
static void execute(const struct sandbox_plan *plan)
{
    char *const *arguments = (char *const *)plan->arguments;
    char *const *environment = (char *const *)plan->environment;
    const char *program = plan->arguments[0];
    char path[PATH_MAX];
    int reason = ENOENT;

    if (strchr(program, '/')) {
        execve(program, arguments, environment);
        return;
    }
    for (const char *folder = plan->path; folder;) {
        size_t length = strcspn(folder, ":");
        int needed = snprintf(path, sizeof path, "%.*s/%s", (int)length, folder, program);
        if (needed < (int)sizeof path)
            execve(path, arguments, environment);
        if (errno != ENOENT && errno != ENOTDIR)
            reason = errno;
        folder = folder[length] ? folder + length + 1 : NULL;
    }
    errno = reason;
}

void sandbox_child(const struct sandbox_plan *plan)
{
    const char *folder = plan->working_directory ? plan->working_directory : "/";

    wait_for_go(plan);
    setsid();
    int proc = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (plan->is_chroot) {
        sandbox_keep(plan);
    } else {
        enter_namespaces(plan);
        make_world(plan);
    }
    become_function(plan, proc);
    if (plan->has_init)
        have_init(plan);
    arrange_files(plan);
    reset_signals();
    umask(022);
    if (chdir(folder) != 0)
        sandbox_give_up(plan, STEP_SET_UP, "enter the working directory '%.200s'", folder);

    /* Whatever else skiff has open is nothing for the program. */
    struct sandbox_plan last = *plan;
    last.report_fd = dup3(plan->report_fd, STDERR_FILENO + 1, O_CLOEXEC);
    if (plan->report_fd == STDERR_FILENO + 1)
        last.report_fd = plan->report_fd; /* open with O_CLOEXEC as all of ours are */
    if (syscall(SYS_close_range, STDERR_FILENO + 2, ~0U, 0) != 0)
        sandbox_give_up(&last, STEP_SET_UP, "close files");

    execute(&last);
    sandbox_give_up(&last, STEP_EXECUTE, "%.200s", plan->arguments[0]);
}
