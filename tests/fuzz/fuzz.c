/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { SEED_CHANCE = 256 }; /* of so many inputs one is a seed */

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t capacity); /* libFuzzer's */

size_t fuzz_mutate(const char *const *seeds, uint8_t *bytes, size_t count, size_t capacity,
                   unsigned int random)
{
    size_t known = 0;

    while (seeds[known])
        known++;
    if (count > 1 && random % SEED_CHANCE != 0)
        return LLVMFuzzerMutate(bytes, count, capacity);

    const char *seed = seeds[random / SEED_CHANCE % known];
    size_t length = strlen(seed) < capacity ? strlen(seed) : capacity;
    memcpy(bytes, seed, length);
    return length;
}

char *fuzz_string(const uint8_t *bytes, size_t count)
{
    char *string = memory_new(count + 1, 1);

    if (count > 0)
        memcpy(string, bytes, count);
    return string;
}

static char *folder;

static void remove_folder(void)
{
    struct error err;

    if (!folder_remove(folder, &err))
        fprintf(stderr, "%s\n", err.text);
    free(take(&folder));
}

const char *fuzz_folder(void)
{
    const char *parent = getenv("TMPDIR");
    struct error err;

    if (folder)
        return folder;
    if (!folder_make_temporary(parent ? parent : "/tmp", "skiff-fuzz-", &folder, &err)) {
        fprintf(stderr, "%s\n", err.text);
        exit(1);
    }
    atexit(remove_folder);
    return folder;
}

const char *fuzz_file(const char *name, const uint8_t *bytes, size_t count)
{
    static char path[1000];

    snprintf(path, sizeof path, "%s/%s", fuzz_folder(), name);
    FILE *file = fopen(path, "w");
    assert(file);
    assert(fwrite(bytes, 1, count, file) == count);
    assert(fclose(file) == 0);
    return path;
}

/* Steps over "<number from 1>:". */
static bool skip_number(const char **at)
{
    size_t digits = strspn(*at, "0123456789");
    bool is_number = digits > 0 && **at != '0' && (*at)[digits] == ':';

    *at += is_number ? digits + 1 : 0;
    return is_number;
}

bool fuzz_has_place(const char *text, const char *name)
{
    size_t length = strlen(name);
    const char *at = text + length + 1;

    return strncmp(text, name, length) == 0 && text[length] == ':' && skip_number(&at) &&
           skip_number(&at) && at[0] == ' ' && at[1];
}
