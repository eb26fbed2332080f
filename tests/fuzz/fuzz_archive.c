/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever an image archive holds, it opens with each tag leading to a manifest or says why
 * not, a layer is as long as it says or an error, and the folder it is given stays empty.
 *
 * An input is a tar, whose checksums are put right, or a compressed one.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "layers/image_archive.h"
#include "layers/tar_file.h"
#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/image.h"
#include "tests/support/raw_tar.h"

enum { BLOCK = 512, SUM_AT = 148, MAGIC_AT = 257 };

static void put_checksums_right(char *bytes, size_t count)
{
    for (size_t at = 0; at + BLOCK <= count; at += BLOCK) {
        char *header = bytes + at;
        unsigned int sum = 0;
        if (memcmp(header + MAGIC_AT, "ustar", 5) != 0)
            continue;
        memset(header + SUM_AT, ' ', 8);
        for (size_t i = 0; i < BLOCK; i++)
            sum += (unsigned char)header[i];
        snprintf(header + SUM_AT, 8, "%06o", sum);
    }
}

static void read_layers(struct store *store, const struct image *image)
{
    for (size_t i = 0; i < image_layer_count(image); i++) {
        const struct descriptor *blob = &image_layer(image, i)->blob;
        owned(source) struct source *bytes = NULL;
        struct error err = {0};
        char buffer[4096];
        uint64_t total = 0;
        size_t count = 1;
        if (!store_open_blob(store, blob, &bytes, &err))
            continue;
        while (count > 0 && source_read(bytes, buffer, sizeof buffer, &count, &err))
            total += count;
        assert(total == blob->size || err.kind != ERROR_NONE);
    }
}

static void look_into(struct store *store)
{
    json_owned json_t *tags = NULL;
    struct error err = {0};
    size_t i;
    const json_t *tag;

    assert(store_list_tags(store, &tags, &err));
    json_array_foreach(tags, i, tag)
    {
        owned(image) struct image *image = NULL;
        if (image_open(store, json_string_value(tag), NULL, &image, &err))
            read_layers(store, image);
        else
            assert(err.kind != ERROR_NONE && err.text[0]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const struct {
        bool (*open)(const char *path, const char *folder, struct store **out,
                     struct error *err);
    } forms[] = {{docker_archive_open}, {oci_archive_open}};
    owned(memory) char *fixed = memory_new(count + 1, 1);
    owned(memory) char *folder = text_format("%s/folder", fuzz_folder());
    struct error err = {0};

    if (count > 0)
        memcpy(fixed, bytes, count);
    put_checksums_right(fixed, count);
    const char *path = fuzz_file("archive", (const uint8_t *)fixed, count);
    assert(folder_make(folder, &err));
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        owned(store) struct store *store = NULL;
        if (forms[i].open(path, folder, &store, &err))
            look_into(store);
        else
            assert(err.kind != ERROR_NONE && err.text[0]);
    }
    assert(rmdir(folder) == 0);
    return 0;
}

size_t LLVMFuzzerMutate(uint8_t *bytes, size_t count, size_t capacity); /* libFuzzer's */

static void add_docker_archive(struct text *tar)
{
    raw_tar_file(tar, "manifest.json",
                 "[{\"Config\":\"c\",\"RepoTags\":[\"a\"],\"Layers\":[\"l\"]}]");
    raw_tar_file(tar, "c",
                 "{\"os\":\"linux\",\"architecture\":\"amd64\",\"rootfs\":{\"diff_ids\":"
                 "[\"sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824\"]"
                 "}}");
    raw_tar_header(tar, "l", RAW_TAR_LINK, "x/../m", 0);
    raw_tar_file(tar, "m", "hello");
}

static void add_oci_archive(struct text *tar)
{
    raw_tar_file(tar, "index.json",
                 "{\"manifests\":[{\"mediaType\":\"x\",\"size\":2,\"digest\":\"sha256:"
                 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a\","
                 "\"annotations\":{\"org.opencontainers.image.ref.name\":\"a\"}}]}");
    raw_tar_file(
        tar, "blobs/sha256/44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
        "{}");
}

/* Now and then a whole archive, made to be changed; it needs no blocks of zeroes at its end. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    owned(text) struct text tar = {0};

    if (count > 1 && random % 256 != 0)
        return LLVMFuzzerMutate(bytes, count, capacity);
    if (random / 256 % 2)
        add_docker_archive(&tar);
    else
        add_oci_archive(&tar);
    size_t length = tar.length < capacity ? tar.length : capacity;
    memcpy(bytes, tar.bytes, length);
    return length;
}
