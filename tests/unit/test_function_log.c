/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's log: everything up to a limit, the last of it beyond.
 */
#include "lambda/local/function_log.h"

#include <stdio.h>
#include <unistd.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

static void write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t written = write(fd, bytes, count);
        assert_true(written > 0);
        bytes += written;
        count -= (size_t)written;
    }
}

static void what_is_written_is_kept_until_the_last_writer_ends(void **state)
{
    (void)state;
    struct error err;
    owned(function_log) struct function_log *log = function_log_new(NULL);

    assert_ok(function_log_open(log, &err));
    int other = dup(function_log_fd(log));
    write_all(function_log_fd(log), "one\n", 4);
    function_log_begun(log);
    write_all(other, "two\n", 4);
    close(other);
    function_log_finish(log);
    assert_int_equal(function_log_source(log), -1);
    owned(memory) char *text = function_log_cut(log);
    assert_string_equal(text, "one\ntwo\n");
}

static void each_cut_has_what_came_since_the_last(void **state)
{
    (void)state;
    struct error err;
    owned(function_log) struct function_log *log = function_log_new(NULL);

    assert_ok(function_log_open(log, &err));
    function_log_addf(log, "START %d\n", 1);
    write_all(function_log_fd(log), "no end", 6);
    function_log_gather(log);
    function_log_addf(log, "END\n");
    owned(memory) char *first = function_log_cut(log);
    assert_string_equal(first, "START 1\nno end\nEND\n");
    write_all(function_log_fd(log), "more", 4);
    function_log_finish(log);
    owned(memory) char *second = function_log_cut(log);
    assert_string_equal(second, "more\n");
    owned(memory) char *third = function_log_cut(log);
    assert_string_equal(third, "");
}

static void of_too_much_the_last_is_kept(void **state)
{
    (void)state;
    enum { BLOCK = 50 * 1000, BLOCKS = 260 };
    struct error err;
    owned(function_log) struct function_log *log = function_log_new(NULL);
    owned(memory) char *block = memory_new(BLOCK, 1);

    assert_ok(function_log_open(log, &err));
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, 'a' + i / 20, BLOCK);
        write_all(function_log_fd(log), block, BLOCK); /* a pipe has room for one */
        function_log_gather(log);
    }
    owned(memory) char *text = function_log_cut(log);
    char notice[128];
    size_t missing = (size_t)BLOCK * BLOCKS + 1 - FUNCTION_LOG_LIMIT; /* it ends its line */
    size_t length = (size_t)snprintf(
        notice, sizeof notice,
        "skiff: %zu bytes of the log came before this and were not kept\n", missing);
    assert_memory_equal(text, notice, length);
    const char *kept = text + length;
    size_t count = strlen(kept);
    assert_int_equal(count, FUNCTION_LOG_LIMIT);
    for (size_t i = 1; i < count; i++)
        assert_int_equal(kept[count - 1 - i], 'a' + (BLOCKS - 1 - (int)((i - 1) / BLOCK)) / 20);

    function_log_addf(log, "next\n"); /* is whole again */
    owned(memory) char *next = function_log_cut(log);
    assert_string_equal(next, "next\n");
}

static void half_a_line_is_not_kept(void **state)
{
    (void)state;
    enum { LINE = 1000 };
    struct error err;
    owned(function_log) struct function_log *log = function_log_new(NULL);
    char line[LINE + 1];

    assert_ok(function_log_open(log, &err));
    memset(line, 'x', LINE);
    line[LINE - 1] = '\n';
    line[LINE] = '\0';
    for (size_t sum = 0; sum < 2 * FUNCTION_LOG_LIMIT; sum += LINE)
        function_log_addf(log, "%s", line);
    owned(memory) char *text = function_log_cut(log);
    const char *kept = strchr(text, '\n') + 1;
    assert_int_equal(strlen(kept) % LINE, 0);
    assert_int_equal(strlen(kept), FUNCTION_LOG_LIMIT / LINE * LINE);
}

struct heard {
    struct log_listener listener;
    struct text text;
    int times;
};

static void hear(struct log_listener *self, const char *lines, size_t count)
{
    struct heard *heard = (struct heard *)self;

    assert_int_equal(lines[count - 1], '\n');
    text_add_bytes(&heard->text, lines, count);
    heard->times++;
}

static void whole_lines_are_heard_once_each(void **state)
{
    (void)state;
    static const char *const pieces[] = {"on", "e\ntw", "", "o\nthree\nfo", "ur"};
    struct error err;
    struct heard heard = {.listener.hear = hear};
    owned(function_log) struct function_log *log = function_log_new(&heard.listener);

    assert_ok(function_log_open(log, &err));
    for (size_t i = 0; i < COUNT(pieces); i++) {
        write_all(function_log_fd(log), pieces[i], strlen(pieces[i]));
        function_log_gather(log);
    }
    assert_string_equal(heard.text.bytes, "one\ntwo\nthree\n");
    assert_int_equal(heard.times, 2);
    owned(memory) char *text = function_log_cut(log);
    assert_string_equal(heard.text.bytes, text);
    assert_string_equal(text, "one\ntwo\nthree\nfour\n");
    text_release(&heard.text);
}

static void an_unused_log_is_let_go(void **state)
{
    (void)state;
    struct error err;
    struct function_log *log = function_log_new(NULL);

    assert_int_equal(function_log_source(log), -1);
    function_log_gather(log);
    function_log_finish(log);
    assert_ok(function_log_open(log, &err));
    assert_ok(function_log_open(log, &err)); /* for the next writer */
    function_log_free(log);
    function_log_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_kept_until_the_last_writer_ends),
        cmocka_unit_test(each_cut_has_what_came_since_the_last),
        cmocka_unit_test(of_too_much_the_last_is_kept),
        cmocka_unit_test(half_a_line_is_not_kept),
        cmocka_unit_test(whole_lines_are_heard_once_each),
        cmocka_unit_test(an_unused_log_is_let_go),
    };
    return cmocka_run_group_tests_name("function_log", tests, NULL, NULL);
}
