/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/sandbox_filter.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "lambda/local/sandbox.h"

#if defined(__x86_64__)
enum { HAS_FILTER = 1 };
static const uint32_t MACHINE = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
enum { HAS_FILTER = 1 };
static const uint32_t MACHINE = AUDIT_ARCH_AARCH64;
#else
enum { HAS_FILTER = 0 };
static const uint32_t MACHINE = 0;
#endif

/* Calls that take ids, the first of them in this argument, and how many. */
static const struct {
    uint32_t call;
    unsigned char first, count;
} CALLS[] = {
#if defined(SYS_chown)
    {SYS_chown, 1, 2},    {SYS_lchown, 1, 2},
#endif
    {SYS_fchown, 1, 2},   {SYS_fchownat, 2, 2}, {SYS_setuid, 0, 1},    {SYS_setgid, 0, 1},
    {SYS_setreuid, 0, 2}, {SYS_setregid, 0, 2}, {SYS_setresuid, 0, 3}, {SYS_setresgid, 0, 3},
};

enum {
    CALL_COUNT = sizeof CALLS / sizeof *CALLS,
    CHECK_LENGTH = 3, /* instructions for an id */
    FILTER_LIMIT = 8 + CALL_COUNT * (1 + 3 * CHECK_LENGTH + 1),
};

struct program {
    struct sock_filter steps[FILTER_LIMIT];
    unsigned short count;
};

static void add(struct program *program, unsigned int code, uint32_t value,
                unsigned int if_true, unsigned int if_false)
{
    program->steps[program->count++] = (struct sock_filter){
        (unsigned short)code, (unsigned char)if_true, (unsigned char)if_false, value};
}

static void load(struct program *program, size_t offset)
{
    add(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void answer(struct program *program, uint32_t value)
{
    add(program, BPF_RET | BPF_K, value, 0, 0);
}

/* Both machines put the lower half of an argument first. */
static void add_call(struct program *program, uint32_t call, unsigned int first,
                     unsigned int count)
{
    const unsigned int jump = BPF_JMP | BPF_JEQ | BPF_K;
    unsigned int body = count * CHECK_LENGTH + 2;

    add(program, jump, call, 0, body);
    for (unsigned int i = 0; i < count; i++) {
        unsigned int after = (count - 1 - i) * CHECK_LENGTH;
        load(program, offsetof(struct seccomp_data, args) + (first + i) * sizeof(uint64_t));
        add(program, jump, SANDBOX_ID, 1, 0);
        add(program, jump, UINT32_MAX, 0, after + 1); /* -1: as it is */
    }
    answer(program, SECCOMP_RET_ALLOW);
    answer(program, SECCOMP_RET_ERRNO | EPERM);
}

bool sandbox_filter_install(void)
{
    struct program program = {.count = 0};

    if (!HAS_FILTER)
        return false;
    load(&program, offsetof(struct seccomp_data, arch));
    add(&program, BPF_JMP | BPF_JEQ | BPF_K, MACHINE, 1, 0);
    answer(&program, SECCOMP_RET_ALLOW);
    load(&program, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < CALL_COUNT; i++)
        add_call(&program, CALLS[i].call, CALLS[i].first, CALLS[i].count);
    answer(&program, SECCOMP_RET_ALLOW);

    const struct sock_fprog filter = {.len = program.count, .filter = program.steps};
    return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) == 0;
}
