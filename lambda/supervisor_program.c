/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor_program.h"

#include <string.h>

/* The assembler copies the file in, found from the root of the checkout. */
#define INCLUDE_PROGRAM(architecture)                                                          \
    __asm__(".pushsection .rodata\n"                                                           \
            ".balign 16\n"                                                                     \
            "supervisor_" #architecture ":\n"                                                  \
            ".incbin \"build/supervisor/" #architecture "/supervisor\"\n"                      \
            "supervisor_" #architecture "_end:\n"                                              \
            ".byte 0\n"                                                                        \
            ".popsection\n");                                                                  \
    extern const char supervisor_##architecture[];                                             \
    extern const char supervisor_##architecture##_end[]

INCLUDE_PROGRAM(amd64);
INCLUDE_PROGRAM(arm64);

bool supervisor_program_find(const char *architecture, struct supervisor_program *out)
{
    const struct {
        const char *architecture;
        const char *start;
        const char *end;
    } programs[] = {
        {"amd64", supervisor_amd64, supervisor_amd64_end},
        {"arm64", supervisor_arm64, supervisor_arm64_end},
    };

    for (size_t i = 0; i < sizeof programs / sizeof *programs; i++) {
        if (strcmp(programs[i].architecture, architecture) != 0)
            continue;
        out->bytes = programs[i].start;
        out->count = (size_t)(programs[i].end - programs[i].start);
        return true;
    }
    return false;
}
