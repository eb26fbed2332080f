/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/repository.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/download.h"
#include "registry/manifest_exchange.h"
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

    pthread_mutex_t lock; /* for what follows */
    struct open_upload *uploads;
    struct digest *held; /* blobs that are there, as we know without asking */
    size_t held_count;
    const struct repository *refused; /* the last one that no blob was mounted from */
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

/* --- manifests ---------------------------------------------------------------------------- */

static bool repository_resolve(struct store *self, const char *name, struct document *out,
                               struct error *err)
{
    struct repository *repository = (struct repository *)self;
    const struct manifest_place place = {repository->session, repository->name,
                                         scope_to_read(repository)};

    return manifest_get(&place, name, out, err);
}

static bool repository_put_manifest(struct store *self, const char *tag,
                                    const struct document *manifest, struct error *err)
{
    struct repository *repository = (struct repository *)self;
    const struct manifest_place place = {repository->session, repository->name,
                                         scope_to_write(repository)};

    return manifest_put(&place, tag, manifest, err);
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
    owned(memory) char *path = text_format("/v2/%s/blobs/%s", repository->name, digest.text);
    owned(memory) char *url = session_url(repository->session, path);

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

static void leave(struct store *self)
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
    .free = leave,
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

/* --- the repository ------------------------------------------------------------------------
 */

struct repository *repository_new(struct session *session, const char *name)
{
    struct repository *repository = memory_new(1, sizeof *repository);

    repository->store.ops = &repository_ops;
    repository->session = session;
    repository->name = memory_copy_string(name);
    repository->pull_scope = text_format("repository:%s:pull", name);
    repository->push_scope = text_format("repository:%s:pull,push", name);
    pthread_mutex_init(&repository->lock, NULL);
    return repository;
}

void repository_free(struct repository *repository)
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

bool repository_is(const struct repository *repository, const struct session *session,
                   const char *name)
{
    return repository->session == session && strcmp(repository->name, name) == 0;
}

struct store *repository_store(struct repository *repository)
{
    return &repository->store;
}
