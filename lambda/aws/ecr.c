/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/ecr.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/store.h"

static const char OWNER_KEY[] = "createdby";
static const char OWNER_VALUE[] = "skiff";
static const char TAG[] = "latest";

enum { REPOSITORY_NAME_SHORTEST = 2, INDEX_CHILDREN_LIMIT = 100 /* per BatchDeleteImage */ };

static bool send(const struct aws *aws, const struct aws_call *call, const json_t *body,
                 json_t **answer, struct error *err)
{
    if (!aws_ask(aws, call, body, answer, NULL, err))
        return false;
    if (answer && !json_is_object(*answer)) {
        json_decref(take(answer));
        return error_set(err, ERROR_INVALID, "%s %s: answer of AWS is no object", call->service,
                         call->operation);
    }
    return true;
}

bool ecr_ask(const struct aws *aws, const char *operation, const json_t *body, json_t **answer,
             struct error *err)
{
    const struct aws_call call = {
        .service = "ecr",
        .operation = operation,
        .target = "AmazonEC2ContainerRegistry_V20150921",
    };

    return send(aws, &call, body, answer, err);
}

/* Letters and digits, with ".", "_", "__" or any number of "-" between them. */
static bool is_repository_name(const char *name)
{
    static const char alphanumeric[] = "abcdefghijklmnopqrstuvwxyz0123456789";

    if (strlen(name) < REPOSITORY_NAME_SHORTEST)
        return false;
    for (;;) {
        size_t length = strspn(name, alphanumeric);
        if (length == 0)
            return false;
        name += length;
        if (!*name)
            return true;
        size_t underscores = strspn(name, "_");
        size_t hyphens = strspn(name, "-");
        if (underscores > 2 || (underscores == 0 && hyphens == 0 && *name != '.'))
            return false;
        name += underscores > 0 ? underscores : hyphens > 0 ? hyphens : 1;
    }
}

bool ecr_repository_name(const char *function, char **out, struct error *err)
{
    owned(memory) char *name = memory_copy_string(function);

    for (char *c = name; *c; c++)
        *c = (char)tolower((unsigned char)*c);
    if (!is_repository_name(name))
        return error_set(err, ERROR_USAGE,
                         "function name '%.80s' gives no name for its repository in ECR, which "
                         "has at least two letters or digits, and '-' or '_' only between them",
                         function);
    *out = take(&name);
    return true;
}

static bool read_repository(const json_t *json, struct ecr_repository *out, struct error *err)
{
    const char *name = NULL;
    const char *arn = NULL;
    const char *uri = NULL;

    if (!json_field_string(json, "repositoryName", &name, err) ||
        !json_field_string(json, "repositoryArn", &arn, err) ||
        !json_field_string(json, "repositoryUri", &uri, err))
        return error_wrap(err, "ecr: repository");
    const char *slash = strchr(uri, '/');
    if (!slash || slash == uri || strcmp(slash + 1, name) != 0)
        return error_set(err, ERROR_INVALID, "ecr: '%.200s' is no URI of repository '%.80s'",
                         uri, name);
    out->name = memory_copy_string(name);
    out->arn = memory_copy_string(arn);
    out->uri = memory_copy_string(uri);
    return true;
}

static bool describe(const struct aws *aws, const char *name, struct ecr_repository *out,
                     struct error *err)
{
    json_owned json_t *body = json_pack("{s:[s]}", "repositoryNames", name);
    json_owned json_t *answer = NULL;
    json_t *repositories = NULL;

    if (!ecr_ask(aws, "DescribeRepositories", body, &answer, err) ||
        !json_field_array(answer, "repositories", &repositories, err))
        return false;
    return read_repository(json_array_get(repositories, 0), out, err);
}

bool ecr_find_repository(const struct aws *aws, const char *name, struct ecr_repository *out,
                         bool *found, struct error *err)
{
    struct error refused = {0};

    *found = describe(aws, name, out, &refused);
    if (*found || refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}

bool ecr_make_repository(const struct aws *aws, const char *name, struct ecr_repository *out,
                         struct error *err)
{
    json_owned json_t *body = json_pack("{s:s, s:[{s:s, s:s}]}", "repositoryName", name, "tags",
                                        "Key", OWNER_KEY, "Value", OWNER_VALUE);
    json_owned json_t *answer = NULL;
    struct error refused = {0};

    progress_step(aws->progress, "Creating ECR repository: %s", name);
    if (ecr_ask(aws, "CreateRepository", body, &answer, &refused))
        return read_repository(json_object_get(answer, "repository"), out, err);
    if (refused.kind == ERROR_CONFLICT) /* somebody was faster, or the first answer was lost */
        return describe(aws, name, out, err);
    *err = refused;
    return false;
}

static bool check_registry_url(const char *url, struct error *err)
{
    bool secure = strncmp(url, "https://", 8) == 0;
    bool plain = strncmp(url, "http://", 7) == 0;
    const char *host = secure ? url + 8 : plain ? url + 7 : "";

    if (!*host || strpbrk(host, "/@?# "))
        return error_set(err, ERROR_INVALID, "ecr: '%.200s' is no URL of a registry", url);
    if (plain && !http_url_is_loopback(url))
        return error_set(err, ERROR_INVALID,
                         "ecr: the login for '%.200s' would travel unencrypted", url);
    return true;
}

/* "AWS:password" in base64, and until when. */
static bool read_login(const json_t *data, struct ecr_login *out, struct error *err)
{
    owned(memory) char *decoded = NULL;
    const char *token = NULL;
    size_t count = 0;

    if (!json_field_string(data, "authorizationToken", &token, err) ||
        !base64_decode(token, &decoded, &count, err))
        return false;
    char *colon = strchr(decoded, ':');
    if (!colon)
        return error_set(err, ERROR_INVALID, "a token without ':'");
    *colon = '\0';
    out->login.user = memory_copy_string(decoded);
    out->login.password = memory_copy_string(colon + 1);
    explicit_bzero(decoded, count);
    out->expires = (time_t)json_number_value(json_object_get(data, "expiresAt"));
    return true;
}

static bool read_registry_url(const json_t *data, struct ecr_login *out, struct error *err)
{
    const char *url = NULL;

    if (!json_field_string(data, "proxyEndpoint", &url, err))
        return false;
    size_t length = strlen(url);
    while (length > 0 && url[length - 1] == '/')
        length--;
    out->url = text_format("%.*s", (int)length, url);
    return check_registry_url(out->url, err);
}

bool ecr_ask_login(const struct aws *aws, struct ecr_login *out, struct error *err)
{
    owned(ecr_login) struct ecr_login login = {0};
    json_owned json_t *body = json_object();
    json_owned json_t *answer = NULL;
    json_t *data = NULL;

    if (!ecr_ask(aws, "GetAuthorizationToken", body, &answer, err))
        return false;
    if (!json_field_array(answer, "authorizationData", &data, err) ||
        !read_login(json_array_get(data, 0), &login, err) ||
        !read_registry_url(json_array_get(data, 0), &login, err))
        return error_wrap(err, "ecr GetAuthorizationToken");
    *out = login;
    login = (struct ecr_login){0};
    return true;
}

bool ecr_ask_public_login(const struct aws *aws, struct ecr_login *out, struct error *err)
{
    static const struct aws_call call = {
        .service = "ecr-public",
        .operation = "GetAuthorizationToken",
        .target = "SpencerFrontendService",
    };
    owned(ecr_login) struct ecr_login login = {0};
    json_owned json_t *body = json_object();
    json_owned json_t *answer = NULL;

    if (!send(aws, &call, body, &answer, err))
        return false;
    if (!read_login(json_object_get(answer, "authorizationData"), &login, err))
        return error_wrap(err, "ecr-public GetAuthorizationToken");
    *out = login;
    login = (struct ecr_login){0};
    return true;
}

bool ecr_is_ours(const struct aws *aws, const struct ecr_repository *repository, bool *ours,
                 struct error *err)
{
    json_owned json_t *body = json_pack("{s:s}", "resourceArn", repository->arn);
    json_owned json_t *answer = NULL;
    json_t *tag = NULL;
    size_t i;

    *ours = false;
    if (!ecr_ask(aws, "ListTagsForResource", body, &answer, err))
        return false;
    json_array_foreach(json_object_get(answer, "tags"), i, tag)
    {
        const char *key = json_optional_string(tag, "Key");
        const char *value = json_optional_string(tag, "Value");
        if (key && value && strcmp(key, OWNER_KEY) == 0 && strcmp(value, OWNER_VALUE) == 0)
            *ours = true;
    }
    return true;
}

static void add_digest(json_t *ids, const char *digest)
{
    json_array_append_new(ids, json_pack("{s:s}", "imageDigest", digest));
}

/* The images that go together with `digest`. When `latest` names an index that holds it, that
 * is the index, which has to go first, and everything else in it. */
static bool find_family(const struct aws *aws, const struct ecr_repository *repository,
                        const char *digest, json_t *indexes, json_t *manifests,
                        struct error *err)
{
    json_owned json_t *body =
        json_pack("{s:s, s:[{s:s}], s:[s, s]}", "repositoryName", repository->name, "imageIds",
                  "imageTag", TAG, "acceptedMediaTypes", media_type_name(MEDIA_TYPE_OCI_INDEX),
                  media_type_name(MEDIA_TYPE_OCI_MANIFEST));
    json_owned json_t *answer = NULL;
    json_owned json_t *document = NULL;
    json_owned json_t *children = json_array();
    json_t *child = NULL;
    struct error not_json;
    size_t i;
    bool holds = false;

    add_digest(manifests, digest);
    if (!ecr_ask(aws, "BatchGetImage", body, &answer, err))
        return false;
    const json_t *image = json_array_get(json_object_get(answer, "images"), 0);
    const char *text = json_optional_string(image, "imageManifest");
    const char *named = json_optional_string(json_object_get(image, "imageId"), "imageDigest");
    if (!text || !named || strlen(text) > MANIFEST_LIMIT ||
        !json_parse(text, strlen(text), &document, &not_json))
        return true;

    json_array_foreach(json_object_get(document, "manifests"), i, child)
    {
        const char *other = json_optional_string(child, "digest");
        holds = holds || (other && strcmp(other, digest) == 0);
        if (other && strcmp(other, digest) != 0 &&
            json_array_size(children) + 1 < INDEX_CHILDREN_LIMIT)
            add_digest(children, other);
    }
    if (holds) {
        add_digest(indexes, named);
        json_array_extend(manifests, children);
    }
    return true;
}

/* ECR answers 200 even when it deleted nothing. What is missing is as it should be; what
 * another index still refers to stays, and so will the repository. */
bool ecr_delete_images(const struct aws *aws, const char *repository, json_t *ids,
                       struct error *err)
{
    if (json_array_size(ids) == 0)
        return true;

    json_owned json_t *body =
        json_pack("{s:s, s:O}", "repositoryName", repository, "imageIds", ids);
    json_owned json_t *answer = NULL;
    json_t *failure = NULL;
    size_t i;
    if (!ecr_ask(aws, "BatchDeleteImage", body, &answer, err))
        return false;
    json_array_foreach(json_object_get(answer, "failures"), i, failure)
    {
        const char *code = json_optional_string(failure, "failureCode");
        const char *reason = json_optional_string(failure, "failureReason");
        if (code && (strcmp(code, "ImageNotFound") == 0 ||
                     strcmp(code, "ImageReferencedByManifestList") == 0))
            continue;
        return error_set(err, ERROR_INVALID, "ecr BatchDeleteImage: %.80s: %.300s",
                         code ? code : "failed", reason ? reason : "no reason given");
    }
    return true;
}

bool ecr_delete_repository(const struct aws *aws, const struct ecr_repository *repository,
                           struct error *err)
{
    json_owned json_t *body = json_pack("{s:s}", "repositoryName", repository->name);
    struct error refused;

    if (ecr_ask(aws, "DeleteRepository", body, NULL, &refused)) {
        progress_step(aws->progress, "Deleting ECR repo: %s", repository->name);
        return true;
    }
    if (refused.kind == ERROR_NOT_FOUND)
        return true;
    if (refused.kind == ERROR_CONFLICT) {
        progress_step(aws->progress,
                      "ECR repository %s is kept: it holds other images, which 'skiff prune "
                      "-n %s --all' would remove",
                      repository->name, repository->name);
        return true;
    }
    *err = refused;
    return false;
}

/* The repository the image is in, if it is there and ours; `found` says so. */
static bool find_ours(const struct aws *aws, const char *image_uri, struct ecr_repository *out,
                      bool *found, struct error *err)
{
    const char *slash = strchr(image_uri, '/');
    const char *at = strchr(image_uri, '@');
    struct error refused;
    struct digest digest;

    *found = false;
    if (!slash || !at || at < slash || !digest_parse(at + 1, &digest, &refused))
        return true;
    owned(memory) char *name = text_format("%.*s", (int)(at - slash) - 1, slash + 1);
    if (!describe(aws, name, out, &refused)) {
        if (refused.kind == ERROR_NOT_FOUND)
            return true;
        *err = refused;
        return false;
    }
    size_t length = (size_t)(at - image_uri);
    if (strlen(out->uri) != length || strncmp(out->uri, image_uri, length) != 0)
        return true; /* of the same name, in another account or region */
    return ecr_is_ours(aws, out, found, err);
}

/* The first of the images that somebody needs; NULL when there is none. */
static const char *find_used(const json_t *ids, const json_t *used)
{
    const json_t *id = NULL;
    size_t i;

    json_array_foreach(ids, i, id)
    {
        const char *digest = json_optional_string(id, "imageDigest");
        if (digest && json_object_get(used, digest))
            return digest;
    }
    return NULL;
}

bool ecr_remove_image(const struct aws *aws, const char *image_uri, const json_t *used,
                      struct error *err)
{
    owned(ecr_repository) struct ecr_repository repository = {0};
    json_owned json_t *indexes = json_array();
    json_owned json_t *manifests = json_array();
    bool found = false;

    if (!find_ours(aws, image_uri, &repository, &found, err))
        return false;
    if (!found)
        return true;
    if (!find_family(aws, &repository, strchr(image_uri, '@') + 1, indexes, manifests, err))
        return false;
    const char *needed = find_used(manifests, used);
    if (needed) {
        progress_step(aws->progress, "Image '%s' is kept: another function runs %s", image_uri,
                      needed);
        return true;
    }
    if (!ecr_delete_images(aws, repository.name, indexes, err) ||
        !ecr_delete_images(aws, repository.name, manifests, err))
        return false;
    progress_step(aws->progress, "Image '%s' successfully deleted.", image_uri);
    return ecr_delete_repository(aws, &repository, err);
}

void ecr_repository_release(struct ecr_repository *repository)
{
    free(repository->name);
    free(repository->arn);
    free(repository->uri);
    *repository = (struct ecr_repository){0};
}

void ecr_login_release(struct ecr_login *login)
{
    registry_login_release(&login->login);
    free(login->url);
    *login = (struct ecr_login){0};
}
