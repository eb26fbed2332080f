/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/raw_tar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK_BYTES = 512, CHECKSUM_AT = 148 };

static const char ZEROES[2 * BLOCK_BYTES];

void raw_tar_header(struct text *tar, const char *name, int kind, const char *target,
                    uint64_t size)
{
    char block[BLOCK_BYTES] = {0};
    unsigned int sum = 0;

    strncpy(block, name, 100);
    memcpy(block + 100, "0000644", 8);
    memcpy(block + 108, "0000000", 8);
    memcpy(block + 116, "0000000", 8);
    snprintf(block + 124, 12, "%011llo", (unsigned long long)size);
    memcpy(block + 136, "00000000000", 12);
    memset(block + CHECKSUM_AT, ' ', 8);
    block[156] = (char)kind;
    if (target)
        strncpy(block + 157, target, 100);
    memcpy(block + 257, "ustar\00000", 8);
    for (size_t i = 0; i < sizeof block; i++)
        sum += (unsigned char)block[i];
    snprintf(block + CHECKSUM_AT, 8, "%06o", sum);
    text_add_bytes(tar, block, sizeof block);
}

void raw_tar_file(struct text *tar, const char *name, const char *content)
{
    size_t size = strlen(content);

    raw_tar_header(tar, name, RAW_TAR_FILE, NULL, size);
    text_add_bytes(tar, content, size);
    if (size % BLOCK_BYTES > 0)
        text_add_bytes(tar, ZEROES, BLOCK_BYTES - size % BLOCK_BYTES);
}

void raw_tar_end(struct text *tar)
{
    text_add_bytes(tar, ZEROES, sizeof ZEROES);
}
