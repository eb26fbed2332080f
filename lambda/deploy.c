/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/deploy.h"

#include <stdlib.h>

#include "lambda/assembly.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/copy.h"
#include "oci/location.h"

enum { LAMBDA_MANIFEST_BYTES = 25400 }; /* more is not refused, but advised against */

static const char TAG[] = "latest";

static const struct definition *definition_of(const struct deploy_tools *tools)
{
    return tools->recipe.definition;
}

static bool refuse_existing(const struct deploy_tools *tools, struct error *err)
{
    const char *name = definition_of(tools)->name;
    bool found = false;

    if (!tools->platform->ops->has_function(tools->platform, name, &found, err))
        return false;
    if (found)
        return error_set(err, ERROR_CONFLICT,
                         "function '%s' exists already; remove it with: skiff rm -n %s", name,
                         name);
    return true;
}

/* What Lambda advises, and would not say. */
static void check_size(const struct deploy_tools *tools, const struct image *image)
{
    uint64_t size = image_document(image)->descriptor.size;

    if (size > LAMBDA_MANIFEST_BYTES)
        progress_warn(tools->progress,
                      "the image's manifest has %llu bytes, Lambda advises %d at most: fewer "
                      "layers or annotations in the base image help",
                      (unsigned long long)size, LAMBDA_MANIFEST_BYTES);
}

static bool fit_for_lambda(const struct deploy_tools *tools, struct assembly *assembly,
                           struct error *err)
{
    if (tools->platform->ops->is_local)
        return true;
    if (!assembly_use_gzip(assembly, tools->base, tools->workspace, tools->progress, err))
        return false;
    for (size_t i = 0; i < assembly->image_count; i++)
        check_size(tools, assembly->images[i]);
    return true;
}

/* An image on its way to the platform. */
struct delivery {
    const struct deploy_tools *tools;
    struct store *from;
    struct platform_repository repository; /* open if it has a store */
    struct shipment *shipment;             /* NULL: nothing is sent ahead */
    bool is_refused;                       /* the repository could not be opened */
};

static void delivery_cleanup(struct delivery *delivery)
{
    shipment_free(delivery->shipment);
    platform_repository_release(&delivery->repository);
}

static bool open_repository(struct delivery *delivery, struct error *err)
{
    const struct deploy_tools *tools = delivery->tools;
    struct platform *platform = tools->platform;

    if (delivery->repository.store)
        return true;
    delivery->is_refused = !platform->ops->open_repository(platform, definition_of(tools),
                                                           &delivery->repository, err);
    if (delivery->is_refused)
        return false;
    if (!platform->ops->is_local) {
        progress_step(tools->progress, "Building new ECR image: %s", delivery->repository.uri);
        progress_step(tools->progress, "Pushing new image to ECR ...");
    }
    return true;
}

static bool begin_sending(void *context, struct shipment **ahead, struct error *err)
{
    struct delivery *delivery = context;

    if (!open_repository(delivery, err))
        return false;
    delivery->shipment =
        shipment_new(delivery->from, delivery->repository.store, delivery->tools->progress);
    *ahead = delivery->shipment;
    return true;
}

/* Copies what `name` stands for and tells where the image `digest` in it then is. */
static bool push(struct delivery *delivery, const char *name, const struct digest *digest,
                 char **image_uri, struct error *err)
{
    const struct copy_options options = {.progress = delivery->tools->progress,
                                         .shipment = delivery->shipment};
    struct copy_summary summary;

    if (!open_repository(delivery, err))
        return false;
    if (!image_copy(delivery->from, name, delivery->repository.store, TAG, &options, &summary,
                    err))
        return error_wrap(err, "push to %.200s", delivery->repository.uri);
    *image_uri = text_format("%s@%s", delivery->repository.uri, digest_format(digest).text);
    return true;
}

static bool make_image(const struct deploy_tools *tools, char **image_uri, struct error *err)
{
    const struct definition *definition = definition_of(tools);
    bool is_local = tools->platform->ops->is_local;
    owned(store) struct store *both = store_union(layout_store(tools->workspace), tools->base);
    owned(delivery) struct delivery delivery = {.tools = tools, .from = both};
    owned(assembly) struct assembly assembly = {0};
    const struct assembly_plan plan = {
        .recipe = &tools->recipe,
        .base = tools->base,
        .base_image = tools->base_image,
        .platforms = definition->architectures,
        .platform_count = definition->architecture_count,
        .workspace = tools->workspace,
        .on_certain = is_local ? NULL : begin_sending,
        .context = &delivery,
        .is_for_lambda = !is_local,
    };

    if (!assembly_make(&plan, &assembly, err) || !fit_for_lambda(tools, &assembly, err))
        return delivery.is_refused ? false
                                   : error_wrap(err, "image '%.200s'", definition->image);
    return push(&delivery, digest_format(&assembly_top(&assembly)->digest).text,
                &image_document(assembly.images[0])->descriptor.digest, image_uri, err);
}

/* A prepared image stays where it is. Lambda knows what a tag names even where we may not ask.
 */
static bool find_image(const struct deploy_tools *tools, char **image_uri, struct error *err)
{
    const struct definition *definition = definition_of(tools);
    owned(location) struct location location = {0};
    owned(image) struct image *image = NULL;

    if (!location_parse(definition->image, &location, err))
        return false;
    progress_step(tools->progress, "Image already prepared in ECR.");
    if (location.reference.has_digest) {
        *image_uri = memory_copy_string(definition->image);
        return true;
    }
    if (image_open(tools->base, tools->base_image, &definition->architectures[0], &image,
                   err)) {
        *image_uri =
            text_format("%s/%s@%s", location.reference.host, location.reference.repository,
                        digest_format(&image_document(image)->descriptor.digest).text);
        return true;
    }
    if (err->kind != ERROR_DENIED)
        return error_wrap(err, "image '%.200s'", definition->image);
    progress_warn(tools->progress, "the tag is used instead of the digest: %s", err->text);
    *image_uri = location_format(&location);
    return true;
}

static bool copy_prepared(const struct deploy_tools *tools, char **image_uri, struct error *err)
{
    const struct definition *definition = definition_of(tools);
    owned(image) struct image *image = NULL;

    if (!image_open(tools->base, tools->base_image, &definition->architectures[0], &image, err))
        return error_wrap(err, "image '%.200s'", definition->image);
    const struct digest *digest = &image_document(image)->descriptor.digest;
    owned(delivery) struct delivery delivery = {.tools = tools, .from = tools->base};
    return push(&delivery, digest_format(digest).text, digest, image_uri, err);
}

static bool provide_image(const struct deploy_tools *tools, char **image_uri, struct error *err)
{
    if (!definition_of(tools)->image_is_prepared)
        return make_image(tools, image_uri, err);
    if (tools->platform->ops->is_local)
        return copy_prepared(tools, image_uri, err);
    return find_image(tools, image_uri, err);
}

/* A function that does not come up is taken away, or it would be in the way of the next try. */
static bool start(const struct deploy_tools *tools, const char *image_uri, char **arn,
                  struct error *err)
{
    struct platform *platform = tools->platform;
    const struct definition *definition = definition_of(tools);
    struct error trouble;

    if (!platform->ops->create(platform, definition, image_uri, err))
        return false;
    if (platform->ops->wait_until_active(platform, definition->name, arn, err))
        return true;
    if (platform->ops->remove(platform, definition->name, &trouble))
        return false;
    struct error cause = *err;
    return error_set(err, cause.kind,
                     "%.600s; the function is still there, remove it with: "
                     "skiff rm -n %s",
                     cause.text, definition->name);
}

bool deploy_function(const struct deploy_tools *tools, struct deployed *out, struct error *err)
{
    owned(deployed) struct deployed deployed = {0};

    if (!refuse_existing(tools, err) || !provide_image(tools, &deployed.image_uri, err) ||
        !start(tools, deployed.image_uri, &deployed.arn, err))
        return false;
    *out = deployed;
    deployed = (struct deployed){0};
    return true;
}

void deployed_release(struct deployed *deployed)
{
    free(deployed->arn);
    free(deployed->image_uri);
    *deployed = (struct deployed){0};
}
