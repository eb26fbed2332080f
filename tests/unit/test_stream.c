/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/stream.h"

#include <stdio.h>
#include <stdlib.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

/* What sinks were asked to do, in order: "a.write b.write a.finish b.finish a.free b.free ". */
struct diary {
    char text[200];
    const char *fails; /* the entry that fails */
};

struct diary_sink {
    struct sink sink;
    struct diary *diary;
    char name;
};

static bool note(struct diary_sink *self, const char *verb, struct error *err)
{
    char entry[16];

    snprintf(entry, sizeof entry, "%c.%s", self->name, verb);
    strcat(strcat(self->diary->text, entry), " ");
    if (self->diary->fails && strcmp(self->diary->fails, entry) == 0)
        return error_set(err, ERROR_SYSTEM, "%s failed", entry);
    return true;
}

static bool diary_write(struct sink *self, const void *bytes, size_t count, struct error *err)
{
    return note((struct diary_sink *)self, "write", err) &&
           (!self->next || sink_write(self->next, bytes, count, err));
}

static bool diary_finish(struct sink *self, struct error *err)
{
    return note((struct diary_sink *)self, "finish", err);
}

static void diary_free(struct sink *self)
{
    struct error ignored;

    (void)note((struct diary_sink *)self, "free", &ignored);
    free(self);
}

static const struct sink_ops diary_ops = {
    .write = diary_write,
    .finish = diary_finish,
    .free = diary_free,
};

static struct sink *diary_sink(struct sink *next, struct diary *diary, char name)
{
    struct diary_sink *self = memory_new(1, sizeof *self);

    self->sink = (struct sink){.ops = &diary_ops, .next = next};
    self->diary = diary;
    self->name = name;
    return &self->sink;
}

static struct sink *stack_of_two(struct diary *diary)
{
    return diary_sink(diary_sink(NULL, diary, 'b'), diary, 'a');
}

static void a_stack_is_flushed_from_near_to_far_and_released(void **state)
{
    (void)state;
    struct diary diary = {0};
    struct error err;

    struct sink *stack = stack_of_two(&diary);
    assert_ok(sink_write(stack, "x", 1, &err));
    assert_ok(sink_finish(stack, &err));
    assert_string_equal(diary.text, "a.write b.write a.finish b.finish a.free b.free ");
}

static void a_stack_that_fails_to_flush_goes_no_further(void **state)
{
    (void)state;
    struct diary diary = {.fails = "a.finish"};
    struct error err;

    assert_fails(sink_finish(stack_of_two(&diary), &err), ERROR_SYSTEM, "a.finish failed");
    assert_string_equal(diary.text, "a.finish a.free b.free ");
}

static void an_abandoned_stack_is_only_released(void **state)
{
    (void)state;
    struct diary diary = {0};

    sink_free(stack_of_two(&diary));
    assert_string_equal(diary.text, "a.free b.free ");
    sink_free(NULL);
    source_free(NULL);
}

static void copying_stops_at_the_first_failure(void **state)
{
    (void)state;
    struct diary diary = {.fails = "b.write"};
    struct error err;
    owned(source) struct source *source = memory_source("bytes", 5);
    owned(sink) struct sink *stack = stack_of_two(&diary);

    assert_fails(stream_copy(source, stack, &err), ERROR_SYSTEM, "b.write failed");
    assert_string_equal(diary.text, "a.write b.write ");
}

static void copied_bytes_arrive_as_they_were(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 1000000};
    struct error err;

    for (size_t i = 0; i < COUNT(sizes); i++) {
        owned(memory) unsigned char *bytes = memory_new(sizes[i], 1);
        for (size_t at = 0; at < sizes[i]; at++)
            bytes[at] = (unsigned char)(at * 31 >> 3);
        owned(source) struct source *source = memory_source(bytes, sizes[i]);
        owned(memory) char *copy = NULL;
        size_t count = 99;
        struct sink *sink = memory_sink(sizes[i], &copy, &count);

        assert_ok(stream_copy(source, sink, &err));
        assert_ok(sink_finish(sink, &err));
        assert_int_equal(count, sizes[i]);
        assert_memory_equal(copy, bytes, count);
        assert_int_equal(copy[count], '\0');
    }
}

static void a_source_over_nothing_is_at_its_end(void **state)
{
    (void)state;
    struct error err;
    owned(source) struct source *source = memory_source(NULL, 0);
    char buffer[8];
    size_t count = 99;

    assert_ok(source_read(source, buffer, sizeof buffer, &count, &err));
    assert_int_equal(count, 0);
}

static void memory_has_a_limit(void **state)
{
    (void)state;
    struct error err;
    char *bytes = NULL;
    size_t count = 0;
    owned(sink) struct sink *sink = memory_sink(10, &bytes, &count);

    assert_ok(sink_write(sink, "0123456789", 10, &err));
    assert_ok(sink_write(sink, "", 0, &err));
    assert_fails(sink_write(sink, "x", 1, &err), ERROR_LIMIT, "more than 10 bytes");
    assert_fails(sink_write(sink, "x", SIZE_MAX, &err), ERROR_LIMIT, "more than 10 bytes");
    assert_null(bytes);
}

static void memory_can_be_read_again(void **state)
{
    (void)state;
    struct error err;
    char bytes[8];
    size_t count;
    owned(source) struct source *source = memory_source("hello", 5);
    static const struct source_ops river_ops = {0};
    struct source river = {&river_ops};

    for (size_t read = 0; read <= 5; read++) {
        assert_ok(source_read(source, bytes, read, &count, &err));
        assert_int_equal(count, read);
        assert_true(source_rewind(source));
    }
    assert_ok(source_read(source, bytes, sizeof bytes, &count, &err));
    assert_int_equal(count, 5);
    assert_memory_equal(bytes, "hello", 5);
    assert_false(source_rewind(&river)); /* a source need not know how */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_is_flushed_from_near_to_far_and_released),
        cmocka_unit_test(a_stack_that_fails_to_flush_goes_no_further),
        cmocka_unit_test(an_abandoned_stack_is_only_released),
        cmocka_unit_test(copying_stops_at_the_first_failure),
        cmocka_unit_test(copied_bytes_arrive_as_they_were),
        cmocka_unit_test(a_source_over_nothing_is_at_its_end),
        cmocka_unit_test(memory_has_a_limit),
        cmocka_unit_test(memory_can_be_read_again),
    };
    return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
