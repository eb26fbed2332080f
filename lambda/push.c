/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/push.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/copy.h"

static const char TAG[] = "latest";

enum { OWN_TAG_DIGITS = 16 }; /* of the digest, for an image's own tag */

/* For where tags may not move: the same for the same image; a new string. */
static char *own_tag(const struct push *push)
{
    return text_format("skiff-%.*s", OWN_TAG_DIGITS,
                       digest_format(&push->top).text + strlen("sha256:"));
}

static bool names_it(const struct push *push, const char *tag)
{
    owned(document) struct document document = {0};
    struct error unknown;

    return store_resolve(push->repository.store, tag, &document, &unknown) &&
           digest_equal(&document.descriptor.digest, &push->top);
}

bool push_is_named(const struct push *push)
{
    owned(memory) char *tag = own_tag(push);

    return push->repository.store && (names_it(push, TAG) || names_it(push, tag));
}

void push_note(struct push *push)
{
    owned(document) struct document image = {0};
    struct error unknown;

    push->is_new = !store_resolve(push->repository.store, digest_format(&push->runs).text,
                                  &image, &unknown);
    if (!store_resolve(push->repository.store, TAG, &push->former, &unknown))
        push->former = (struct document){0};
}

/* The function runs by digest, so that a tag may not move stops nothing. */
static bool copy(const struct push *push, struct error *err)
{
    const struct copy_options options = {.progress = push->progress,
                                         .shipment = push->shipment};
    const struct digest_text top = digest_format(&push->top);
    struct copy_summary summary;

    if (image_copy(push->from, top.text, push->repository.store, TAG, &options, &summary, err))
        return true;
    if (err->kind != ERROR_CONFLICT)
        return false;
    owned(memory) char *tag = own_tag(push);
    progress_warn(push->progress,
                  "the tags of %.200s may not move, so '%s' stays what it was and the image is "
                  "tagged %s; the function runs it by digest",
                  push->repository.uri, TAG, tag);
    return image_copy(push->from, top.text, push->repository.store, tag, &options, &summary,
                      err);
}

/* Once. */
static void announce(struct push *push)
{
    if (!push->is_begun && !push->is_quiet) {
        progress_step(push->progress, "Building new ECR image: %s", push->repository.uri);
        progress_step(push->progress, "Pushing new image to ECR ...");
    }
    push->is_begun = true;
}

struct shipment *push_begin(struct push *push)
{
    announce(push);
    push->shipment = shipment_new(push->from, push->repository.store, push->progress);
    return push->shipment;
}

bool push_send(struct push *push, struct error *err)
{
    announce(push);
    push->is_sent = copy(push, err);
    return push->is_sent || error_wrap(err, "push to %.200s", push->repository.uri);
}

bool push_undo(const struct push *push, struct error *err)
{
    return !push->is_sent || !push->former.bytes ||
           store_put_manifest(push->repository.store, TAG, &push->former, err);
}

/* --- only saying it --- */

/* One plan in the making. */
struct planning {
    const struct push *push;
    json_t *upload;
    uint64_t bytes;
    json_t *seen; /* digests, as names */
};

static bool plan_blob(struct planning *planning, const json_t *json, const char *what,
                      struct error *err)
{
    struct store *to = planning->push->repository.store;
    struct descriptor blob;
    bool found = false;

    if (!descriptor_read(json, &blob, err))
        return false;
    const struct digest_text digest = digest_format(&blob.digest);
    if (json_object_get(planning->seen, digest.text))
        return true;
    json_object_set_new(planning->seen, digest.text, json_true());
    if (to && !to->ops->has_blob(to, &blob, &found, err))
        return false;
    if (found)
        return true;
    planning->bytes += blob.size;
    json_array_append_new(planning->upload,
                          json_pack("{s:s, s:I, s:s}", "digest", digest.text, "size",
                                    (json_int_t)blob.size, "is", what));
    return true;
}

static bool plan_manifest(struct planning *planning, const char *name, int depth,
                          struct error *err)
{
    owned(document) struct document document = {0};
    json_owned json_t *json = NULL;
    const json_t *each = NULL;
    size_t i;

    if (!store_resolve(planning->push->from, name, &document, err) ||
        !document_parse(&document, &json, err))
        return false;
    json_array_foreach(json_object_get(json, "manifests"), i, each)
    {
        const char *digest = json_optional_string(each, "digest");
        if (digest && depth > 0 && !plan_manifest(planning, digest, depth - 1, err))
            return false;
    }
    json_array_foreach(json_object_get(json, "layers"), i, each)
    {
        if (!plan_blob(planning, each, "layer", err))
            return false;
    }
    const json_t *config = json_object_get(json, "config");
    return !config || plan_blob(planning, config, "config", err);
}

bool push_plan(const struct push *push, json_t *upload, uint64_t *bytes, struct error *err)
{
    json_owned json_t *seen = json_object();
    struct planning planning = {.push = push, .upload = upload, .seen = seen};

    if (!plan_manifest(&planning, digest_format(&push->top).text, 1, err))
        return false;
    *bytes += planning.bytes;
    return true;
}

void push_release(struct push *push)
{
    shipment_free(push->shipment);
    platform_repository_release(&push->repository);
    document_release(&push->former);
}
