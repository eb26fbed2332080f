/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/download.h"
#include "registry/mirror.h"
#include "registry/session.h"
#include "registry/tag_list.h"
#include "registry/upload.h"

/* An upload that was opened and waits for put_blob(). */
struct open_upload {
    struct digest digest;
    bool is_for_config; /* the next, and not for a digest */
    char *location;
    struct open_upload *next;
};

struct repository {
    struct store store;
    struct session *session; /* borrowed */
    char *name;
    char *pull_scope;
    char *push_scope;
    atomic_bool is_written; /* from then on only the wider scope is asked for */
    atomic_bool patches;    /* has refused an upload in one PUT */
    struct repository *next;

    pthread_mutex_t lock; /* for what follows */
    struct open_upload *uploads;
    struct digest *held; /* blobs that are there, as we know without asking */
    size_t held_count;
    const struct repository *refused; /* the last one that no blob was mounted from */
};

/* Where images of a host are asked for first. */
struct mirror {
    char *host;
    char *mirror;
    char *path;
};

struct registries {
    struct http *http;
    const char *const *environment;

    pthread_mutex_t lock; /* for what follows */
    struct host {
        struct session *session;
        struct host *next;
    } * hosts;
    struct repository *repositories;
    struct mirror *mirrors;
    size_t mirror_count;
    struct store **sources; /* behind mirrors */
    size_t source_count;
};

static const char *scope_to_read(struct repository *repository)
{
    return atomic_load(&repository->is_written) ? repository->push_scope
                                                : repository->pull_scope;
}

static const char *scope_to_write(struct repository *repository)
{
    atomic_store(&repository->is_written, true);
    return repository->push_scope;
}

static char *repository_url(struct repository *repository, const char *kind, const char *name)
{
    owned(memory) char *path = text_format("/v2/%s/%s/%s", repository->name, kind, name);

    return session_url(repository->session, path);
}

static bool no_image(struct repository *repository, const char *name, struct error *err)
{
    const char *join = strchr(name, ':') ? "@" : ":";

    return error_set(err, ERROR_NOT_FOUND, "no image '%s/%s%s%s'",
                     session_host(repository->session), repository->name, join, name);
}

/* --- manifests ---------------------------------------------------------------------------- */

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

static bool ask_manifest(struct repository *repository, const char *name, struct document *out,
                         bool *broke, struct error *err)
{
    owned(memory) char *url = repository_url(repository, "manifests", name);
    owned(text) struct text accept = {0};
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "GET", .url = url};

    *broke = false;
    add_accepted_types(&accept);
    http_add_header(&request, "Accept", text_string(&accept));
    if (!session_exchange(repository->session, scope_to_read(repository), &request, NULL, 0,
                          &response, err))
        return false;
    if (response.status == 404)
        return no_image(repository, name, err);
    if (response.status != 200)
        return session_error(repository->session, &request, &response, err);
    if (!read_manifest(&response, name, out, broke, err))
        return error_wrap(err, "%s/%s", session_host(repository->session), repository->name);
    return true;
}

static bool repository_resolve(struct store *self, const char *name, struct document *out,
                               struct error *err)
{
    struct repository *repository = (struct repository *)self;
    bool broke;

    for (unsigned int tries = 1; !ask_manifest(repository, name, out, &broke, err); tries++)
        if (!broke || !session_try_again(repository->session, tries, NULL))
            return false;
    return true;
}

static bool tag_names(struct repository *repository, const char *tag,
                      const struct document *manifest)
{
    owned(document) struct document held = {0};
    struct error ignored;

    return repository_resolve(&repository->store, tag, &held, &ignored) &&
           digest_equal(&held.descriptor.digest, &manifest->descriptor.digest);
}

static bool repository_put_manifest(struct store *self, const char *tag,
                                    const struct document *manifest, struct error *err)
{
    struct repository *repository = (struct repository *)self;
    struct digest_text digest = digest_format(&manifest->descriptor.digest);
    owned(memory) char *url = repository_url(repository, "manifests", tag ? tag : digest.text);
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "PUT", .url = url};

    http_add_header(&request, "Content-Type", media_type_name(manifest->descriptor.media_type));
    if (!session_exchange(repository->session, scope_to_write(repository), &request,
                          manifest->bytes, (size_t)manifest->descriptor.size, &response, err))
        return false;
    if (response.status == 201)
        return check_digest_header(&response, manifest, err);

    struct registry_reason reason;
    registry_reason_read(&response, &reason);
    bool is_immutable = tag && strcmp(reason.code, "TAG_INVALID") == 0;
    /* An immutable tag refuses even what it names already, which is all we wanted. */
    if (is_immutable && tag_names(repository, tag, manifest))
        return true;
    session_reason_error(repository->session, &request, response.status, &reason, err);
    if (is_immutable)
        err->kind = ERROR_CONFLICT;
    return false;
}

static bool repository_list_tags(struct store *self, json_t *tags, struct error *err)
{
    struct repository *repository = (struct repository *)self;

    return tag_list_read(repository->session, scope_to_read(repository), repository->name, tags,
                         err);
}

/* --- blobs ---------------------------------------------------------------------------------
 */

static struct upload_target upload_target(struct repository *repository)
{
    return (struct upload_target){repository->session, repository->name,
                                  scope_to_write(repository), &repository->patches};
}

static bool holds(struct repository *repository, const struct digest *digest)
{
    bool found = false;

    pthread_mutex_lock(&repository->lock);
    for (size_t i = 0; i < repository->held_count && !found; i++)
        found = digest_equal(&repository->held[i], digest);
    pthread_mutex_unlock(&repository->lock);
    return found;
}

static void note_held(struct repository *repository, const struct digest *digest)
{
    pthread_mutex_lock(&repository->lock);
    repository->held =
        memory_resize(repository->held, repository->held_count + 1, sizeof *repository->held);
    repository->held[repository->held_count++] = *digest;
    pthread_mutex_unlock(&repository->lock);
}

/* Only who is about to write asks this, so the token it fetches is good for writing too. */
static bool repository_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                                struct error *err)
{
    struct repository *repository = (struct repository *)self;
    struct upload_target target = upload_target(repository);

    *found = holds(repository, &blob->digest);
    if (*found)
        return true;
    if (!upload_is_done(&target, blob, found, err))
        return false;
    if (*found)
        note_held(repository, &blob->digest);
    return true;
}

static bool repository_open_blob_at(struct store *self, const struct descriptor *blob,
                                    uint64_t offset, struct source **out, struct error *err)
{
    struct repository *repository = (struct repository *)self;
    struct digest_text digest = digest_format(&blob->digest);
    owned(memory) char *url = repository_url(repository, "blobs", digest.text);

    if (download_open(repository->session, scope_to_read(repository), url, offset, out, err))
        return true;
    if (err->kind != ERROR_NOT_FOUND)
        return false;
    return error_set(err, ERROR_NOT_FOUND, "no blob %s in %s/%s", digest.text,
                     session_host(repository->session), repository->name);
}

static bool repository_open_blob(struct store *self, const struct descriptor *blob,
                                 struct source **out, struct error *err)
{
    struct source *bytes;

    if (!repository_open_blob_at(self, blob, 0, &bytes, err))
        return false;
    *out = descriptor_verify(blob, bytes);
    return true;
}

static bool is_for(const struct open_upload *upload, const struct descriptor *blob)
{
    if (upload->is_for_config)
        return media_type_is_config(blob->media_type);
    return digest_equal(&upload->digest, &blob->digest);
}

/* With the lock held. */
static struct open_upload **find_upload(struct repository *repository,
                                        const struct descriptor *blob)
{
    struct open_upload **place = &repository->uploads;

    while (*place && !is_for(*place, blob))
        place = &(*place)->next;
    return place;
}

static char *take_upload(struct repository *repository, const struct descriptor *blob)
{
    char *location = NULL;

    pthread_mutex_lock(&repository->lock);
    struct open_upload **place = find_upload(repository, blob);
    if (*place) {
        struct open_upload *upload = *place;
        *place = upload->next;
        location = upload->location;
        free(upload);
    }
    pthread_mutex_unlock(&repository->lock);
    return location;
}

/* `blob` NULL: for the next config. */
static void keep_upload(struct repository *repository, const struct descriptor *blob,
                        char *location)
{
    struct open_upload *upload = memory_new(1, sizeof *upload);

    if (blob)
        upload->digest = blob->digest;
    upload->is_for_config = !blob;
    upload->location = location;
    pthread_mutex_lock(&repository->lock);
    upload->next = repository->uploads;
    repository->uploads = upload;
    pthread_mutex_unlock(&repository->lock);
}

static bool repository_expect_blob(struct store *self, const struct descriptor *blob,
                                   struct error *err)
{
    struct repository *repository = (struct repository *)self;
    struct upload_target target = upload_target(repository);
    char *location;

    pthread_mutex_lock(&repository->lock);
    bool is_open = blob && *find_upload(repository, blob); /* a mount was asked for */
    pthread_mutex_unlock(&repository->lock);
    if (is_open)
        return true;
    if (!upload_open(&target, NULL, NULL, &location, err))
        return false;
    keep_upload(repository, blob, location);
    return true;
}

static bool repository_put_blob(struct store *self, const struct descriptor *blob,
                                struct source *bytes, struct error *err)
{
    struct repository *repository = (struct repository *)self;
    struct upload_target target = upload_target(repository);

    if (!upload_blob(&target, blob, take_upload(repository, blob), bytes, err))
        return false;
    note_held(repository, &blob->digest);
    return true;
}

static void repository_free(struct store *self)
{
    (void)self; /* it ends with its registries */
}

static bool repository_mount_blob(struct store *self, struct store *from,
                                  const struct descriptor *blob, bool *mounted,
                                  struct error *err);

static const struct store_ops repository_ops = {
    .resolve = repository_resolve,
    .has_blob = repository_has_blob,
    .open_blob = repository_open_blob,
    .open_blob_at = repository_open_blob_at,
    .expect_blob = repository_expect_blob,
    .put_blob = repository_put_blob,
    .mount_blob = repository_mount_blob,
    .put_manifest = repository_put_manifest,
    .list_tags = repository_list_tags,
    .free = repository_free,
    .is_far = true,
};

/* Whether there is a point in asking. Who has refused one blob of a sibling refuses all. */
static bool may_mount(struct repository *repository, const struct store *from)
{
    const struct repository *sibling = (const struct repository *)from;

    if (from->ops != &repository_ops || sibling == repository ||
        sibling->session != repository->session)
        return false;
    pthread_mutex_lock(&repository->lock);
    bool was_refused = repository->refused == sibling;
    pthread_mutex_unlock(&repository->lock);
    return !was_refused;
}

static bool repository_mount_blob(struct store *self, struct store *from,
                                  const struct descriptor *blob, bool *mounted,
                                  struct error *err)
{
    struct repository *repository = (struct repository *)self;
    const struct repository *sibling = (const struct repository *)from;

    *mounted = false;
    if (!may_mount(repository, from) || holds(repository, &blob->digest))
        return true;

    owned(memory) char *scope =
        text_format("%s %s", scope_to_write(repository), sibling->pull_scope);
    struct upload_target target = upload_target(repository);
    target.scope = scope;
    char *location;
    if (!upload_open(&target, blob, sibling->name, &location, err))
        return false;
    *mounted = !location;
    if (*mounted) {
        note_held(repository, &blob->digest);
        return true;
    }
    keep_upload(repository, blob, location);
    pthread_mutex_lock(&repository->lock);
    repository->refused = sibling;
    pthread_mutex_unlock(&repository->lock);
    return true;
}

/* --- registries ----------------------------------------------------------------------------
 */

struct registries *registries_new(struct http *http, const char *const *environment)
{
    struct registries *registries = memory_new(1, sizeof *registries);

    registries->http = http;
    registries->environment = environment;
    pthread_mutex_init(&registries->lock, NULL);
    return registries;
}

static void free_repository(struct repository *repository)
{
    while (repository->uploads) {
        struct open_upload *upload = repository->uploads;
        repository->uploads = upload->next;
        free(upload->location);
        free(upload);
    }
    pthread_mutex_destroy(&repository->lock);
    free(repository->held);
    free(repository->name);
    free(repository->pull_scope);
    free(repository->push_scope);
    free(repository);
}

void registries_free(struct registries *registries)
{
    if (!registries)
        return;
    for (size_t i = 0; i < registries->source_count; i++)
        store_free(registries->sources[i]);
    free(registries->sources);
    for (size_t i = 0; i < registries->mirror_count; i++) {
        free(registries->mirrors[i].host);
        free(registries->mirrors[i].mirror);
        free(registries->mirrors[i].path);
    }
    free(registries->mirrors);
    while (registries->repositories) {
        struct repository *repository = registries->repositories;
        registries->repositories = repository->next;
        free_repository(repository);
    }
    while (registries->hosts) {
        struct host *host = registries->hosts;
        registries->hosts = host->next;
        session_free(host->session);
        free(host);
    }
    pthread_mutex_destroy(&registries->lock);
    free(registries);
}

/* With the lock held. */
static struct session *find_session(struct registries *registries, const char *name)
{
    for (struct host *host = registries->hosts; host; host = host->next)
        if (strcmp(session_host(host->session), name) == 0)
            return host->session;

    struct host *host = memory_new(1, sizeof *host);
    host->session = session_new(registries->http, registries->environment, name);
    host->next = registries->hosts;
    registries->hosts = host;
    return host->session;
}

void registries_set_login(struct registries *registries, const char *host, const char *url,
                          const struct registry_login *login)
{
    pthread_mutex_lock(&registries->lock);
    session_set_login(find_session(registries, host), url, login);
    pthread_mutex_unlock(&registries->lock);
}

void registries_renew_login(struct registries *registries, const char *host,
                            struct login_source *source)
{
    pthread_mutex_lock(&registries->lock);
    session_renew_login(find_session(registries, host), source);
    pthread_mutex_unlock(&registries->lock);
}

bool registries_check_login(struct registries *registries, const char *host, struct error *err)
{
    pthread_mutex_lock(&registries->lock);
    struct session *session = find_session(registries, host);
    pthread_mutex_unlock(&registries->lock);

    owned(memory) char *url = session_url(session, "/v2/");
    owned(http_response) struct http_response response = {0};
    const struct http_request request = {.method = "GET", .url = url};
    if (!session_exchange(session, "", &request, NULL, 0, &response, err))
        return false;
    return response.status == 200 || session_error(session, &request, &response, err);
}

void registries_set_plain(struct registries *registries, const char *host)
{
    owned(memory) char *url = text_format("http://%s", host);

    pthread_mutex_lock(&registries->lock);
    session_set_url(find_session(registries, host), url);
    pthread_mutex_unlock(&registries->lock);
}

/* With the lock held. */
static struct repository *find_repository(struct registries *registries,
                                          struct session *session, const char *name)
{
    for (struct repository *each = registries->repositories; each; each = each->next)
        if (each->session == session && strcmp(each->name, name) == 0)
            return each;

    struct repository *repository = memory_new(1, sizeof *repository);
    repository->store.ops = &repository_ops;
    repository->session = session;
    repository->name = memory_copy_string(name);
    repository->pull_scope = text_format("repository:%s:pull", name);
    repository->push_scope = text_format("repository:%s:pull,push", name);
    pthread_mutex_init(&repository->lock, NULL);
    repository->next = registries->repositories;
    registries->repositories = repository;
    return repository;
}

struct store *registries_repository(struct registries *registries, const char *host,
                                    const char *repository)
{
    pthread_mutex_lock(&registries->lock);
    struct session *session = find_session(registries, host);
    struct repository *found = find_repository(registries, session, repository);
    pthread_mutex_unlock(&registries->lock);
    return &found->store;
}

void registries_add_mirror(struct registries *registries, const char *host, const char *mirror,
                           const char *path)
{
    pthread_mutex_lock(&registries->lock);
    registries->mirrors = memory_resize(registries->mirrors, registries->mirror_count + 1,
                                        sizeof *registries->mirrors);
    registries->mirrors[registries->mirror_count++] = (struct mirror){
        memory_copy_string(host), memory_copy_string(mirror), memory_copy_string(path)};
    pthread_mutex_unlock(&registries->lock);
}

static void keep_source(struct registries *registries, struct store *source)
{
    pthread_mutex_lock(&registries->lock);
    registries->sources = memory_resize(registries->sources, registries->source_count + 1,
                                        sizeof *registries->sources);
    registries->sources[registries->source_count++] = source;
    pthread_mutex_unlock(&registries->lock);
}

struct store *registries_source(struct registries *registries, const char *host,
                                const char *repository)
{
    struct store *source = registries_repository(registries, host, repository);

    /* The first one is to be the outermost. */
    for (size_t i = registries->mirror_count; i-- > 0;) {
        const struct mirror *each = &registries->mirrors[i];
        if (strcasecmp(each->host, host) != 0)
            continue;
        owned(memory) char *path =
            text_format("%s%s%s", each->path, each->path[0] ? "/" : "", repository);
        source = mirror_store(registries_repository(registries, each->mirror, path), source);
        keep_source(registries, source);
    }
    return source;
}
