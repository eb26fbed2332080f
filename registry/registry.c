/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/mirror.h"
#include "registry/repository.h"
#include "registry/session.h"

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
    struct repository **repositories;
    size_t repository_count;
    struct mirror *mirrors;
    size_t mirror_count;
    struct store **sources; /* behind mirrors */
    size_t source_count;
};

struct registries *registries_new(struct http *http, const char *const *environment)
{
    struct registries *registries = memory_new(1, sizeof *registries);

    registries->http = http;
    registries->environment = environment;
    pthread_mutex_init(&registries->lock, NULL);
    return registries;
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
    for (size_t i = 0; i < registries->repository_count; i++)
        repository_free(registries->repositories[i]);
    free(registries->repositories);
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
    for (size_t i = 0; i < registries->repository_count; i++)
        if (repository_is(registries->repositories[i], session, name))
            return registries->repositories[i];

    struct repository *repository = repository_new(session, name);
    registries->repositories =
        memory_resize(registries->repositories, registries->repository_count + 1,
                      sizeof(struct repository *));
    registries->repositories[registries->repository_count++] = repository;
    return repository;
}

struct store *registries_repository(struct registries *registries, const char *host,
                                    const char *repository)
{
    pthread_mutex_lock(&registries->lock);
    struct session *session = find_session(registries, host);
    struct repository *found = find_repository(registries, session, repository);
    pthread_mutex_unlock(&registries->lock);
    return repository_store(found);
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
