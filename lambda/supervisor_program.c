/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor_program.h"

#include <string.h>

/* The assembler copies the file in, found from the root of the checkout. */
#define INCLUDE_LAYER(architecture)                                                            \
    __asm__(".pushsection .rodata\n"                                                           \
            ".balign 16\n"                                                                     \
            "supervisor_" #architecture ":\n"                                                  \
            ".incbin \"build/supervisor/" #architecture "/layer\"\n"                           \
            "supervisor_" #architecture "_end:\n"                                              \
            ".byte 0\n"                                                                        \
            ".popsection\n");                                                                  \
    extern const char supervisor_##architecture[];                                             \
    extern const char supervisor_##architecture##_end[]

INCLUDE_LAYER(amd64);
INCLUDE_LAYER(arm64);

/* The digest and the diff id are in front of the blob. */
static struct supervisor_program read_layer(const char *start, const char *end)
{
    struct supervisor_program program = {
        .layer.blob.media_type = MEDIA_TYPE_OCI_LAYER_GZIP,
    };
    struct digest *digest = &program.layer.blob.digest;
    struct digest *diff_id = &program.layer.diff_id;

    memcpy(digest, start, sizeof *digest);
    memcpy(diff_id, start + sizeof *digest, sizeof *diff_id);
    program.bytes = start + sizeof *digest + sizeof *diff_id;
    program.layer.blob.size = (uint64_t)(end - (const char *)program.bytes);
    return program;
}

bool supervisor_program_find(const char *architecture, struct supervisor_program *out)
{
    const struct {
        const char *architecture;
        const char *start;
        const char *end;
    } layers[] = {
        {"amd64", supervisor_amd64, supervisor_amd64_end},
        {"arm64", supervisor_arm64, supervisor_arm64_end},
    };

    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
        if (strcmp(layers[i].architecture, architecture) != 0)
            continue;
        *out = read_layer(layers[i].start, layers[i].end);
        return true;
    }
    return false;
}
