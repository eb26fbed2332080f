/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/deploy.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lambda/assembly.h"
#include "lambda/push.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/base/work.h"
#include "oci/location.h"

static const struct definition *definition_of(const struct deploy_tools *tools)
{
    return tools->recipe.definition;
}

/* One deployment under way. */
struct deployment {
    const struct deploy_tools *tools;
    bool is_plan; /* writes nothing */
    /* Whether the platform allows it: known while the image is being made. */
    pthread_mutex_t lock;
    pthread_cond_t answered;
    enum { ANSWER_AWAITED, ANSWER_YES, ANSWER_NO } answer;
    struct error refusal;
    bool is_refused; /* which is why there is no image */
    struct platform_function present;
    struct assembly assembly; /* empty for a prepared image */
    struct store *from; /* owned: the workspace over the base; NULL for a prepared image */
    char *image_uri;    /* by digest, once it is known */
    struct push push;
    bool is_made; /* the function, by this run */
};

static inline void deployment_cleanup(struct deployment *deployment)
{
    push_release(&deployment->push); /* what is under way goes first */
    platform_function_release(&deployment->present);
    assembly_release(&deployment->assembly);
    store_free(deployment->from);
    free(deployment->image_uri);
    pthread_mutex_destroy(&deployment->lock);
    pthread_cond_destroy(&deployment->answered);
}

static void deployment_init(struct deployment *deployment, const struct deploy_tools *tools)
{
    *deployment = (struct deployment){.tools = tools};
    pthread_mutex_init(&deployment->lock, NULL);
    pthread_cond_init(&deployment->answered, NULL);
}

/* --- what is asked before --- */

static const char *local_word(const struct deploy_tools *tools)
{
    return tools->platform->ops->is_local ? " --local" : "";
}

static bool check_presence(const struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    const struct platform_function *present = &deployment->present;
    const char *name = definition_of(tools)->name;
    const char *local = local_word(tools);

    if (tools->mode == DEPLOY_NEW && present->exists && !present->is_broken)
        return error_set(err, ERROR_CONFLICT,
                         "function '%s' exists already; change it with: skiff%s update, or "
                         "remove it with: skiff%s rm -n %s",
                         name, local, local, name);
    if (tools->mode == DEPLOY_CHANGE && !present->exists)
        return error_set(err, ERROR_NOT_FOUND,
                         "no function '%s' to update; make it with: skiff%s init", name, local);
    if (tools->mode == DEPLOY_CHANGE && present->is_broken)
        return error_set(err, ERROR_CONFLICT,
                         "the creation of function '%s' has failed; make it anew with: skiff%s "
                         "deploy",
                         name, local);
    return true;
}

static bool ask_platform(struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    bool allowed = tools->platform->ops->find(tools->platform, definition_of(tools),
                                              &deployment->present, err) &&
                   check_presence(deployment, err);

    pthread_mutex_lock(&deployment->lock);
    deployment->answer = allowed ? ANSWER_YES : ANSWER_NO;
    if (!allowed)
        deployment->refusal = *err;
    pthread_cond_broadcast(&deployment->answered);
    pthread_mutex_unlock(&deployment->lock);
    return allowed;
}

static bool await_answer(struct deployment *deployment, struct error *err)
{
    pthread_mutex_lock(&deployment->lock);
    while (deployment->answer == ANSWER_AWAITED)
        pthread_cond_wait(&deployment->answered, &deployment->lock);
    bool allowed = deployment->answer == ANSWER_YES;
    if (!allowed)
        *err = deployment->refusal;
    pthread_mutex_unlock(&deployment->lock);
    return allowed;
}

/* --- where the image goes --- */

static bool open_repository(struct deployment *deployment, bool make, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    struct platform *platform = tools->platform;
    struct push *push = &deployment->push;

    push->progress = tools->progress;
    push->is_quiet = platform->ops->is_local;
    return push->repository.store ||
           platform->ops->open_repository(platform, definition_of(tools), make,
                                          &push->repository, err);
}

/* Little can be refused any more, but for what the platform says. The image of a function that
 * is there may turn out to be the same, and then nothing is to be sent. */
static bool begin_sending(void *context, struct shipment **ahead, struct error *err)
{
    struct deployment *deployment = context;

    deployment->is_refused = !await_answer(deployment, err);
    if (deployment->is_refused || deployment->present.exists)
        return !deployment->is_refused;
    deployment->is_refused = !open_repository(deployment, true, err);
    if (!deployment->is_refused)
        *ahead = push_begin(&deployment->push);
    return !deployment->is_refused;
}

/* --- the image --- */

static bool fit_for_lambda(const struct deploy_tools *tools, struct assembly *assembly,
                           struct error *err)
{
    if (tools->platform->ops->is_local)
        return true;
    return assembly_use_gzip(assembly, tools->base, tools->workspace, tools->progress, err) &&
           assembly_check_manifests(assembly, err);
}

static bool make_image(struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    const struct definition *definition = definition_of(tools);

    bool is_local = tools->platform->ops->is_local;
    const struct assembly_plan plan = {
        .recipe = &tools->recipe,
        .base = tools->base,
        .base_image = tools->base_image,
        .platforms = definition->architectures,
        .platform_count = definition->architecture_count,
        .workspace = tools->workspace,
        .on_certain = is_local || deployment->is_plan ? NULL : begin_sending,
        .context = deployment,
        .is_for_lambda = !is_local,
    };

    deployment->from = store_union(layout_store(tools->workspace), tools->base);
    deployment->push.from = deployment->from;
    if (!assembly_make(&plan, &deployment->assembly, err) ||
        !fit_for_lambda(tools, &deployment->assembly, err))
        return deployment->is_refused ? false
                                      : error_wrap(err, "image '%.200s'", definition->image);
    deployment->push.top = assembly_top(&deployment->assembly)->digest;
    deployment->push.runs = image_document(deployment->assembly.images[0])->descriptor.digest;
    return true;
}

/* A prepared image stays where it is. Lambda knows what a tag names even where we may not ask.
 */
static bool find_image(struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    const struct definition *definition = definition_of(tools);
    owned(location) struct location location = {0};
    owned(image) struct image *image = NULL;

    if (!location_parse(definition->image, &location, err))
        return false;
    progress_step(tools->progress, "Image already prepared in ECR.");
    if (location.reference.has_digest) {
        deployment->image_uri = memory_copy_string(definition->image);
        return true;
    }
    if (image_open(tools->base, tools->base_image, &definition->architectures[0], &image,
                   err)) {
        deployment->image_uri =
            text_format("%s/%s@%s", location.reference.host, location.reference.repository,
                        digest_format(&image_document(image)->descriptor.digest).text);
        return true;
    }
    if (err->kind != ERROR_DENIED)
        return error_wrap(err, "image '%.200s'", definition->image);
    progress_warn(tools->progress, "the tag is used instead of the digest: %s", err->text);
    deployment->image_uri = location_format(&location);
    return true;
}

/* This machine runs only what it has. */
static bool take_prepared(struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    const struct definition *definition = definition_of(tools);
    owned(image) struct image *image = NULL;

    if (!image_open(tools->base, tools->base_image, &definition->architectures[0], &image, err))
        return error_wrap(err, "image '%.200s'", definition->image);
    deployment->push.from = tools->base;
    deployment->push.top = image_document(image)->descriptor.digest;
    deployment->push.runs = deployment->push.top;
    return true;
}

static bool provide_image(struct deployment *deployment, struct error *err)
{
    if (!definition_of(deployment->tools)->image_is_prepared)
        return make_image(deployment, err);
    if (deployment->tools->platform->ops->is_local)
        return take_prepared(deployment, err);
    return find_image(deployment, err);
}

static bool prepare_one(void *context, struct work *work, size_t piece, struct error *err)
{
    (void)work;
    return piece == 0 ? ask_platform(context, err) : provide_image(context, err);
}

/* Neither needs the other. */
static bool prepare(struct deployment *deployment, struct error *err)
{
    return work_run(2, 2, prepare_one, deployment, err);
}

/* --- sending it --- */

static void name_image(struct deployment *deployment)
{
    const struct push *push = &deployment->push;

    if (push->repository.uri)
        deployment->image_uri =
            text_format("%s@%s", push->repository.uri, digest_format(&push->runs).text);
}

/* The same image under the same name needs no pushing. */
static bool is_pushed(const struct deployment *deployment)
{
    const char *present = deployment->present.image_uri;

    return present && deployment->image_uri && strcmp(present, deployment->image_uri) == 0 &&
           push_is_named(&deployment->push);
}

static struct platform_change change_of(const struct deployment *deployment)
{
    const struct deploy_tools *tools = deployment->tools;

    return (struct platform_change){
        .definition = definition_of(tools),
        .image_uri = deployment->image_uri,
        .environment = tools->environment,
        .wait_s = tools->wait_s,
    };
}

/* What was there counts, too, so it is known only now what all that is together. */
static bool check_change(const struct deployment *deployment, struct error *err)
{
    struct platform *platform = deployment->tools->platform;
    const struct platform_change change = change_of(deployment);

    return !platform->ops->check || platform->ops->check(platform, &change, err);
}

static bool push(struct deployment *deployment, struct error *err)
{
    if (!deployment->push.from)
        return true;
    if (!open_repository(deployment, true, err))
        return false;
    name_image(deployment);
    if (is_pushed(deployment))
        return true;
    if (!check_change(deployment, err))
        return false;
    if (deployment->tools->rollback)
        push_note(&deployment->push);
    return push_send(&deployment->push, err);
}

/* --- the function --- */

static bool change_function(struct deployment *deployment, char **arn, struct error *err)
{
    struct platform *platform = deployment->tools->platform;
    struct platform_change change = change_of(deployment);

    change.is_made = &deployment->is_made;
    if (deployment->present.exists && !deployment->present.is_broken)
        return platform->ops->update(platform, &change, arn, err);
    return platform->ops->create(platform, &change, arn, err);
}

/* What there is now. */
static const char *left(const struct deployment *deployment)
{
    if (deployment->is_made)
        return "the function is there";
    return deployment->push.is_sent ? "the image is there" : "a part of the image is there";
}

/* How to get rid of it; "" where nobody wants to, or need not. A new string. */
static char *removal(const struct deployment *deployment)
{
    const struct deploy_tools *tools = deployment->tools;
    const char *name = definition_of(tools)->name;

    if (deployment->is_made)
        return text_format(", or take everything away with 'skiff%s rm -n %s'",
                           local_word(tools), name);
    if (deployment->present.exists || tools->platform->ops->is_local)
        return memory_copy_string("");
    return text_format(", or take it away with 'skiff prune -n %s --all'", name);
}

/* What to do; nothing where nothing was done. */
static bool advise(const struct deployment *deployment, struct error *err)
{
    const struct error cause = *err;
    owned(memory) char *or_else = removal(deployment);

    if (!deployment->push.is_begun)
        return false;
    return error_set(err, cause.kind,
                     "%.650s; %s: mend the cause and go on with 'skiff%s deploy'%s", cause.text,
                     left(deployment), local_word(deployment->tools), or_else);
}

static bool undo(const struct deployment *deployment, struct error *err)
{
    const struct deploy_tools *tools = deployment->tools;
    struct platform *platform = tools->platform;
    const struct push *push = &deployment->push;
    const struct error cause = *err;
    struct error trouble;

    /* The tag first, or the image it leaves would be the last one of its repository. */
    if (push_undo(push, &trouble) &&
        platform->ops->undo(platform, definition_of(tools)->name,
                            push->is_new ? deployment->image_uri : NULL, &trouble))
        return error_set(err, cause.kind, "%.800s; what was done is undone", cause.text);
    return error_set(err, cause.kind, "%.500s; and undoing what was done failed: %.400s",
                     cause.text, trouble.text);
}

bool deploy_function(const struct deploy_tools *tools, struct deployed *out, struct error *err)
{
    owned(deployment) struct deployment deployment;
    char *arn = NULL;

    deployment_init(&deployment, tools);
    if (!prepare(&deployment, err))
        return deployment.push.is_begun && tools->rollback ? undo(&deployment, err)
                                                           : advise(&deployment, err);
    if (!push(&deployment, err) || !change_function(&deployment, &arn, err)) {
        free(arn);
        return tools->rollback ? undo(&deployment, err) : advise(&deployment, err);
    }
    *out = (struct deployed){.arn = arn, .image_uri = take(&deployment.image_uri)};
    return true;
}

/* --- the image alone --- */

static bool is_in_repository(struct deployment *deployment, struct error *err)
{
    struct push *push = &deployment->push;
    owned(document) struct document document = {0};
    const struct digest_text digest = digest_format(&push->runs);

    if (!open_repository(deployment, false, err))
        return false;
    name_image(deployment);
    if (push->repository.store &&
        store_resolve(push->repository.store, digest.text, &document, err))
        return true;
    if (push->repository.store && err->kind != ERROR_NOT_FOUND)
        return error_wrap(err, "image '%.200s'", deployment->image_uri);
    return error_set(err, ERROR_NOT_FOUND,
                     "the image, %s, is not in the function's repository; 'skiff build --push' "
                     "brings it there",
                     digest.text);
}

bool deploy_find_image(const struct deploy_tools *tools, char **image_uri, struct error *err)
{
    owned(deployment) struct deployment deployment;

    deployment_init(&deployment, tools);
    deployment.is_plan = true;
    if (!provide_image(&deployment, err) ||
        (deployment.push.from && !is_in_repository(&deployment, err)))
        return false;
    *image_uri = take(&deployment.image_uri);
    return true;
}

void deployed_release(struct deployed *deployed)
{
    free(deployed->arn);
    free(deployed->image_uri);
    *deployed = (struct deployed){0};
}

/* --- only saying it --- */

bool deploy_plan(const struct deploy_tools *tools, json_t **plan, struct error *err)
{
    owned(deployment) struct deployment deployment;
    struct platform *platform = tools->platform;
    json_owned json_t *calls = json_array();
    json_owned json_t *upload = json_array();
    uint64_t bytes = 0;

    deployment_init(&deployment, tools);
    deployment.is_plan = true;
    if (!prepare(&deployment, err))
        return false;
    if (deployment.push.from && !open_repository(&deployment, false, err))
        return false;
    if (deployment.push.from) {
        name_image(&deployment);
        if (!is_pushed(&deployment) && !push_plan(&deployment.push, upload, &bytes, err))
            return false;
    }
    const struct platform_change change = change_of(&deployment);
    if (!platform->ops->plan(platform, &change, calls, err))
        return false;
    *plan =
        json_pack("{s:s, s:b, s:s?, s:s?, s:O, s:I, s:O}", "FunctionName",
                  definition_of(tools)->name, "Exists", deployment.present.exists, "ImageUri",
                  deployment.image_uri, "Repository", deployment.push.repository.uri, "Upload",
                  upload, "UploadBytes", (json_int_t)bytes, "Calls", calls);
    return true;
}
