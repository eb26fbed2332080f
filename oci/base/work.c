/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/work.h"

#include <assert.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "oci/base/memory.h"

struct work {
    work_function *function;
    void *context;
    size_t count;
    atomic_size_t next;
    atomic_bool stopped;
    pthread_mutex_t lock; /* guards err */
    struct error err;
};

static void fail(struct work *work, const struct error *err)
{
    assert(err->kind != ERROR_NONE);

    pthread_mutex_lock(&work->lock);
    if (work->err.kind == ERROR_NONE)
        work->err = *err;
    pthread_mutex_unlock(&work->lock);
    atomic_store(&work->stopped, true);
}

static void *take_pieces(void *argument)
{
    struct work *work = argument;

    while (!work_stopped(work)) {
        size_t piece = atomic_fetch_add(&work->next, 1);
        if (piece >= work->count)
            break;
        struct error err = {0};
        if (!work->function(work->context, work, piece, &err))
            fail(work, &err);
    }
    return NULL;
}

bool work_run(size_t count, size_t threads, work_function *function, void *context,
              struct error *err)
{
    struct work work = {.function = function, .context = context, .count = count};
    size_t wanted = threads < count ? threads : count;
    size_t started = 0;

    pthread_mutex_init(&work.lock, NULL);
    /* The caller is one of the workers; where no more threads can be had, the only one. */
    owned(memory) pthread_t *helpers = memory_new(wanted, sizeof *helpers);
    while (started + 1 < wanted &&
           pthread_create(&helpers[started], NULL, take_pieces, &work) == 0)
        started++;
    take_pieces(&work);
    for (size_t i = 0; i < started; i++)
        pthread_join(helpers[i], NULL);
    pthread_mutex_destroy(&work.lock);

    if (work.err.kind == ERROR_NONE)
        return true;
    *err = work.err;
    return false;
}

size_t work_processors(void)
{
    cpu_set_t processors;

    /* The set is too small for machines with more than 1024 of them; one is always right. */
    if (sched_getaffinity(0, sizeof processors, &processors) != 0)
        return 1;
    return (size_t)CPU_COUNT(&processors);
}

bool work_stopped(struct work *work)
{
    return atomic_load(&work->stopped);
}
