/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/shipment.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/transfer.h"

enum {
    BLOBS_LIMIT = 10000,
    WORKERS = 8, /* blobs under way at once */
    SMALL_BYTES = 1024 * 1024,
};

struct shipment {
    struct store *from;
    struct store *to;
    struct progress *progress;
    atomic_bool stopped;

    pthread_mutex_t lock; /* for what follows */
    pthread_cond_t changed;
    struct parcel {
        struct descriptor blob;
        bool is_taken;
    } * parcels;
    size_t count;
    size_t waiting; /* not taken by anybody */
    size_t under_way;
    struct {
        size_t announced; /* nobody has seen to them */
        size_t under_way;
        size_t open; /* and not used */
    } configs;
    size_t idle; /* threads */
    bool is_closed;
    pthread_t threads[WORKERS];
    size_t thread_count;
    struct shipment_summary summary;
    struct error err;
};

/* --- the bytes of one blob -----------------------------------------------------------------
 */

/* Those that go a second time are not counted again. */
struct watched_source {
    struct source source;
    struct source *inner;
    struct shipment *shipment;
    int task;
    uint64_t position;
    uint64_t counted;
};

static bool watched_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                         struct error *err)
{
    struct watched_source *watched = (struct watched_source *)self;

    if (atomic_load(&watched->shipment->stopped))
        return error_set(err, ERROR_SYSTEM, "stopped, since another blob failed");
    if (!source_read(watched->inner, bytes, capacity, count, err))
        return false;
    watched->position += *count;
    if (watched->position > watched->counted) {
        progress_advance(watched->shipment->progress, watched->task,
                         watched->position - watched->counted);
        watched->counted = watched->position;
    }
    return true;
}

static bool watched_rewind(struct source *self)
{
    struct watched_source *watched = (struct watched_source *)self;

    watched->position = 0;
    return source_rewind(watched->inner);
}

static void watched_free(struct source *self)
{
    struct watched_source *watched = (struct watched_source *)self;

    source_free(watched->inner);
    free(watched);
}

static const struct source_ops watched_ops = {
    .read = watched_read,
    .rewind = watched_rewind,
    .free = watched_free,
};

/* A blob that is carried shows as a task; others take no time worth showing. */
struct task {
    struct shipment *shipment;
    const struct descriptor *blob;
    int number;
    bool has_begun;
};

static struct source *watch(void *context, struct source *bytes)
{
    struct task *task = context;
    struct watched_source *watched = memory_new(1, sizeof *watched);

    task->number =
        progress_begin(task->shipment->progress, "copied",
                       digest_format_short(&task->blob->digest).text, task->blob->size);
    task->has_begun = true;
    watched->source.ops = &watched_ops;
    watched->inner = bytes;
    watched->shipment = task->shipment;
    watched->task = task->number;
    return &watched->source;
}

/* --- the threads; those called "…_locked" hold the lock ------------------------------------
 */

static void end_locked(struct shipment *shipment, bool succeeded, const struct error *err)
{
    shipment->under_way--;
    if (!succeeded) {
        if (shipment->err.kind == ERROR_NONE)
            shipment->err = *err;
        atomic_store(&shipment->stopped, true);
    }
    pthread_cond_broadcast(&shipment->changed);
}

static bool goes_before(const struct parcel *parcel, const struct parcel *other)
{
    bool is_small = parcel->blob.size <= SMALL_BYTES;
    bool is_other_small = other->blob.size <= SMALL_BYTES;

    if (is_small || is_other_small)
        return is_small && !is_other_small;
    return parcel->blob.size > other->blob.size;
}

static struct descriptor take_parcel_locked(struct shipment *shipment)
{
    struct parcel *next = NULL;

    for (size_t i = 0; i < shipment->count; i++) {
        struct parcel *each = &shipment->parcels[i];
        if (!each->is_taken && (!next || goes_before(each, next)))
            next = each;
    }
    next->is_taken = true;
    shipment->waiting--;
    return next->blob;
}

/* What is under way for a config is there sooner than what one would begin for it now. */
static void await_config_locked(struct shipment *shipment)
{
    while (shipment->configs.open == 0 && shipment->configs.under_way > 0)
        pthread_cond_wait(&shipment->changed, &shipment->lock);
    if (shipment->configs.open > 0)
        shipment->configs.open--;
}

static void bring_locked(struct shipment *shipment)
{
    struct error err = {0};
    struct descriptor blob = take_parcel_locked(shipment);
    struct task task = {.shipment = shipment, .blob = &blob};
    struct shipment_summary *summary = &shipment->summary;
    enum blob_way way;

    if (media_type_is_config(blob.media_type))
        await_config_locked(shipment);
    pthread_mutex_unlock(&shipment->lock);
    bool moved = transfer_blob(shipment->from, shipment->to, &blob, watch, &task, &way, &err);
    if (task.has_begun)
        progress_end(shipment->progress, task.number, moved);
    pthread_mutex_lock(&shipment->lock);
    if (moved) {
        summary->blobs_there += way == BLOB_WAS_THERE;
        summary->blobs_mounted += way == BLOB_MOUNTED;
        summary->blobs_carried += way == BLOB_CARRIED;
        summary->bytes_carried += way == BLOB_CARRIED ? blob.size : 0;
    }
    end_locked(shipment, moved, &err);
}

static void expect_config_locked(struct shipment *shipment)
{
    struct error err = {0};

    shipment->configs.announced--;
    shipment->configs.under_way++;
    pthread_mutex_unlock(&shipment->lock);
    bool opened = shipment->to->ops->expect_blob(shipment->to, NULL, &err);
    pthread_mutex_lock(&shipment->lock);
    shipment->configs.under_way--;
    shipment->configs.open += opened;
    end_locked(shipment, opened, &err);
}

/* Does the next thing there is to do; false when there is none. */
static bool do_next_locked(struct shipment *shipment)
{
    if (atomic_load(&shipment->stopped) || shipment->waiting + shipment->configs.announced == 0)
        return false;
    shipment->under_way++;
    if (shipment->configs.announced > 0)
        expect_config_locked(shipment);
    else
        bring_locked(shipment);
    return true;
}

static void *work(void *argument)
{
    struct shipment *shipment = argument;

    pthread_mutex_lock(&shipment->lock);
    while (!shipment->is_closed) {
        if (do_next_locked(shipment))
            continue;
        shipment->idle++;
        pthread_cond_wait(&shipment->changed, &shipment->lock);
        shipment->idle--;
    }
    pthread_mutex_unlock(&shipment->lock);
    return NULL;
}

/* Where no thread can be had, who waits does the work. */
static void wake_locked(struct shipment *shipment)
{
    if (shipment->waiting + shipment->configs.announced > shipment->idle &&
        shipment->thread_count < WORKERS &&
        pthread_create(&shipment->threads[shipment->thread_count], NULL, work, shipment) == 0)
        shipment->thread_count++;
    pthread_cond_broadcast(&shipment->changed);
}

/* --- the shipment --------------------------------------------------------------------------
 */

struct shipment *shipment_new(struct store *from, struct store *to, struct progress *progress)
{
    struct shipment *shipment = memory_new(1, sizeof *shipment);

    shipment->from = from;
    shipment->to = to;
    shipment->progress = progress;
    pthread_mutex_init(&shipment->lock, NULL);
    pthread_cond_init(&shipment->changed, NULL);
    return shipment;
}

bool shipment_leads_to(const struct shipment *shipment, const struct store *to)
{
    return shipment->to == to;
}

static bool add_locked(struct shipment *shipment, const struct descriptor *blob,
                       struct error *err)
{
    for (size_t i = 0; i < shipment->count; i++)
        if (digest_equal(&shipment->parcels[i].blob.digest, &blob->digest))
            return true;
    if (shipment->count == BLOBS_LIMIT)
        return error_set(err, ERROR_LIMIT, "more than %d blobs", BLOBS_LIMIT);
    shipment->parcels =
        memory_resize(shipment->parcels, shipment->count + 1, sizeof *shipment->parcels);
    shipment->parcels[shipment->count++] = (struct parcel){.blob = *blob};
    shipment->waiting++;
    wake_locked(shipment);
    return true;
}

bool shipment_add(struct shipment *shipment, const struct descriptor *blob, struct error *err)
{
    if (blob->media_type == MEDIA_TYPE_FOREIGN_LAYER)
        return error_set(err, ERROR_INVALID,
                         "layer %s may not be distributed, so it cannot be copied",
                         digest_format(&blob->digest).text);
    pthread_mutex_lock(&shipment->lock);
    bool added = add_locked(shipment, blob, err);
    pthread_mutex_unlock(&shipment->lock);
    return added;
}

void shipment_expect_config(struct shipment *shipment)
{
    if (!shipment->to->ops->expect_blob)
        return;
    pthread_mutex_lock(&shipment->lock);
    shipment->configs.announced++;
    wake_locked(shipment);
    pthread_mutex_unlock(&shipment->lock);
}

bool shipment_wait(struct shipment *shipment, struct shipment_summary *out, struct error *err)
{
    pthread_mutex_lock(&shipment->lock);
    for (;;) {
        if (do_next_locked(shipment))
            continue;
        if (shipment->under_way == 0)
            break;
        pthread_cond_wait(&shipment->changed, &shipment->lock);
    }
    bool succeeded = shipment->err.kind == ERROR_NONE;
    if (succeeded)
        *out = shipment->summary;
    else
        *err = shipment->err;
    pthread_mutex_unlock(&shipment->lock);
    return succeeded;
}

void shipment_free(struct shipment *shipment)
{
    if (!shipment)
        return;
    pthread_mutex_lock(&shipment->lock);
    shipment->is_closed = true;
    atomic_store(&shipment->stopped, true);
    pthread_cond_broadcast(&shipment->changed);
    pthread_mutex_unlock(&shipment->lock);
    for (size_t i = 0; i < shipment->thread_count; i++)
        pthread_join(shipment->threads[i], NULL);
    pthread_mutex_destroy(&shipment->lock);
    pthread_cond_destroy(&shipment->changed);
    free(shipment->parcels);
    free(shipment);
}
