/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_platform.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/aws.h"
#include "lambda/aws/ecr.h"
#include "lambda/aws/ecr_registry.h"
#include "lambda/aws/function_request.h"
#include "lambda/aws/functions.h"
#include "lambda/aws/identity.h"
#include "lambda/aws/logs.h"
#include "lambda/signer/endpoint.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

struct aws_platform {
    struct platform platform;
    struct aws_session session;
    struct registries *registries;
};

static const struct aws *aws_of(const struct platform *self)
{
    return &((const struct aws_platform *)self)->session.aws;
}

static bool has_function(struct platform *self, const char *name, bool *found,
                         struct error *err)
{
    json_owned json_t *function = NULL;
    struct error refused = {0};

    *found = functions_get(aws_of(self), name, &function, &refused);
    if (*found || refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
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

static bool open_repository(struct platform *self, const struct definition *definition,
                            struct platform_repository *out, struct error *err)
{
    struct aws_platform *platform = (struct aws_platform *)self;
    const struct aws *aws = &platform->session.aws;
    owned(memory) char *name = NULL;
    owned(ecr_repository) struct ecr_repository repository = {0};
    owned(ecr_login) struct ecr_login login = {0};

    if (!ecr_repository_name(definition->name, &name, err) ||
        !check_definition(aws, definition, name, err) || !ecr_ask_login(aws, &login, err) ||
        !ecr_open_repository(aws, name, &repository, err))
        return false;

    size_t host_length = strcspn(repository.uri, "/");
    owned(memory) char *host = text_format("%.*s", (int)host_length, repository.uri);
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
    ecr_registry_use_login(&options, host, &login);
    out->store = registries_repository(platform->registries, host, repository.name);
    out->uri = take(&repository.uri);
    return true;
}

static bool create(struct platform *self, const struct definition *definition,
                   const char *image_uri, struct error *err)
{
    const struct aws *aws = aws_of(self);
    owned(memory) char *owner = NULL;
    struct error trouble;

    if (!function_request_check(definition, image_uri, err))
        return false;
    if (!identity_user_id(aws, &owner, &trouble))
        progress_warn(aws->progress, "the function gets no tag 'owner': %s", trouble.text);

    json_owned json_t *request = function_request(definition, image_uri, owner);
    if (!functions_create(aws, definition->name, request, err))
        return false;
    if (!logs_make_group(aws, definition->name, definition->log_retention_days,
                         json_object_get(request, "Tags"), &trouble))
        progress_warn(aws->progress, "the function's log group is not set up: %s",
                      trouble.text);
    return true;
}

static bool wait_until_active(struct platform *self, const char *name, char **arn,
                              struct error *err)
{
    return functions_wait_until_active(aws_of(self), name, arn, err);
}

static bool invoke(struct platform *self, const char *name, const char *payload, size_t count,
                   struct invocation *out, struct error *err)
{
    return functions_invoke(aws_of(self), name, payload, count, out, err);
}

/* The URI by digest of the image to remove with the function; NULL when it is to stay. What the
 * function was made with counts, as SCAR has it. */
static const char *image_to_remove(const json_t *function)
{
    json_t *environment =
        json_object_get(json_object_get(function, "Configuration"), "Environment");
    json_owned json_t *fdl =
        function_request_read_fdl(json_object_get(environment, "Variables"));
    const json_t *code = json_object_get(function, "Code");
    const char *given = json_optional_string(code, "ImageUri");
    const char *resolved = json_optional_string(code, "ResolvedImageUri");

    if (json_is_false(json_object_get(json_object_get(fdl, "ecr"), "delete_image")))
        return NULL;
    return given && strchr(given, '@') ? given : resolved;
}

static bool remove_function(struct platform *self, const char *name, struct error *err)
{
    const struct aws *aws = aws_of(self);
    json_owned json_t *function = NULL;

    if (!functions_get(aws, name, &function, err))
        return false;
    const char *image_uri = image_to_remove(function);
    if (!functions_delete(aws, name, err))
        return false;
    if (!logs_remove_group(aws, name, err))
        return error_wrap(err, "function '%.80s' is removed, but not its log group", name);
    if (image_uri && !ecr_remove_image(aws, image_uri, err))
        return error_wrap(err, "function '%.80s' is removed, but not its image '%.200s'", name,
                          image_uri);
    return true;
}

static void free_platform(struct platform *self)
{
    struct aws_platform *platform = (struct aws_platform *)self;

    aws_session_release(&platform->session);
    free(platform);
}

static const struct platform_ops aws_ops = {
    .has_function = has_function,
    .open_repository = open_repository,
    .create = create,
    .wait_until_active = wait_until_active,
    .invoke = invoke,
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
    *out = take(&opened);
    return true;
}
