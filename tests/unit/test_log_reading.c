/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logs of this machine: all lines, those of one request, and those to come.
 */
#include "lambda/local/log_reading.h"

#include <stdio.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

static bool listen(void *context, const struct platform_log_event *event, struct error *err)
{
    (void)err;
    assert_string_equal(event->stream, "");
    text_add(context, event->message);
    return true;
}

static char *make_log(const char *folder, const char *content)
{
    char *path = text_format("%s/f.log", folder);
    struct error err = {0};

    if (content)
        assert_ok(file_write(path, 0600, content, strlen(content), &err));
    return path;
}

static void lines_are_told_as_they_are(void **state)
{
    static const struct {
        const char *content; /* NULL: no file */
        const char *request_id;
        const char *heard;
        enum error_kind kind;
    } cases[] = {
        {"a\nb\nlast", NULL, "a\nb\nlast", ERROR_NONE},
        {"", NULL, "", ERROR_NONE},
        {NULL, NULL, "", ERROR_NONE},
        {"START x\n1\nREPORT x\nSTART y\n2\nREPORT y\n", "x", "START x\n1\nREPORT x\n",
         ERROR_NONE},
        {"START x\n1\nREPORT x\nSTART y\n2\nREPORT y\n", "y", "START y\n2\nREPORT y\n",
         ERROR_NONE},
        {"START x\n", "z", "", ERROR_NOT_FOUND},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *folder = text_format("%s/%zu", (const char *)*state, i);
        owned(text) struct text heard = {0};
        struct error err = {0};
        assert_ok(folder_make(folder, &err));
        owned(memory) char *path = make_log(folder, cases[i].content);
        const struct platform_log_wish wish = {
            .request_id = cases[i].request_id, .listen = listen, .context = &heard};
        if (cases[i].kind == ERROR_NONE)
            assert_ok(log_reading_tell(path, &wish, NULL, &err));
        else
            assert_fails(log_reading_tell(path, &wish, NULL, &err), cases[i].kind,
                         "no line of the log names request 'z'");
        assert_string_equal(text_string(&heard), cases[i].heard);
    }
}

static void there_are_neither_streams_nor_times(void **state)
{
    static const struct platform_log_wish wishes[] = {{.stream = "s"}, {.since = 1}};
    owned(memory) char *path = make_log(*state, "a\n");

    for (size_t i = 0; i < COUNT(wishes); i++) {
        struct error err = {0};
        assert_fails(log_reading_tell(path, &wishes[i], NULL, &err), ERROR_USAGE,
                     "neither streams nor times");
    }
}

/* A clock that lets something happen while it is waited for. */
struct busy_clock {
    struct clock clock;
    const char *path;
    int waits;
};

static void append(const char *path, const char *line)
{
    FILE *file = fopen(path, "ae");

    assert_non_null(file);
    assert_true(fputs(line, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static void happen(struct clock *self, unsigned int wait_ms)
{
    struct busy_clock *busy = (struct busy_clock *)self;
    (void)wait_ms;

    busy->waits++;
    if (busy->waits == 1)
        append(busy->path, "two\n");
    else if (busy->waits == 2)
        assert_int_equal(truncate(busy->path, 0), 0);
    else
        append(busy->path, "new\n");
}

static bool listen_until_new(void *context, const struct platform_log_event *event,
                             struct error *err)
{
    text_add(context, event->message);
    return strcmp(event->message, "new\n") != 0 || error_set(err, ERROR_SYSTEM, "enough");
}

static void what_comes_is_told_also_of_a_log_that_is_begun_anew(void **state)
{
    static const struct clock_ops ops = {.sleep = happen};
    owned(memory) char *path = make_log(*state, "one\n");
    struct busy_clock busy = {.clock.ops = &ops, .path = path};
    owned(text) struct text heard = {0};
    const struct platform_log_wish wish = {
        .follow = true, .listen = listen_until_new, .context = &heard};
    struct error err = {0};

    assert_fails(log_reading_tell(path, &wish, &busy.clock, &err), ERROR_SYSTEM, "enough");
    assert_string_equal(text_string(&heard), "one\ntwo\nnew\n");
}

static int set_up(void **state)
{
    *state = temp_folder();
    return 0;
}

static int tear_down(void **state)
{
    temp_folder_remove(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_are_told_as_they_are, set_up, tear_down),
        cmocka_unit_test_setup_teardown(there_are_neither_streams_nor_times, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_comes_is_told_also_of_a_log_that_is_begun_anew,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests_name("log_reading", tests, NULL, NULL);
}
