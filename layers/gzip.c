/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One gzip member, made by as many threads as there are processors.
 *
 * The bytes are cut into chunks of one size, which become parts of a deflate stream, each by
 * itself. Whoever writes fills a ring of them, helps where the ring is full, and passes on, in
 * order, what is done. Nothing of this shows in what comes out.
 */
#include "layers/compression.h"

#include <libdeflate.h>
#include <part.h>
#include <pthread.h>

#include "oci/base/memory.h"
#include "oci/base/work.h"

enum {
    LEVEL = 5,
    CHUNK_BYTES = 256 * 1024, /* another size gives other bytes */
    STORED_MOST = 65535,      /* in a block, RFC 1951 3.2.4 */
    THREADS_LIMIT = 8,
};

struct chunk {
    char *plain;
    size_t count;
    char *packed;
    size_t packed_count;
    bool is_packed;
};

struct gzip {
    struct sink sink;
    struct libdeflate_compressor *compressor; /* the caller's; each thread has one */
    uint32_t crc;
    uint32_t size; /* modulo 2^32, as the format has it */
    bool has_head;

    struct chunk *ring;
    size_t ring_size;
    size_t passed_on; /* this many chunks are, and the next are in the ring */

    pthread_mutex_t lock; /* guards what follows, and is_packed of each chunk */
    pthread_cond_t filled;
    pthread_cond_t packed;
    size_t filled_count;
    size_t taken_count;
    bool has_ended;

    pthread_t threads[THREADS_LIMIT];
    size_t thread_count;
};

/* --- one chunk --- */

static size_t packed_bound(void)
{
    return libdeflate_deflate_compress_bound(NULL, CHUNK_BYTES) + LIBDEFLATE_PART_END_BYTES;
}

/* Whether each byte is as frequent as any other, as it is in what is compressed or encrypted
 * already: no code of them would save more than a seventh of a percent. */
static bool is_noise(const struct chunk *chunk)
{
    const unsigned char *bytes = (const unsigned char *)chunk->plain;
    uint64_t counts[256] = {0};
    uint64_t squares = 0;

    for (size_t i = 0; i < chunk->count; i++)
        counts[bytes[i]]++;
    for (size_t i = 0; i < 256; i++)
        squares += counts[i] * counts[i];
    return squares * 256 * 64 <= (uint64_t)chunk->count * chunk->count * 65;
}

static void put_little_endian(char *out, uint32_t number, size_t count)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (char)(number >> 8 * i & 0xff);
}

static void store(struct chunk *chunk)
{
    for (size_t at = 0; at < chunk->count;) {
        size_t count = chunk->count - at < STORED_MOST ? chunk->count - at : STORED_MOST;
        char *out = chunk->packed + chunk->packed_count;
        out[0] = 0;
        put_little_endian(out + 1, (uint32_t)count, 2);
        put_little_endian(out + 3, ~(uint32_t)count, 2);
        memcpy(out + 5, chunk->plain + at, count);
        chunk->packed_count += 5 + count;
        at += count;
    }
}

static void pack(struct chunk *chunk, struct libdeflate_compressor *compressor)
{
    chunk->packed_count = 0;
    if (is_noise(chunk))
        store(chunk);
    else
        chunk->packed_count = libdeflate_deflate_part(compressor, chunk->plain, chunk->count,
                                                      chunk->packed, packed_bound());
}

/* --- the threads --- */

static struct chunk *chunk_at(const struct gzip *gzip, size_t position)
{
    return &gzip->ring[position % gzip->ring_size];
}

/* With the lock held, which is let go of meanwhile. */
static void pack_next(struct gzip *gzip, struct libdeflate_compressor *compressor)
{
    struct chunk *chunk = chunk_at(gzip, gzip->taken_count++);

    pthread_mutex_unlock(&gzip->lock);
    pack(chunk, compressor);
    pthread_mutex_lock(&gzip->lock);
    chunk->is_packed = true;
    pthread_cond_signal(&gzip->packed);
}

static struct libdeflate_compressor *compressor_new(void)
{
    return memory_checked(libdeflate_alloc_compressor(LEVEL));
}

static void *pack_chunks(void *argument)
{
    struct gzip *gzip = argument;
    struct libdeflate_compressor *compressor = compressor_new();

    pthread_mutex_lock(&gzip->lock);
    for (;;) {
        while (!gzip->has_ended && gzip->taken_count == gzip->filled_count)
            pthread_cond_wait(&gzip->filled, &gzip->lock);
        if (gzip->has_ended)
            break;
        pack_next(gzip, compressor);
    }
    pthread_mutex_unlock(&gzip->lock);
    libdeflate_free_compressor(compressor);
    return NULL;
}

/* Those beside the caller. Small layers have one chunk, and need none; where no thread can be
 * had, the caller does it all. */
static void start_threads(struct gzip *gzip)
{
    size_t wanted = gzip->ring_size - 2; /* one chunk is the caller's, and one is filled */

    while (gzip->thread_count < wanted &&
           pthread_create(&gzip->threads[gzip->thread_count], NULL, pack_chunks, gzip) == 0)
        gzip->thread_count++;
}

/* --- the sink --- */

static bool pass_on(struct gzip *gzip, const struct chunk *chunk, struct error *err)
{
    static const char head[10] = {'\x1f', '\x8b', 8, 0, 0, 0, 0, 0, 0, '\xff'};

    if (!gzip->has_head && !sink_write(gzip->sink.next, head, sizeof head, err))
        return false;
    gzip->has_head = true;
    return sink_write(gzip->sink.next, chunk->packed, chunk->packed_count, err);
}

/* Waits for the oldest chunk, packing others, and passes it on. */
static bool pass_on_oldest(struct gzip *gzip, struct error *err)
{
    struct chunk *oldest = chunk_at(gzip, gzip->passed_on);

    pthread_mutex_lock(&gzip->lock);
    while (!oldest->is_packed)
        if (gzip->taken_count < gzip->filled_count)
            pack_next(gzip, gzip->compressor);
        else
            pthread_cond_wait(&gzip->packed, &gzip->lock);
    pthread_mutex_unlock(&gzip->lock);
    gzip->passed_on++;
    return pass_on(gzip, oldest, err);
}

/* The chunk that is being filled; the last of the ring stays free for it. */
static struct chunk *current(const struct gzip *gzip)
{
    return chunk_at(gzip, gzip->filled_count);
}

static void prepare(struct chunk *chunk)
{
    if (!chunk->plain) {
        chunk->plain = memory_new(CHUNK_BYTES, 1);
        chunk->packed = memory_new(packed_bound(), 1);
    }
    chunk->count = 0;
    chunk->is_packed = false;
}

static bool end_chunk(struct gzip *gzip, struct error *err)
{
    pthread_mutex_lock(&gzip->lock);
    gzip->filled_count++;
    pthread_cond_signal(&gzip->filled);
    pthread_mutex_unlock(&gzip->lock);
    if (gzip->filled_count - gzip->passed_on == gzip->ring_size && !pass_on_oldest(gzip, err))
        return false;
    prepare(current(gzip));
    return true;
}

static bool gzip_write(struct sink *self, const void *bytes, size_t count, struct error *err)
{
    struct gzip *gzip = (struct gzip *)self;
    const char *next = bytes;

    gzip->crc = libdeflate_crc32(gzip->crc, bytes, count);
    gzip->size += (uint32_t)count;
    while (count > 0) {
        struct chunk *chunk = current(gzip);
        size_t room = CHUNK_BYTES - chunk->count;
        size_t some = count < room ? count : room;
        memcpy(chunk->plain + chunk->count, next, some);
        chunk->count += some;
        next += some;
        count -= some;
        if (chunk->count < CHUNK_BYTES)
            break;
        if (gzip->thread_count == 0)
            start_threads(gzip);
        if (!end_chunk(gzip, err))
            return false;
    }
    return true;
}

static bool gzip_finish(struct sink *self, struct error *err)
{
    struct gzip *gzip = (struct gzip *)self;
    /* The last block, which is empty, and the member's end. */
    char end[10] = {3, 0};
    struct chunk tail = {.packed = end, .packed_count = sizeof end};

    put_little_endian(end + 2, gzip->crc, 4);
    put_little_endian(end + 6, gzip->size, 4);
    if (current(gzip)->count > 0 && !end_chunk(gzip, err))
        return false;
    while (gzip->passed_on < gzip->filled_count)
        if (!pass_on_oldest(gzip, err))
            return false;
    return pass_on(gzip, &tail, err);
}

static void gzip_free(struct sink *self)
{
    struct gzip *gzip = (struct gzip *)self;

    pthread_mutex_lock(&gzip->lock);
    gzip->has_ended = true;
    pthread_cond_broadcast(&gzip->filled);
    pthread_mutex_unlock(&gzip->lock);
    for (size_t i = 0; i < gzip->thread_count; i++)
        pthread_join(gzip->threads[i], NULL);
    for (size_t i = 0; i < gzip->ring_size; i++) {
        free(gzip->ring[i].plain);
        free(gzip->ring[i].packed);
    }
    pthread_cond_destroy(&gzip->packed);
    pthread_cond_destroy(&gzip->filled);
    pthread_mutex_destroy(&gzip->lock);
    libdeflate_free_compressor(gzip->compressor);
    free(gzip->ring);
    free(gzip);
}

static const struct sink_ops gzip_ops = {
    .write = gzip_write,
    .finish = gzip_finish,
    .free = gzip_free,
};

struct sink *gzip_sink_on(struct sink *next, size_t threads)
{
    struct gzip *gzip = memory_new(1, sizeof *gzip);
    size_t used = threads < THREADS_LIMIT ? threads : THREADS_LIMIT;

    gzip->sink = (struct sink){.ops = &gzip_ops, .next = next};
    gzip->compressor = compressor_new();
    gzip->ring_size = used + 1;
    gzip->ring = memory_new(gzip->ring_size, sizeof *gzip->ring);
    pthread_mutex_init(&gzip->lock, NULL);
    pthread_cond_init(&gzip->filled, NULL);
    pthread_cond_init(&gzip->packed, NULL);
    prepare(current(gzip));
    return &gzip->sink;
}

struct sink *gzip_sink(struct sink *next)
{
    return gzip_sink_on(next, work_processors());
}
