/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/copy.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/base/work.h"
#include "oci/image.h"
#include "oci/index.h"
#include "oci/manifest.h"

enum {
    MANIFESTS_LIMIT = 2000,
    WORKERS = 8, /* manifests under way at once */
};

struct copy {
    struct store *from;
    struct store *to;
    const char *tag;
    const struct copy_options *options;
    struct document *documents; /* an index after its manifests; the top is the last */
    size_t document_count;
    struct shipment *shipment;
};

static void copy_release(struct copy *copy)
{
    for (size_t i = 0; i < copy->document_count; i++)
        document_release(&copy->documents[i]);
    free(copy->documents);
}

static bool add_blobs_of_manifest(struct copy *copy, const struct document *document,
                                  struct error *err)
{
    owned(memory) struct descriptor *layers = NULL;
    struct descriptor config;
    size_t count;

    if (!manifest_read(document, &config, &layers, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!shipment_add(copy->shipment, &layers[i], err))
            return false;
    return shipment_add(copy->shipment, &config, err);
}

static bool holds_document(const struct copy *copy, const struct digest *digest)
{
    for (size_t i = 0; i < copy->document_count; i++)
        if (digest_equal(&copy->documents[i].descriptor.digest, digest))
            return true;
    return false;
}

/* The documents an index lists, asked for at the same time. */
struct children {
    struct copy *copy;
    const struct index_entry *entries;
    struct document *documents;
    size_t count;
};

static bool fetch_child(void *context, struct work *work, size_t piece, struct error *err)
{
    struct children *children = context;
    (void)work;

    return store_resolve_entry(children->copy->from, &children->entries[piece].descriptor,
                               &children->documents[piece], err);
}

static bool collect(struct copy *copy, struct document *document, int depth, struct error *err);

static void children_release(struct children *children)
{
    for (size_t i = 0; i < children->count; i++)
        document_release(&children->documents[i]);
    free(children->documents);
}

static bool collect_children(struct copy *copy, const struct document *index, int depth,
                             struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    size_t count;

    if (!index_check_depth(depth, err) || !index_read(index, &entries, &count, err))
        return false;

    struct children children = {copy, entries, memory_new(count, sizeof(struct document)),
                                count};
    bool collected = work_run(count, WORKERS, fetch_child, &children, err);
    for (size_t i = 0; collected && i < count; i++)
        collected = collect(copy, &children.documents[i], depth + 1, err);
    children_release(&children);
    return collected;
}

/* Notes the document, which it takes over, and before it everything it lists. */
static bool collect(struct copy *copy, struct document *document, int depth, struct error *err)
{
    enum media_type type = document->descriptor.media_type;
    struct digest_text name = digest_format(&document->descriptor.digest);

    if (holds_document(copy, &document->descriptor.digest))
        return true;
    if (media_type_is_index(type)) {
        if (!collect_children(copy, document, depth, err))
            return error_wrap(err, "index %s", name.text);
    } else if (!media_type_is_manifest(type)) {
        return error_set(err, ERROR_INVALID, "manifest %s is neither an image nor an index",
                         name.text);
    } else if (!add_blobs_of_manifest(copy, document, err)) {
        return error_wrap(err, "manifest %s", name.text);
    }
    if (copy->document_count == MANIFESTS_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d manifests", MANIFESTS_LIMIT);
    copy->documents =
        memory_resize(copy->documents, copy->document_count + 1, sizeof *copy->documents);
    copy->documents[copy->document_count++] = *document;
    *document = (struct document){0};
    return true;
}

static bool check_fits(const struct copy *copy, const struct document *top, struct error *err)
{
    owned(memory) struct index_entry *entries = NULL;
    owned(text) struct text platforms = {0};
    size_t count;

    if (!copy->to->ops->holds_one_image || !media_type_is_index(top->descriptor.media_type))
        return true;
    if (!index_read(top, &entries, &count, err))
        return false;
    for (size_t i = 0; i < count && platforms.length < 300; i++)
        if (entries[i].has_platform && !entries[i].is_attestation)
            text_addf(&platforms, "%s%s", platforms.length ? ", " : "",
                      platform_spec_format(&entries[i].platform).text);
    return error_set(err, ERROR_USAGE,
                     "it is an index, and one image is all that fits there; choose with "
                     "--platform: %s",
                     text_string(&platforms));
}

static bool collect_all(struct copy *copy, const char *name, struct error *err)
{
    owned(document) struct document top = {0};
    const struct platform_spec *platform = copy->options->platform;
    bool found = platform ? image_find(copy->from, name, platform, &top, err)
                          : store_resolve(copy->from, name, &top, err);

    return found && check_fits(copy, &top, err) && collect(copy, &top, 0, err);
}

/* Whatever an index lists is put before it, so only leaves may be put at the same time. */
static bool put_leaf(void *context, struct work *work, size_t piece, struct error *err)
{
    struct copy *copy = context;
    const struct document *document = &copy->documents[piece];
    (void)work;

    if (piece + 1 == copy->document_count ||
        media_type_is_index(document->descriptor.media_type))
        return true;
    return store_put_manifest(copy->to, NULL, document, err);
}

static bool put_documents(struct copy *copy, struct error *err)
{
    size_t top = copy->document_count - 1;

    if (!work_run(top, WORKERS, put_leaf, copy, err))
        return false;
    for (size_t i = 0; i < top; i++)
        if (media_type_is_index(copy->documents[i].descriptor.media_type) &&
            !store_put_manifest(copy->to, NULL, &copy->documents[i], err))
            return false;
    return store_put_manifest(copy->to, copy->tag, &copy->documents[top], err);
}

bool image_copy(struct store *from, const char *name, struct store *to, const char *tag,
                const struct copy_options *options, struct copy_summary *out, struct error *err)
{
    owned(shipment) struct shipment *own =
        options->shipment ? NULL : shipment_new(from, to, options->progress);
    struct copy copy = {.from = from,
                        .to = to,
                        .tag = tag,
                        .options = options,
                        .shipment = own ? own : options->shipment};
    struct copy_summary summary = {0};

    bool copied = collect_all(&copy, name, err) &&
                  shipment_wait(copy.shipment, &summary.blobs, err) &&
                  put_documents(&copy, err);
    if (copied) {
        summary.top = copy.documents[copy.document_count - 1].descriptor;
        *out = summary;
    }
    copy_release(&copy);
    return copied;
}
