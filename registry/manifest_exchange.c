/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/manifest_exchange.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static char *manifest_url(const struct manifest_place *place, const char *name)
{
    owned(memory) char *path = text_format("/v2/%s/manifests/%s", place->repository, name);

    return session_url(place->session, path);
}

static bool no_image(const struct manifest_place *place, const char *name, struct error *err)
{
    const char *join = strchr(name, ':') ? "@" : ":";

    return error_set(err, ERROR_NOT_FOUND, "no image '%s/%s%s%s'", session_host(place->session),
                     place->repository, join, name);
}

static void add_accepted_types(struct text *text)
{
    static const enum media_type types[] = {
        MEDIA_TYPE_OCI_INDEX,
        MEDIA_TYPE_OCI_MANIFEST,
        MEDIA_TYPE_DOCKER_LIST,
        MEDIA_TYPE_DOCKER_MANIFEST,
    };

    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        text_addf(text, "%s%s", i > 0 ? ", " : "", media_type_name(types[i]));
}

/* What the registry calls it must be what came. */
static bool check_digest_header(const struct http_response *response,
                                const struct document *document, struct error *err)
{
    const char *text = http_header(response, "Docker-Content-Digest");
    struct error not_sha256;
    struct digest announced;

    if (!text || !digest_parse(text, &announced, &not_sha256) ||
        digest_equal(&announced, &document->descriptor.digest))
        return true;
    return error_set(err, ERROR_INVALID, "manifest %s has digest %s", text,
                     digest_format(&document->descriptor.digest).text);
}

/* `*broke` tells an answer that broke off from one that never began. */
static bool read_manifest(struct http_response *response, const char *name,
                          struct document *out, bool *broke, struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count;
    struct document document = {0};

    if (!http_read_answer(response, MANIFEST_LIMIT, &bytes, &count, err)) {
        *broke = err->kind == ERROR_NETWORK;
        if (err->kind == ERROR_LIMIT)
            return error_set(err, ERROR_LIMIT, "manifest larger than %d bytes", MANIFEST_LIMIT);
        return false;
    }

    const char *header = http_header(response, "Content-Type");
    size_t length = header ? strcspn(header, "; \t") : 0;
    owned(memory) char *type = text_format("%.*s", (int)length, header ? header : "");
    if (!document_read(&bytes, count, type, name, &document, err))
        return false;
    if (!check_digest_header(response, &document, err)) {
        document_release(&document);
        return false;
    }
    *out = document;
    return true;
}

static bool ask(const struct manifest_place *place, const char *name, struct document *out,
                bool *broke, struct error *err)
{
    owned(memory) char *url = manifest_url(place, name);
    owned(text) struct text accept = {0};
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "GET", .url = url};

    *broke = false;
    add_accepted_types(&accept);
    http_add_header(&request, "Accept", text_string(&accept));
    if (!session_exchange(place->session, place->scope, &request, NULL, 0, &response, err))
        return false;
    if (response.status == 404)
        return no_image(place, name, err);
    if (response.status != 200)
        return session_error(place->session, &request, &response, err);
    if (!read_manifest(&response, name, out, broke, err))
        return error_wrap(err, "%s/%s", session_host(place->session), place->repository);
    return true;
}

bool manifest_get(const struct manifest_place *place, const char *name, struct document *out,
                  struct error *err)
{
    bool broke;

    for (unsigned int tries = 1; !ask(place, name, out, &broke, err); tries++)
        if (!broke || !session_try_again(place->session, tries, NULL))
            return false;
    return true;
}

static bool tag_names(const struct manifest_place *place, const char *tag,
                      const struct document *manifest)
{
    owned(document) struct document held = {0};
    struct error ignored;

    return manifest_get(place, tag, &held, &ignored) &&
           digest_equal(&held.descriptor.digest, &manifest->descriptor.digest);
}

/* What the specification leaves to each manifest, and Amazon ECR refuses in other words. */
static bool lacks_media_type(const struct document *manifest)
{
    json_owned json_t *json = NULL;
    struct error ignored;

    return document_parse(manifest, &json, &ignored) &&
           !json_optional_string(json, "mediaType");
}

bool manifest_put(const struct manifest_place *place, const char *tag,
                  const struct document *manifest, struct error *err)
{
    struct digest_text digest = digest_format(&manifest->descriptor.digest);
    owned(memory) char *url = manifest_url(place, tag ? tag : digest.text);
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "PUT", .url = url};

    http_add_header(&request, "Content-Type", media_type_name(manifest->descriptor.media_type));
    if (!session_exchange(place->session, place->scope, &request, manifest->bytes,
                          (size_t)manifest->descriptor.size, &response, err))
        return false;
    if (response.status == 201)
        return check_digest_header(&response, manifest, err);

    struct registry_reason reason;
    registry_reason_read(&response, &reason);
    bool is_immutable = tag && strcmp(reason.code, "TAG_INVALID") == 0;
    /* An immutable tag refuses even what it names already, which is all we wanted. */
    if (is_immutable && tag_names(place, tag, manifest))
        return true;
    session_reason_error(place->session, &request, response.status, &reason, err);
    if (is_immutable)
        err->kind = ERROR_CONFLICT;
    const struct error refusal = *err;
    if (!lacks_media_type(manifest) || (response.status != 400 && response.status != 405))
        return false;
    return error_set(err, refusal.kind,
                     "%.800s; the manifest has no mediaType, which Amazon ECR wants: 'skiff "
                     "build' gives the image it makes one",
                     refusal.text);
}
