/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/stream.h"

#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { COPY_BUFFER_BYTES = 64 * 1024 };

bool source_read(struct source *source, void *bytes, size_t capacity, size_t *count,
                 struct error *err)
{
    return source->ops->read(source, bytes, capacity, count, err);
}

void source_free(struct source *source)
{
    if (source)
        source->ops->free(source);
}

bool source_rewind(struct source *source)
{
    return source->ops->rewind && source->ops->rewind(source);
}

bool sink_write(struct sink *sink, const void *bytes, size_t count, struct error *err)
{
    return sink->ops->write(sink, bytes, count, err);
}

bool sink_finish(struct sink *sink, struct error *err)
{
    owned(sink) struct sink *stack = sink;

    for (struct sink *each = stack; each; each = each->next)
        if (each->ops->finish && !each->ops->finish(each, err))
            return false;
    return true;
}

void sink_free(struct sink *sink)
{
    while (sink) {
        struct sink *next = sink->next;
        sink->ops->free(sink);
        sink = next;
    }
}

bool stream_copy(struct source *from, struct sink *to, struct error *err)
{
    char buffer[COPY_BUFFER_BYTES];

    for (;;) {
        size_t count;
        if (!source_read(from, buffer, sizeof buffer, &count, err))
            return false;
        if (count == 0)
            return true;
        if (!sink_write(to, buffer, count, err))
            return false;
    }
}

struct memory_sink {
    struct sink sink;
    size_t limit;
    struct text text;
    char **bytes_out;
    size_t *count_out;
};

static bool memory_sink_write(struct sink *self, const void *bytes, size_t count,
                              struct error *err)
{
    struct memory_sink *memory = (struct memory_sink *)self;

    if (count > memory->limit - memory->text.length)
        return error_set(err, ERROR_LIMIT, "more than %zu bytes", memory->limit);
    text_add_bytes(&memory->text, bytes, count);
    return true;
}

static bool memory_sink_finish(struct sink *self, struct error *err)
{
    struct memory_sink *memory = (struct memory_sink *)self;
    (void)err;

    *memory->count_out = memory->text.length;
    *memory->bytes_out = text_take(&memory->text);
    return true;
}

static void memory_sink_free(struct sink *self)
{
    struct memory_sink *memory = (struct memory_sink *)self;

    text_release(&memory->text);
    free(memory);
}

static const struct sink_ops memory_sink_ops = {
    .write = memory_sink_write,
    .finish = memory_sink_finish,
    .free = memory_sink_free,
};

struct sink *memory_sink(size_t limit, char **bytes, size_t *count)
{
    struct memory_sink *memory = memory_new(1, sizeof *memory);

    memory->sink.ops = &memory_sink_ops;
    memory->limit = limit;
    memory->bytes_out = bytes;
    memory->count_out = count;
    return &memory->sink;
}

struct memory_source {
    struct source source;
    const char *bytes;
    size_t count;
    size_t position;
};

static bool memory_source_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                               struct error *err)
{
    struct memory_source *memory = (struct memory_source *)self;
    (void)err;

    size_t left = memory->count - memory->position;
    *count = left < capacity ? left : capacity;
    if (*count == 0)
        return true; /* `bytes` may be NULL then, which memcpy() forbids */
    memcpy(bytes, memory->bytes + memory->position, *count);
    memory->position += *count;
    return true;
}

static bool memory_source_rewind(struct source *self)
{
    ((struct memory_source *)self)->position = 0;
    return true;
}

static void memory_source_free(struct source *self)
{
    free(self);
}

static const struct source_ops memory_source_ops = {
    .read = memory_source_read,
    .rewind = memory_source_rewind,
    .free = memory_source_free,
};

struct source *memory_source(const void *bytes, size_t count)
{
    struct memory_source *memory = memory_new(1, sizeof *memory);

    memory->source.ops = &memory_source_ops;
    memory->bytes = bytes;
    memory->count = count;
    return &memory->source;
}
