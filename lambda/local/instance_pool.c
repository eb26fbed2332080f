/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/instance_pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "oci/base/memory.h"

/* First in, first out. */
struct queue {
    struct instance_job *first, *last;
};

struct instance_pool {
    struct instance_options options;
    size_t limit;
    int done_fd, stop_fd; /* eventfds */

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct queue waiting, done;
    struct instance **idle; /* the last one was used last */
    size_t idle_count;
    pthread_t *threads;
    size_t thread_count, thread_idle;
    bool is_stopping;
};

static void queue_add(struct queue *queue, struct instance_job *job)
{
    job->next = NULL;
    if (queue->last)
        queue->last->next = job;
    else
        queue->first = job;
    queue->last = job;
}

static struct instance_job *queue_take(struct queue *queue)
{
    struct instance_job *job = queue->first;

    if (job)
        queue->first = job->next;
    if (!queue->first)
        queue->last = NULL;
    return job;
}

static void ring(int fd)
{
    const uint64_t one = 1;

    while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
        ;
}

bool instance_pool_open(const struct instance_options *options, size_t instances,
                        struct instance_pool **out, struct error *err)
{
    struct instance_pool *pool = memory_new(1, sizeof *pool);

    pool->options = *options;
    pool->limit = instances;
    pool->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pool->options.stop_fd = pool->stop_fd;
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->changed, NULL);
    pool->idle = memory_new(instances, sizeof(struct instance *));
    pool->threads = memory_new(instances, sizeof *pool->threads);
    if (pool->done_fd < 0 || pool->stop_fd < 0) {
        error_set_errno(err, "make an eventfd");
        instance_pool_free(pool);
        return false;
    }
    *out = pool;
    return true;
}

int instance_pool_fd(const struct instance_pool *pool)
{
    return pool->done_fd;
}

static struct instance *take_instance(struct instance_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    struct instance *instance = pool->idle_count > 0 ? pool->idle[--pool->idle_count] : NULL;
    pthread_mutex_unlock(&pool->mutex);
    return instance ? instance : instance_new(&pool->options);
}

static void do_job(struct instance_pool *pool, struct instance_job *job)
{
    struct instance *instance = take_instance(pool);

    job->succeeded = instance_invoke(instance, &job->event, &job->result, &job->err);
    pthread_mutex_lock(&pool->mutex);
    pool->idle[pool->idle_count++] = instance;
    queue_add(&pool->done, job);
    pthread_mutex_unlock(&pool->mutex);
    ring(pool->done_fd);
}

/* The sandboxes a thread has started end with it, so it stays until all shall end. */
static void *work(void *argument)
{
    struct instance_pool *pool = argument;

    for (;;) {
        pthread_mutex_lock(&pool->mutex);
        pool->thread_idle++;
        while (!pool->is_stopping && !pool->waiting.first)
            pthread_cond_wait(&pool->changed, &pool->mutex);
        pool->thread_idle--;
        bool is_stopping = pool->is_stopping;
        struct instance_job *job = is_stopping ? NULL : queue_take(&pool->waiting);
        pthread_mutex_unlock(&pool->mutex);
        if (is_stopping)
            return NULL;
        do_job(pool, job);
    }
}

static size_t count_jobs(const struct queue *queue)
{
    size_t count = 0;

    for (const struct instance_job *each = queue->first; each; each = each->next)
        count++;
    return count;
}

void instance_pool_add(struct instance_pool *pool, struct instance_job *job)
{
    pthread_mutex_lock(&pool->mutex);
    queue_add(&pool->waiting, job);
    bool needs_thread = count_jobs(&pool->waiting) > pool->thread_idle;
    if (needs_thread && pool->thread_count < pool->limit &&
        pthread_create(&pool->threads[pool->thread_count], NULL, work, pool) == 0)
        pool->thread_count++;
    if (pool->thread_count == 0) { /* not even one */
        queue_take(&pool->waiting);
        error_set(&job->err, ERROR_SYSTEM, "start a thread for the function");
        queue_add(&pool->done, job);
        ring(pool->done_fd);
    }
    pthread_cond_signal(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
}

struct instance_job *instance_pool_take(struct instance_pool *pool)
{
    uint64_t times;

    pthread_mutex_lock(&pool->mutex);
    struct instance_job *job = queue_take(&pool->done);
    bool is_empty = !pool->done.first;
    pthread_mutex_unlock(&pool->mutex);
    if (!job && is_empty && read(pool->done_fd, &times, sizeof times) > 0)
        return instance_pool_take(pool); /* one may have come between */
    return job;
}

void instance_pool_stop(struct instance_pool *pool)
{
    struct instance_job *job;

    pthread_mutex_lock(&pool->mutex);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->changed);
    pthread_mutex_unlock(&pool->mutex);
    ring(pool->stop_fd);
    while (pool->thread_count > 0)
        pthread_join(pool->threads[--pool->thread_count], NULL);
    while (pool->idle_count > 0)
        instance_free(pool->idle[--pool->idle_count]);
    while ((job = queue_take(&pool->waiting))) {
        error_set(&job->err, ERROR_CONFLICT, "the invocation was stopped");
        queue_add(&pool->done, job);
    }
}

void instance_pool_free(struct instance_pool *pool)
{
    if (!pool)
        return;
    instance_pool_stop(pool);
    pthread_cond_destroy(&pool->changed);
    pthread_mutex_destroy(&pool->mutex);
    if (pool->done_fd >= 0)
        close(pool->done_fd);
    if (pool->stop_fd >= 0)
        close(pool->stop_fd);
    free(pool->idle);
    free(pool->threads);
    free(pool);
}
