/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_platform.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/aws.h"
#include "lambda/aws/ecr.h"
#include "lambda/aws/ecr_registry.h"
#include "lambda/aws/function_deployment.h"
#include "lambda/aws/function_list.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/function_state.h"
#include "lambda/aws/functions.h"
#include "lambda/aws/log_events.h"
#include "lambda/aws/prune.h"
#include "lambda/aws/removal.h"
#include "lambda/aws/role_trust.h"
#include "lambda/signer/endpoint.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/base/work.h"

struct aws_platform {
    struct platform platform;
    struct aws_session session;
    struct registries *registries;
    struct function_deployment deployment;
    struct ecr_repository repository; /* empty until it is found or made */
    struct ecr_login login;           /* likewise */
    bool has_looked;                  /* for both */
};

static struct aws_platform *platform_of(struct platform *self)
{
    return (struct aws_platform *)self;
}

static const struct aws *aws_of(struct platform *self)
{
    return &platform_of(self)->session.aws;
}

/* Before anything is made: an image URI of the right length stands for the one to come. */
static bool check_definition(const struct aws *aws, const struct definition *definition,
                             const char *repository, struct error *err)
{
    owned(memory) char *image_uri =
        text_format("123456789012.dkr.ecr.%s.%s/%s@sha256:%064d", aws->region,
                    endpoint_domain(aws->region), repository, 0);

    return function_request_check(definition, image_uri, err);
}

/* --- looking --- */

/* What is asked at the same time. */
struct questions {
    struct aws_platform *platform;
    const char *function;
    const char *repository;
    const char *role; /* that it is to have; NULL when none is given */
    size_t first;     /* of those in ask_one() */
};

/* Whoever may not look at roles may still use them; and what a function has is good already. */
static bool check_role(const struct questions *questions, const json_t *before,
                       struct error *err)
{
    const char *role = questions->role;
    const char *present =
        json_optional_string(json_object_get(before, "Configuration"), "Role");
    struct error trouble = {0};

    if (!role || !*role || (present && strcmp(present, role) == 0) ||
        role_trust_check(&questions->platform->session.aws, role, &trouble))
        return true;
    if (trouble.kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND, "there is no role '%.200s'", role);
    if (trouble.kind == ERROR_INVALID)
        return error_set(err, ERROR_INVALID,
                         "role '%.200s': %.200s; let lambda.amazonaws.com do sts:AssumeRole",
                         role, trouble.text);
    return true;
}

/* Which Lambda would only say when the image is there; and SCAR made such functions, too. */
static bool check_kind(const json_t *before, const char *name, struct error *err)
{
    const json_t *configuration = json_object_get(before, "Configuration");
    const char *kind = json_optional_string(configuration, "PackageType");

    if (!kind || strcmp(kind, "Zip") != 0 || function_state_is_broken(configuration))
        return true;
    return error_set(
        err, ERROR_CONFLICT,
        "function '%.80s' exists, made of a zip archive, and Lambda never makes it "
        "one of an image: remove it with 'skiff rm -n %.80s' and deploy again, or "
        "choose another name",
        name, name);
}

static bool ask_function(const struct questions *questions, struct error *err)
{
    struct aws_platform *platform = questions->platform;
    struct error refused = {0};

    json_decref(take(&platform->deployment.before));
    if (functions_get(&platform->session.aws, questions->function, &platform->deployment.before,
                      &refused) ||
        refused.kind == ERROR_NOT_FOUND)
        return check_kind(platform->deployment.before, questions->function, err) &&
               check_role(questions, platform->deployment.before, err);
    *err = refused;
    return false;
}

static bool ask_repository(const struct questions *questions, struct error *err)
{
    struct aws_platform *platform = questions->platform;
    bool found;

    ecr_repository_release(&platform->repository);
    return ecr_find_repository(&platform->session.aws, questions->repository,
                               &platform->repository, &found, err);
}

static bool ask_login(const struct questions *questions, struct error *err)
{
    ecr_login_release(&questions->platform->login);
    return ecr_ask_login(&questions->platform->session.aws, &questions->platform->login, err);
}

static bool ask_one(void *context, struct work *work, size_t piece, struct error *err)
{
    static bool (*const questions[])(const struct questions *, struct error *) = {
        ask_repository, ask_login, ask_function};
    const struct questions *asked = context;
    (void)work;

    return questions[asked->first + piece](asked, err);
}

static bool find(struct platform *self, const struct definition *definition,
                 struct platform_function *out, struct error *err)
{
    struct aws_platform *platform = platform_of(self);
    owned(memory) char *repository = NULL;

    if (!ecr_repository_name(definition->name, &repository, err) ||
        !check_definition(&platform->session.aws, definition, repository, err))
        return false;
    struct questions questions = {
        .platform = platform,
        .function = definition->name,
        .repository = repository,
        .role = definition->role,
    };
    /* An image that is used as it is needs no repository of ours. */
    questions.first = definition->image_is_prepared ? 2 : 0;
    size_t count = 3 - questions.first;
    if (!work_run(count, count, ask_one, &questions, err))
        return false;
    platform->has_looked = count > 1;

    const json_t *before = platform->deployment.before;
    const char *image_uri = function_deployment_image(before);
    if (!before && !function_request_check_role(definition, err))
        return false;
    *out = (struct platform_function){
        .exists = before != NULL,
        .is_broken = function_state_is_broken(json_object_get(before, "Configuration")),
        .image_uri = image_uri ? memory_copy_string(image_uri) : NULL,
    };
    return true;
}

static void use_login(struct aws_platform *platform, const char *host)
{
    const struct aws *aws = &platform->session.aws;
    const struct aws_settings *settings = &platform->session.settings;
    const struct aws_options options = {
        .http = aws->http,
        .registries = platform->registries,
        .environment = settings->environment,
        .profile = settings->profile_is_explicit ? settings->profile_name : NULL,
        .region = aws->region,
        .clock = aws->clock,
        .progress = aws->progress,
        .ask = platform->session.sources.ask,
    };

    ecr_registry_use_login(&options, host, &platform->login);
}

/* For images alone; who asks for the function asks for this, too. */
static bool look_for_repository(struct aws_platform *platform, const char *name,
                                struct error *err)
{
    struct questions questions = {.platform = platform, .repository = name};

    if (platform->has_looked)
        return true;
    platform->has_looked = work_run(2, 2, ask_one, &questions, err);
    return platform->has_looked;
}

static bool open_repository(struct platform *self, const struct definition *definition,
                            bool make, struct platform_repository *out, struct error *err)
{
    struct aws_platform *platform = platform_of(self);
    owned(memory) char *name = NULL;

    if (!ecr_repository_name(definition->name, &name, err) ||
        !look_for_repository(platform, name, err))
        return false;
    if (!platform->repository.uri) {
        if (!make)
            return true;
        if (!ecr_make_repository(&platform->session.aws, name, &platform->repository, err))
            return false;
    }

    const struct ecr_repository *repository = &platform->repository;
    size_t host_length = strcspn(repository->uri, "/");
    owned(memory) char *host = text_format("%.*s", (int)host_length, repository->uri);
    use_login(platform, host);
    out->store = registries_repository(platform->registries, host, repository->name);
    out->uri = memory_copy_string(repository->uri);
    return true;
}

/* --- changing --- */

static bool create(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err)
{
    return function_deployment_create(&platform_of(self)->deployment, change, arn, err);
}

static bool check_change(struct platform *self, const struct platform_change *change,
                         struct error *err)
{
    return function_deployment_check(&platform_of(self)->deployment, change, err);
}

static bool update(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err)
{
    return function_deployment_update(&platform_of(self)->deployment, change, arn, err);
}

static bool plan(struct platform *self, const struct platform_change *change, json_t *calls,
                 struct error *err)
{
    struct aws_platform *platform = platform_of(self);

    if (!change->definition->image_is_prepared && !platform->repository.uri)
        json_array_append_new(calls, json_string("CreateRepository"));
    return function_deployment_plan(&platform->deployment, change, calls, err);
}

/* Its definition travels with a function of skiff's or SCAR's. The tags say so, too, but a list
 * of functions has none, and asking for those by their tags is another service and another
 * permission, and gives only names. */
static void note_function(void *context, const json_t *configuration)
{
    const json_t *variables =
        json_object_get(json_object_get(configuration, "Environment"), "Variables");
    json_owned json_t *definition = function_request_read_fdl(variables);

    if (json_is_object(definition))
        json_array_append_new(context,
                              json_pack("{s:O*, s:O*, s:O*, s:O*}", "Name",
                                        json_object_get(configuration, "FunctionName"),
                                        "Memory", json_object_get(configuration, "MemorySize"),
                                        "Timeout", json_object_get(configuration, "Timeout"),
                                        "Image_id", json_object_get(variables, "IMAGE_ID")));
}

static bool list(struct platform *self, json_t *functions, struct error *err)
{
    return function_list_each(aws_of(self), false, note_function, functions, err);
}

static bool prune(struct platform *self, const char *name,
                  const struct platform_pruning *pruning, json_t *removed, struct error *err)
{
    return prune_images(aws_of(self), name, pruning, removed, err);
}

static bool undo(struct platform *self, const char *name, const char *image_uri,
                 struct error *err)
{
    struct aws_platform *platform = platform_of(self);
    const struct aws *aws = &platform->session.aws;

    if (!function_deployment_undo(&platform->deployment, name, err))
        return false;
    return !image_uri || removal_of_image(aws, image_uri, err);
}

static bool invoke(struct platform *self, const char *name, const struct event *event,
                   struct invocation *out, struct error *err)
{
    return functions_invoke(aws_of(self), name, event, out, err);
}

static bool read_log(struct platform *self, const char *name,
                     const struct platform_log_wish *wish, struct error *err)
{
    return log_events_read(aws_of(self), name, wish, err);
}

static bool remove_function(struct platform *self, const char *name, struct error *err)
{
    return removal_of_function(aws_of(self), name, err);
}

static void free_platform(struct platform *self)
{
    struct aws_platform *platform = platform_of(self);

    function_deployment_release(&platform->deployment);
    ecr_repository_release(&platform->repository);
    ecr_login_release(&platform->login);
    aws_session_release(&platform->session);
    free(platform);
}

static const struct platform_ops aws_ops = {
    .find = find,
    .open_repository = open_repository,
    .check = check_change,
    .create = create,
    .update = update,
    .plan = plan,
    .list = list,
    .prune = prune,
    .undo = undo,
    .invoke = invoke,
    .log = read_log,
    .remove = remove_function,
    .free = free_platform,
};

bool aws_platform_open(const struct aws_options *options, struct platform **out,
                       struct error *err)
{
    owned(platform) struct platform *opened = NULL;
    struct aws_platform *platform = memory_new(1, sizeof *platform);

    opened = &platform->platform;
    opened->ops = &aws_ops;
    platform->registries = options->registries;
    if (!aws_session_open(options, &platform->session, err) ||
        !aws_session_check_credentials(&platform->session, NULL, err))
        return false;
    platform->deployment.aws = &platform->session.aws;
    *out = take(&opened);
    return true;
}
