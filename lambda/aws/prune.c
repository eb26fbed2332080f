/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/prune.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/ecr.h"
#include "lambda/aws/function_list.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/media_type.h"

enum { IMAGES_LIMIT = 100 * 1000, BATCH = 100 };

/* One of ECR's descriptions; all borrowed from the page it came with. */
struct candidate {
    const char *digest;
    const json_t *description;
    double pushed;          /* seconds since 1970 */
    const json_t *children; /* digests in it, as names; NULL: no index */
    bool stays;
};

/* One pruning under way. */
struct pruning {
    const struct aws *aws;
    const char *repository;
    json_t *descriptions; /* owned, like the next two */
    json_t *children;     /* of each index, by its digest */
    json_t *used;
    json_t *staying;              /* digests, as names */
    struct candidate *candidates; /* owned; the newest first */
    size_t count;
};

static inline void pruning_cleanup(struct pruning *pruning)
{
    json_decref(pruning->descriptions);
    json_decref(pruning->children);
    json_decref(pruning->used);
    json_decref(pruning->staying);
    free(pruning->candidates);
}

static bool list_images(struct pruning *pruning, struct error *err)
{
    owned(memory) char *next = NULL;

    pruning->descriptions = json_array();
    do {
        json_owned json_t *body =
            json_pack("{s:s, s:s*}", "repositoryName", pruning->repository, "nextToken", next);
        json_owned json_t *answer = NULL;
        json_t *page = NULL;
        if (!ecr_ask(pruning->aws, "DescribeImages", body, &answer, err) ||
            !json_field_array(answer, "imageDetails", &page, err))
            return false;
        json_array_extend(pruning->descriptions, page);
        const char *token = json_optional_string(answer, "nextToken");
        free(next);
        next = token ? memory_copy_string(token) : NULL;
        if (json_array_size(pruning->descriptions) > IMAGES_LIMIT)
            return error_set(err, ERROR_LIMIT, "more than %d images", IMAGES_LIMIT);
    } while (next);
    return true;
}

static bool is_index(const json_t *description)
{
    const char *name = json_optional_string(description, "imageManifestMediaType");

    return name && (strcmp(name, media_type_name(MEDIA_TYPE_OCI_INDEX)) == 0 ||
                    strcmp(name, media_type_name(MEDIA_TYPE_DOCKER_LIST)) == 0);
}

static bool read_index(struct pruning *pruning, const char *digest, struct error *err)
{
    json_owned json_t *body = json_pack(
        "{s:s, s:[{s:s}], s:[s, s]}", "repositoryName", pruning->repository, "imageIds",
        "imageDigest", digest, "acceptedMediaTypes", media_type_name(MEDIA_TYPE_OCI_INDEX),
        media_type_name(MEDIA_TYPE_DOCKER_LIST));
    json_owned json_t *answer = NULL;
    json_owned json_t *index = NULL;
    const json_t *each = NULL;
    size_t i;

    if (!ecr_ask(pruning->aws, "BatchGetImage", body, &answer, err))
        return false;
    const json_t *image = json_array_get(json_object_get(answer, "images"), 0);
    const char *text = json_optional_string(image, "imageManifest");
    if (!text || strlen(text) > MANIFEST_LIMIT || !json_parse(text, strlen(text), &index, err))
        return error_set(err, ERROR_INVALID, "index %.80s cannot be read", digest);
    json_t *children = json_object();
    json_object_set_new(pruning->children, digest, children);
    json_array_foreach(json_object_get(index, "manifests"), i, each)
    {
        const char *child = json_optional_string(each, "digest");
        if (child)
            json_object_set_new(children, child, json_true());
    }
    return true;
}

static int newest_first(const void *a, const void *b)
{
    const struct candidate *one = a;
    const struct candidate *other = b;

    if (one->pushed != other->pushed)
        return one->pushed < other->pushed ? 1 : -1;
    return strcmp(one->digest, other->digest);
}

static bool read_candidates(struct pruning *pruning, struct error *err)
{
    const json_t *description = NULL;
    size_t i;

    pruning->children = json_object();
    pruning->candidates =
        memory_new(json_array_size(pruning->descriptions) + 1, sizeof *pruning->candidates);
    json_array_foreach(pruning->descriptions, i, description)
    {
        const char *digest = NULL;
        if (!json_field_string(description, "imageDigest", &digest, err) ||
            (is_index(description) && !read_index(pruning, digest, err)))
            return false;
        pruning->candidates[pruning->count++] = (struct candidate){
            .digest = digest,
            .description = description,
            .pushed = json_number_value(json_object_get(description, "imagePushedAt")),
            .children = json_object_get(pruning->children, digest),
        };
    }
    qsort(pruning->candidates, pruning->count, sizeof *pruning->candidates, newest_first);
    return true;
}

static void stay(struct pruning *pruning, struct candidate *candidate)
{
    candidate->stays = true;
    json_object_set_new(pruning->staying, candidate->digest, json_true());
}

static bool holds_any(const struct candidate *candidate, const json_t *digests)
{
    const char *child;
    json_t *value;

    json_object_foreach((json_t *)candidate->children, child,
                        value) if (json_object_get(digests, child)) return true;
    return false;
}

/* An index may be in another: this goes on until nothing is found any more. */
static void keep_holders(struct pruning *pruning)
{
    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < pruning->count; i++)
            if (!pruning->candidates[i].stays &&
                holds_any(&pruning->candidates[i], pruning->staying)) {
                stay(pruning, &pruning->candidates[i]);
                found = true;
            }
    }
}

/* Likewise. */
static void keep_held(struct pruning *pruning)
{
    json_owned json_t *held = json_object();

    for (bool found = true; found;) {
        found = false;
        for (size_t i = 0; i < pruning->count; i++)
            if (pruning->candidates[i].stays && pruning->candidates[i].children)
                json_object_update(held, (json_t *)pruning->candidates[i].children);
        for (size_t i = 0; i < pruning->count; i++)
            if (!pruning->candidates[i].stays &&
                json_object_get(held, pruning->candidates[i].digest)) {
                stay(pruning, &pruning->candidates[i]);
                found = true;
            }
    }
}

/* What is in use stays with the indexes it is in, the newest stay, and each index with all that
 * is in it. */
static void choose(struct pruning *pruning, int keep)
{
    json_owned json_t *children = json_object();
    int kept = 0;

    pruning->staying = json_object();
    for (size_t i = 0; i < pruning->count; i++) {
        struct candidate *candidate = &pruning->candidates[i];
        if (candidate->children)
            json_object_update(children, (json_t *)candidate->children);
        if (json_object_get(pruning->used, candidate->digest) ||
            holds_any(candidate, pruning->used))
            stay(pruning, candidate);
    }
    keep_holders(pruning);
    for (size_t i = 0; i < pruning->count; i++)
        if (!json_object_get(children, pruning->candidates[i].digest) && kept++ < keep)
            stay(pruning, &pruning->candidates[i]);
    keep_held(pruning);
}

static bool delete_some(const struct pruning *pruning, bool indexes, struct error *err)
{
    json_owned json_t *ids = json_array();

    for (size_t i = 0; i < pruning->count; i++) {
        const struct candidate *candidate = &pruning->candidates[i];
        if (candidate->stays || (candidate->children != NULL) != indexes)
            continue;
        json_array_append_new(ids, json_pack("{s:s}", "imageDigest", candidate->digest));
        if (json_array_size(ids) < BATCH)
            continue;
        if (!ecr_delete_images(pruning->aws, pruning->repository, ids, err))
            return false;
        json_array_clear(ids);
    }
    return ecr_delete_images(pruning->aws, pruning->repository, ids, err);
}

static void tell(const struct pruning *pruning, json_t *removed)
{
    for (size_t i = 0; i < pruning->count; i++) {
        const struct candidate *candidate = &pruning->candidates[i];
        if (candidate->stays)
            continue;
        json_t *tags = json_object_get(candidate->description, "imageTags");
        json_t *size = json_object_get(candidate->description, "imageSizeInBytes");
        json_array_append_new(removed, json_pack("{s:s, s:O*, s:O*, s:I}", "digest",
                                                 candidate->digest, "tags", tags, "size", size,
                                                 "pushed", (json_int_t)candidate->pushed));
    }
}

bool prune_images(const struct aws *aws, const char *function,
                  const struct platform_pruning *wanted, json_t *removed, struct error *err)
{
    owned(memory) char *name = NULL;
    owned(ecr_repository) struct ecr_repository repository = {0};
    owned(pruning) struct pruning pruning = {.aws = aws};
    bool found = false;
    bool ours = false;

    if (!ecr_repository_name(function, &name, err) ||
        !ecr_find_repository(aws, name, &repository, &found, err))
        return false;
    if (!found)
        return error_set(err, ERROR_NOT_FOUND, "no repository '%.100s' in region %s", name,
                         aws->region);
    if (!ecr_is_ours(aws, &repository, &ours, err))
        return false;
    if (!ours)
        return error_set(err, ERROR_DENIED,
                         "repository '%.100s' was not made by skiff, so its images stay", name);
    pruning.repository = name;
    if (!list_images(&pruning, err) || !read_candidates(&pruning, err) ||
        !function_list_images(aws, &pruning.used, err))
        return false;
    choose(&pruning, wanted->keep);
    tell(&pruning, removed);
    if (wanted->is_plan)
        return true;
    bool is_emptied = wanted->keep == 0 && json_object_size(pruning.staying) == 0;
    return delete_some(&pruning, true, err) && delete_some(&pruning, false, err) &&
           (!is_emptied || ecr_delete_repository(aws, &repository, err));
}
