/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Manifests, indexes and configs: what is accepted reads again to the same, is within the
 * limits, and can be built on. The input is a document and, after a record separator, a config,
 * which has whatever digest it is asked for by.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/image.h"
#include "oci/index.h"

enum { SEPARATOR = 0x1e }; /* RFC 7464 */

/* A store that has one document and one config, until others are put there. */
struct pair_store {
    struct store store;
    char *document;
    char *config;
};

static bool pair_resolve(struct store *self, const char *name, struct document *out,
                         struct error *err)
{
    struct pair_store *pair = (struct pair_store *)self;
    owned(memory) char *bytes = memory_copy_string(pair->document);
    (void)name;

    return document_read(&bytes, strlen(pair->document), NULL, "any", out, err);
}

static bool pair_open_blob(struct store *self, const struct descriptor *blob,
                           struct source **out, struct error *err)
{
    struct pair_store *pair = (struct pair_store *)self;

    if (blob->size != strlen(pair->config))
        return error_set(err, ERROR_NOT_FOUND, "no such blob");
    *out = memory_source(pair->config, strlen(pair->config));
    return true;
}

static bool pair_put_blob(struct store *self, const struct descriptor *blob,
                          struct source *bytes, struct error *err)
{
    struct pair_store *pair = (struct pair_store *)self;
    char *config;
    size_t count;
    owned(sink) struct sink *sink = memory_sink(blob->size, &config, &count);

    if (!stream_copy(bytes, sink, err) || !sink_finish(take(&sink), err))
        return false;
    free(pair->config);
    pair->config = config;
    return true;
}

static bool pair_put_manifest(struct store *self, const char *tag,
                              const struct document *manifest, struct error *err)
{
    struct pair_store *pair = (struct pair_store *)self;
    (void)tag, (void)err;

    free(pair->document);
    pair->document = memory_copy_string(manifest->bytes);
    return true;
}

static const struct store_ops pair_ops = {
    .resolve = pair_resolve,
    .open_blob = pair_open_blob,
    .put_blob = pair_put_blob,
    .put_manifest = pair_put_manifest,
};

static void descriptor_reads_again(const struct descriptor *descriptor)
{
    json_owned json_t *json = descriptor_write(descriptor);
    struct descriptor again;
    struct error err;

    assert(descriptor_read(json, &again, &err));
    assert(again.media_type == descriptor->media_type && again.size == descriptor->size);
    assert(digest_equal(&again.digest, &descriptor->digest));
}

static void document_reads_again(const struct document *document)
{
    owned(document) struct document written = {0};
    owned(document) struct document again = {0};
    json_owned json_t *json = NULL;
    struct error err;

    assert(document_parse(document, &json, &err) && document_write(json, &written, &err));
    struct digest_text name = digest_format(&written.descriptor.digest);
    owned(memory) char *bytes = memory_copy_string(written.bytes);
    assert(document_read(&bytes, written.descriptor.size, NULL, name.text, &again, &err));
    assert(again.descriptor.media_type == document->descriptor.media_type);
    assert(strcmp(again.bytes, written.bytes) == 0);
}

static void check_index(const struct document *document)
{
    static const struct platform_spec arm = {"linux", "arm64", "v8"};
    owned(memory) struct index_entry *entries = NULL;
    struct descriptor picked;
    struct error err = {0};
    size_t count;
    bool is_entry = false;

    if (!index_read(document, &entries, &count, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        return;
    }
    assert(count <= INDEX_LIMIT);
    bool has_picked = index_pick(entries, count, &arm, &picked, &err);
    for (size_t i = 0; i < count; i++) {
        descriptor_reads_again(&entries[i].descriptor);
        is_entry |= has_picked && !entries[i].is_attestation &&
                    digest_equal(&picked.digest, &entries[i].descriptor.digest);
    }
    assert(has_picked ? is_entry : err.kind == ERROR_NOT_FOUND);
}

/* Derived once more with the same edit, it has the same digest. */
static void can_be_built_on(const struct image *base, struct store *workspace)
{
    const struct image_addition addition = {.created_by = "fuzz"};
    const struct image_edit edit = {
        .additions = &addition,
        .addition_count = 1,
        .environment = (const char *const[]){"PATH=/fuzz", NULL},
        .entrypoint = (const char *const[]){"/fuzz", NULL},
        .working_directory = "/fuzz",
    };
    size_t before = image_layer_count(base);
    struct digest digests[2];
    struct error err = {0};

    for (size_t i = 0; i < 2; i++) {
        owned(image) struct image *derived = NULL;
        if (!image_derive(base, &edit, workspace, &derived, &err)) {
            assert(strstr(err.text, "may not be distributed") || before == LAYERS_LIMIT);
            return;
        }
        owned(memory) const char **entrypoint = image_entrypoint(derived);
        assert(image_layer_count(derived) == before + 1);
        assert(strcmp(entrypoint[0], "/fuzz") == 0 && !entrypoint[1]);
        assert(strcmp(image_working_directory(derived), "/fuzz") == 0);
        digests[i] = image_document(derived)->descriptor.digest;
    }
    assert(digest_equal(&digests[0], &digests[1]));
}

static void check_image(const char *config, const struct document *document)
{
    struct pair_store pair = {.store.ops = &pair_ops};
    json_owned json_t *manifest = NULL;
    owned(image) struct image *image = NULL;
    struct error err = {0};

    /* The fuzzer cannot count: the size is put right for it. */
    assert(document_parse(document, &manifest, &err));
    json_object_set_new(json_object_get(manifest, "config"), "size",
                        json_integer((json_int_t)strlen(config)));
    pair.document = json_text(manifest);
    pair.config = memory_copy_string(config);
    if (image_open(&pair.store, "any", NULL, &image, &err)) {
        assert(image_layer_count(image) <= LAYERS_LIMIT);
        for (size_t i = 0; i < image_layer_count(image); i++)
            descriptor_reads_again(&image_layer(image, i)->blob);
        owned(memory) const char **environment = image_environment(image);
        owned(memory) const char **command = image_command(image);
        assert(environment && command);
        can_be_built_on(image, &pair.store);
    }
    free(pair.document);
    free(pair.config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(document) struct document document = {0};
    owned(memory) char *first = fuzz_string(bytes, count);
    struct error err = {0};
    char *separator = strchr(first, SEPARATOR);
    owned(memory) char *config = memory_copy_string(separator ? separator + 1 : "");

    if (separator)
        *separator = '\0';
    if (!document_read(&first, strlen(first), NULL, "any", &document, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        return 0;
    }
    document_reads_again(&document);
    check_index(&document);
    check_image(config, &document);
    return 0;
}

#define DIGEST "\"sha256:1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f1f0c2a3b4c5d6e7f\""

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"schemaVersion\":2,\"config\":{\"mediaType\":"
        "\"application/vnd.docker.container.image.v1+json\",\"size\":1,\"digest\":" DIGEST
        "},\"layers\":[{\"mediaType\":\"application/vnd.oci.image.layer.v1.tar+gzip\","
        "\"size\":1,\"digest\":" DIGEST "}],\"annotations\":{\"a\":\"b\"},\"subject\":{}}\x1e"
        "{\"os\":\"linux\",\"architecture\":\"amd64\",\"config\":{\"Env\":[\"PATH=/\"],"
        "\"Cmd\":[\"a\"]},\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" DIGEST "]},"
        "\"history\":[{\"empty_layer\":true},{}]}",
        "{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",\"manifests\":["
        "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"size\":1,"
        "\"digest\":" DIGEST ",\"platform\":{\"os\":\"linux\",\"architecture\":\"arm64\","
        "\"variant\":\"v8\"}},{\"mediaType\":"
        "\"application/vnd.docker.distribution.manifest.v2+json\",\"size\":2,\"digest\":" DIGEST
        ",\"annotations\":{\"vnd.docker.reference.type\":\"a\"}}]}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
