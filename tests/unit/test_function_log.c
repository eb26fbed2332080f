/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A function's log: everything up to a limit, the last of it beyond.
 */
#include "lambda/local/function_log.h"

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
    size_t count;
    owned(function_log) struct function_log *log = NULL;

    assert_ok(function_log_open(&log, &err));
    int other = dup(function_log_fd(log));
    write_all(function_log_fd(log), "one\n", 4);
    function_log_begun(log);
    write_all(other, "two\n", 4);
    close(other);
    assert_string_equal(function_log_finish(log, &count), "one\ntwo\n");
    assert_int_equal(count, 8);
}

static void of_too_much_the_last_is_kept(void **state)
{
    (void)state;
    enum { BLOCK = 1000 * 1000, BLOCKS = 13 };
    struct error err;
    size_t count;
    owned(function_log) struct function_log *log = NULL;
    owned(memory) char *block = memory_new(BLOCK, 1);

    assert_ok(function_log_open(&log, &err));
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, 'a' + i, BLOCK);
        write_all(function_log_fd(log), block, BLOCK);
    }
    const char *text = function_log_finish(log, &count);
    assert_int_equal(count, FUNCTION_LOG_LIMIT);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(text[count - 1 - i], 'a' + BLOCKS - 1 - (int)(i / BLOCK));
}

static void an_unused_log_is_let_go(void **state)
{
    (void)state;
    struct error err;
    size_t count;
    struct function_log *log;

    assert_ok(function_log_open(&log, &err));
    function_log_free(log);
    assert_ok(function_log_open(&log, &err));
    assert_string_equal(function_log_finish(log, &count), "");
    function_log_free(log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_kept_until_the_last_writer_ends),
        cmocka_unit_test(of_too_much_the_last_is_kept),
        cmocka_unit_test(an_unused_log_is_let_go),
    };
    return cmocka_run_group_tests_name("function_log", tests, NULL, NULL);
}
