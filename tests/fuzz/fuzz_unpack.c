/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever a layer holds, nothing outside the root is made, changed or linked to; and what was
 * unpacked is plain and can be removed again.
 *
 * An input that begins with 'T' is a tar, whose checksums are put right, or a compressed one.
 * Any other is a plan: after the first byte, three make an entry.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "layers/unpack.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { BLOCK = 512, SUM_AT = 148, MAGIC_AT = 257 };
enum { ENTRIES = 24, LAYER_GOES_ON = 128 }; /* of a plan */

static const char CANARY[] = "untouched";
static const char ROOT[] = "root";

static void put_checksum_right(uint8_t *header)
{
    unsigned int sum = 0;

    memset(header + SUM_AT, ' ', 8);
    for (size_t i = 0; i < BLOCK; i++)
        sum += header[i];
    snprintf((char *)header + SUM_AT, 8, "%06o", sum);
}

/* Entries to go astray by, and entries for hiding. Never both in one plan: if there is a way
 * out, nothing may be lost there but what is called like these. '@' is the folder outside. */
struct vocabulary {
    const char *names[16];
    const char *targets[16];
};
static const struct vocabulary astray = {
    {"a", "b", "c", "a/b", "b/c", "c/a", "a/b/c", "a/canary", "b/canary", "/b", "./c//a",
     "a/.wh.b", "b/.wh.canary", "b/..", "../b", "a/../../c"},
    {"..", "../..", "../canary", "/", "a", "b", "a/b", "b/canary", ".", "a/..", "b/../..", "@",
     "@/canary", "../../..", "@/root/a", "/proc/self/cwd"},
};
static const struct vocabulary hiding = {
    {"a", "b", "c", "a/b", "a/c", "b/c", "a/b/c", ".wh.a", ".wh.b", "a/.wh.b", ".wh..wh..opq",
     "a/.wh..wh..opq", "b/.wh..wh..opq", ".wh..wh.plnk/a", "a/.wh.", "c/.wh..wh..opq"},
    {"a", "b", "c", "a/b", "b/c", "a/b/c", ".", "./a", "a/.", "b/", "nowhere", "a/c", "c/a",
     "b/a", "a//b", "c/c"},
};

static void plan_path(char *path, size_t room, const char *word)
{
    bool is_outside = *word == '@';

    snprintf(path, room, "%s%s", is_outside ? fuzz_folder() : "", word + is_outside);
}

static void add_planned_entry(struct text *tar, const struct vocabulary *words,
                              const uint8_t plan[3])
{
    static const char types[] = {'0', '0', '5', '5', '2', '2', '1', '1', '3', '6', 'L', 'S'};
    uint8_t block[BLOCK] = {0};
    char *header = (char *)block;
    char type = types[plan[0] % sizeof types];
    size_t size = type == '0' || plan[0] % 128 > 120 ? sizeof CANARY : 0;

    plan_path(header, 100, words->names[plan[1] / 16]);
    snprintf(header + 100, 8, "%07o", 06000u | plan[2]);
    snprintf(header + 124, 12, "%011zo", size);
    snprintf(header + 136, 12, "%011o", 1u);
    header[156] = type;
    plan_path(header + 157, 100, words->targets[plan[1] % 16]);
    memcpy(header + MAGIC_AT, "ustar\00000", 8);
    put_checksum_right(block);
    text_add_bytes(tar, block, BLOCK);
    if (size == 0)
        return;
    memset(block, 'x', BLOCK);
    text_add_bytes(tar, block, BLOCK);
}

/* Takes the tar over. What fails leaves a part, and nothing outside even so. */
static void unpack(struct text *tar, const char *root, struct unpacked *so_far)
{
    owned(source) struct source *layer = memory_source(text_string(tar), tar->length);
    struct error err = {0};

    if (!unpack_layer(layer, root, so_far, &err))
        assert(err.kind != ERROR_NONE && err.text[0]);
    assert(so_far->bytes <= (uint64_t)UNPACK_MIB_LIMIT << 20);
    text_release(tar);
}

/* Layers of one entry and more. */
static void unpack_plan(const uint8_t *bytes, size_t count, const char *root)
{
    static const uint8_t end[2 * BLOCK];
    const struct vocabulary *words = count > 0 && bytes[0] % 2 ? &astray : &hiding;
    struct unpacked so_far = {0};
    struct text tar = {0};

    for (size_t at = 1; at + 3 <= count && at < 3 * ENTRIES; at += 3) {
        add_planned_entry(&tar, words, bytes + at);
        if (bytes[at] >= LAYER_GOES_ON && at + 6 <= count && at + 3 < 3 * ENTRIES)
            continue;
        text_add_bytes(&tar, end, sizeof end);
        unpack(&tar, root, &so_far);
    }
}

static void unpack_tar(const uint8_t *bytes, size_t count, const char *root)
{
    struct unpacked so_far = {0};
    struct text tar = {0};

    text_add_bytes(&tar, bytes, count);
    for (size_t at = 0; at + BLOCK <= count; at += BLOCK)
        if (memcmp(tar.bytes + at + MAGIC_AT, "ustar", 5) == 0)
            put_checksum_right((uint8_t *)tar.bytes + at);
    unpack(&tar, root, &so_far);
}

static void is_plain(const char *path)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    struct stat status;

    assert(folder);
    while ((entry = readdir(folder))) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        assert(fstatat(dirfd(folder), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0);
        if (S_ISLNK(status.st_mode))
            continue;
        assert(S_ISDIR(status.st_mode) || S_ISREG(status.st_mode));
        assert((status.st_mode & (S_ISUID | S_ISGID)) == 0);
        mode_t needed = S_ISDIR(status.st_mode) ? S_IRWXU : S_IRUSR | S_IWUSR;
        assert((status.st_mode & needed) == needed);
        if (S_ISDIR(status.st_mode)) {
            owned(memory) char *below = text_format("%s/%s", path, entry->d_name);
            is_plain(below);
        }
    }
    closedir(folder);
}

static bool same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_mode == b->st_mode && a->st_nlink == b->st_nlink &&
           a->st_size == b->st_size && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

static void outside_is_untouched(const char *canary, const struct stat *before)
{
    DIR *folder = opendir(fuzz_folder());
    const struct dirent *entry;
    struct error err;
    struct stat status;
    owned(memory) char *content = NULL;
    size_t count;
    int entries = 0;

    assert(folder);
    while ((entry = readdir(folder))) {
        bool known = strcmp(entry->d_name, ROOT) == 0 || strcmp(entry->d_name, "canary") == 0;
        assert(known || strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
        entries += known;
    }
    closedir(folder);
    assert(entries == 2);
    assert(stat(canary, &status) == 0 && same(&status, before));
    assert(file_read(canary, sizeof CANARY, &content, &count, &err));
    assert(strcmp(content, CANARY) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *root = text_format("%s/%s", fuzz_folder(), ROOT);
    const char *canary = fuzz_file("canary", (const uint8_t *)CANARY, sizeof CANARY);
    struct stat before;
    struct error err;

    assert(stat(canary, &before) == 0 && folder_make(root, &err));
    if (count > 0 && bytes[0] == 'T')
        unpack_tar(bytes + 1, count - 1, root);
    else
        unpack_plan(bytes, count, root);
    outside_is_untouched(canary, &before);
    is_plain(root);
    assert(folder_remove(root, &err));
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "\1" /* a link up, a hard link to the canary and a file by way of it */
        "\x04\x10\xff\x06\x27\xff\x0c\x41\xff",
        "\2" /* a folder and a file in one layer, and in another what hides them */
        "\x86\x01\xff\x0c\x31\xff\x84\x91\xff\x0c\xa1\xff",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
