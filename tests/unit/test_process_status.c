/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of this machine, as the kernel tells of them. */
#include "lambda/local/process_status.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/unit.h"

enum { SHARE_KIB = 24 * 1024 };

/* Says that it is there, and stays. */
static _Noreturn void stay(int ready_fd)
{
    if (write(ready_fd, "", 1) == 1)
        pause();
    _exit(1);
}

static void fill(void)
{
    char *share = malloc((size_t)SHARE_KIB << 10);

    memset(share, 1, (size_t)SHARE_KIB << 10);
    __asm__ volatile("" : : "r"(share) : "memory");
    free(share); /* it has had it, that counts */
}

/* A child of a thread that is not the first. */
static void *fork_another(void *argument)
{
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fill();
        stay(*(int *)argument);
    }
    return pause() < 0 ? NULL : argument;
}

static void a_tree_has_what_all_in_it_have(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t parent = fork();
    if (parent == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        fill();
        pthread_create(&thread, NULL, fork_another, &ready[1]);
        stay(ready[1]);
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(read(ready[0], &byte, 1), 1);

    long own = 0;
    assert_true(process_status_read(parent, "VmHWM:", &own));
    assert_in_range(own, SHARE_KIB, 4 * SHARE_KIB);
    assert_in_range(process_status_peak_kib(parent), own + SHARE_KIB, 8 * SHARE_KIB);
    kill(parent, SIGKILL);
    waitpid(parent, NULL, 0);
    assert_int_equal(process_status_peak_kib(parent), 0);
    close(ready[0]);
    close(ready[1]);
}

static void lines_are_found_by_their_whole_name(void **state)
{
    (void)state;
    long number;

    assert_true(process_status_read(getpid(), "PPid:", &number));
    assert_int_equal(number, getppid());
    assert_true(process_status_read(getpid(), "Uid:", &number));
    assert_int_equal(number, getuid());
    assert_false(process_status_read(getpid(), "Nothing:", &number));
    assert_false(process_status_read(-1, "PPid:", &number));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_what_all_in_it_have),
        cmocka_unit_test(lines_are_found_by_their_whole_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
