/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/store.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

void document_release(struct document *document)
{
    free(document->bytes);
    *document = (struct document){0};
}

void document_copy(const struct document *document, struct document *out)
{
    size_t count = (size_t)document->descriptor.size + 1;

    out->descriptor = document->descriptor;
    out->bytes = memory_new(count, 1);
    memcpy(out->bytes, document->bytes, count);
}

/* Older OCI documents name no type; what they list tells them apart. */
static enum media_type find_media_type(const json_t *json, const char *hint)
{
    const char *named = json_optional_string(json, "mediaType");

    if (named)
        return media_type_parse(named);
    if (hint && media_type_parse(hint) != MEDIA_TYPE_OTHER)
        return media_type_parse(hint);
    if (json_is_array(json_object_get(json, "manifests")))
        return MEDIA_TYPE_OCI_INDEX;
    if (json_is_array(json_object_get(json, "layers")))
        return MEDIA_TYPE_OCI_MANIFEST;
    return MEDIA_TYPE_OTHER;
}

bool document_read(char **bytes, size_t count, const char *media_type, const char *name,
                   struct document *out, struct error *err)
{
    json_owned json_t *json = NULL;
    struct digest found = digest_of(*bytes, count);
    struct digest expected;
    struct error not_a_digest;

    if (digest_parse(name, &expected, &not_a_digest) && !digest_equal(&expected, &found))
        return error_set(err, ERROR_INVALID, "manifest %s has digest %s", name,
                         digest_format(&found).text);
    if (!json_parse(*bytes, count, &json, err))
        return error_wrap(err, "manifest %s", digest_format(&found).text);
    if (!json_is_object(json))
        return error_set(err, ERROR_INVALID, "manifest %s is not a JSON object",
                         digest_format(&found).text);
    if (json_integer_value(json_object_get(json, "schemaVersion")) == 1)
        return error_set(err, ERROR_INVALID,
                         "manifest %s is of Docker's schema 1, which is out of use: the image "
                         "has to be pushed anew",
                         digest_format(&found).text);
    out->descriptor = (struct descriptor){
        .media_type = find_media_type(json, media_type),
        .digest = found,
        .size = count,
    };
    out->bytes = take(bytes);
    return true;
}

bool document_parse(const struct document *document, json_t **out, struct error *err)
{
    if (!json_parse(document->bytes, (size_t)document->descriptor.size, out, err))
        return error_wrap(err, "manifest %s", digest_format(&document->descriptor.digest).text);
    return true;
}

bool document_write(const json_t *json, struct document *out, struct error *err)
{
    owned(memory) char *bytes = json_text(json);
    size_t count = strlen(bytes);

    if (count > MANIFEST_LIMIT)
        return error_set(err, ERROR_LIMIT, "a manifest of %zu bytes is larger than %d", count,
                         MANIFEST_LIMIT);
    out->descriptor = (struct descriptor){
        .media_type = find_media_type(json, NULL),
        .digest = digest_of(bytes, count),
        .size = count,
    };
    out->bytes = take(&bytes);
    return true;
}

bool store_resolve(struct store *store, const char *name, struct document *out,
                   struct error *err)
{
    return store->ops->resolve(store, name, out, err);
}

bool store_resolve_entry(struct store *store, const struct descriptor *entry,
                         struct document *out, struct error *err)
{
    struct digest_text digest = digest_format(&entry->digest);
    owned(document) struct document document = {0};

    if (!store_resolve(store, digest.text, &document, err))
        return false;
    if (document.descriptor.size != entry->size)
        return error_set(err, ERROR_INVALID, "manifest %s has %llu bytes instead of %llu",
                         digest.text, (unsigned long long)document.descriptor.size,
                         (unsigned long long)entry->size);
    *out = document;
    document = (struct document){0};
    return true;
}

bool store_open_blob(struct store *store, const struct descriptor *blob, struct source **out,
                     struct error *err)
{
    return store->ops->open_blob(store, blob, out, err);
}

bool store_put_manifest(struct store *store, const char *tag, const struct document *manifest,
                        struct error *err)
{
    return store->ops->put_manifest(store, tag, manifest, err);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(json_string_value(*(json_t *const *)a),
                  json_string_value(*(json_t *const *)b));
}

/* Takes over `list`. Some registries give them in the order of a hash table. */
static json_t *sorted(json_t *list)
{
    size_t count = json_array_size(list);
    owned(memory) json_t **tags = memory_new(count, sizeof(json_t *));
    json_t *out = json_array();

    for (size_t i = 0; i < count; i++)
        tags[i] = json_array_get(list, i);
    qsort(tags, count, sizeof(json_t *), by_text);
    for (size_t i = 0; i < count; i++)
        json_array_append(out, tags[i]);
    json_decref(list);
    return out;
}

bool store_list_tags(struct store *store, json_t **tags, struct error *err)
{
    json_owned json_t *list = json_array();

    if (!store->ops->list_tags)
        return error_set(err, ERROR_INVALID, "it has no list of tags");
    if (!store->ops->list_tags(store, list, err))
        return false;
    *tags = sorted(take(&list));
    return true;
}

void store_free(struct store *store)
{
    if (store)
        store->ops->free(store);
}

bool store_read_blob(struct store *store, const struct descriptor *blob, char **bytes,
                     struct error *err)
{
    owned(source) struct source *source = NULL;
    struct digest_text name = digest_format(&blob->digest);
    size_t count;

    if (blob->size > MANIFEST_LIMIT)
        return error_set(err, ERROR_LIMIT, "blob %s has %llu bytes, more than %d", name.text,
                         (unsigned long long)blob->size, MANIFEST_LIMIT);
    if (!store_open_blob(store, blob, &source, err))
        return error_wrap(err, "blob %s", name.text);
    do {
        owned(sink) struct sink *sink = memory_sink(MANIFEST_LIMIT, bytes, &count);
        if (stream_copy(source, sink, err))
            return sink_finish(take(&sink), err);
    } while (source_rewind(source));
    return error_wrap(err, "blob %s", name.text);
}

struct store *store_home(struct store *store, const struct descriptor *blob)
{
    return store->ops->home ? store->ops->home(store, blob) : store;
}

struct union_store {
    struct store store;
    struct store *upper;
    struct store *lower;
};

static bool union_resolve(struct store *self, const char *name, struct document *out,
                          struct error *err)
{
    struct union_store *both = (struct union_store *)self;
    struct error above = {0};

    if (store_resolve(both->upper, name, out, &above))
        return true;
    if (above.kind == ERROR_NOT_FOUND)
        return store_resolve(both->lower, name, out, err);
    *err = above;
    return false;
}

/* Asks the upper store alone: it is a folder, and answers at once. */
static struct store *union_home(struct store *self, const struct descriptor *blob)
{
    struct union_store *both = (struct union_store *)self;
    struct error ignored;
    bool found = false;

    bool asked = both->upper->ops->has_blob(both->upper, blob, &found, &ignored);
    return store_home(asked && found ? both->upper : both->lower, blob);
}

static bool union_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                           struct error *err)
{
    struct store *home = union_home(self, blob);

    return home->ops->has_blob(home, blob, found, err);
}

static bool union_open_blob(struct store *self, const struct descriptor *blob,
                            struct source **out, struct error *err)
{
    return store_open_blob(union_home(self, blob), blob, out, err);
}

static bool union_put_blob(struct store *self, const struct descriptor *blob,
                           struct source *bytes, struct error *err)
{
    (void)self, (void)blob, (void)bytes;
    return error_set(err, ERROR_INVALID, "two stores shown as one are read only");
}

static bool union_put_manifest(struct store *self, const char *tag,
                               const struct document *manifest, struct error *err)
{
    (void)self, (void)tag, (void)manifest;
    return error_set(err, ERROR_INVALID, "two stores shown as one are read only");
}

static void union_free(struct store *self)
{
    free(self);
}

static const struct store_ops union_ops = {
    .resolve = union_resolve,
    .has_blob = union_has_blob,
    .open_blob = union_open_blob,
    .put_blob = union_put_blob,
    .put_manifest = union_put_manifest,
    .home = union_home,
    .free = union_free,
};

struct store *store_union(struct store *upper, struct store *lower)
{
    struct union_store *both = memory_new(1, sizeof *both);

    *both = (struct union_store){.store.ops = &union_ops, .upper = upper, .lower = lower};
    return &both->store;
}
