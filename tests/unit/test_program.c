/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Programs: asked without a shell, heard out to their end, and ended when they say too
 * much or take too long.
 */
#include "oci/base/program.h"

#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

static const char *const environment[] = {"PATH=/nowhere::/bin:/usr/bin", "WORD=said", NULL};

/* A line of shell stands for a program. */
static bool run(const char *line, const char *input, size_t limit, unsigned int limit_ms,
                char **output, int *status, struct error *err)
{
    const char *const arguments[] = {"sh", "-c", line, "$(echo no shell)", NULL};
    owned(memory) char *path = program_find(environment, "sh");
    const struct program program = {path, arguments, environment, input, limit, limit_ms};
    size_t count;

    *output = NULL;
    return program_run(&program, output, &count, status, err);
}

static void what_it_says_and_how_it_ends_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *input;
        const char *output;
        int status;
    } cases[] = {
        {"cat", "a secret\n", "a secret\n", 0},
        {"cat", NULL, "", 0},
        {"echo $WORD; echo not this >&2; exit 7", NULL, "said\n", 7},
        {"kill -TERM $$", NULL, "", 128 + SIGTERM},
        {"printf '%s' \"$0\"", NULL, "$(echo no shell)", 0},
        {"exec <&-; echo deaf", "nobody reads this", "deaf\n", 0},
        {"exec >&-; sleep 0.1; exit 3", NULL, "", 3},
        {"sleep 30 & echo left behind", NULL, "left behind\n", 0},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        char *output;
        int status = -1;

        assert_ok(run(cases[i].line, cases[i].input, 100, 10000, &output, &status, &err));
        assert_string_equal(output, cases[i].output);
        assert_int_equal(status, cases[i].status);
        free(output);
    }
}

static void input_may_be_larger_than_a_pipe(void **state)
{
    (void)state;
    struct error err;
    owned(memory) char *input = memory_new(1, 300001);
    char *output;
    int status;

    memset(input, 'x', 300000);
    assert_ok(run("wc -c", input, 100, 10000, &output, &status, &err));
    assert_int_equal(atoi(output), 300000);
    free(output);
}

static void too_much_and_too_long_are_ended(void **state)
{
    (void)state;
    struct error err;
    char *output;
    int status;
    time_t begun = time(NULL);

    assert_fails(run("yes", NULL, 1000, 60000, &output, &status, &err), ERROR_LIMIT,
                 "it says more than 1000 bytes");
    assert_fails(run("exec sleep 60", NULL, 1000, 100, &output, &status, &err), ERROR_LIMIT,
                 "it takes longer than 1 seconds");
    assert_fails(run("exec >&-; exec sleep 60", NULL, 1000, 100, &output, &status, &err),
                 ERROR_LIMIT, "it takes longer than 1 seconds");
    assert_true(time(NULL) - begun < 30);
}

static void what_cannot_be_run_is_named(void **state)
{
    (void)state;
    struct error err;
    static const char *const arguments[] = {"x", NULL};
    const struct program program = {"/nowhere/x", arguments, environment, NULL, 10, 1000};
    char *output;
    size_t count;
    int status;

    assert_fails(program_run(&program, &output, &count, &status, &err), ERROR_SYSTEM,
                 "run '/nowhere/x': No such file");
    assert_null(program_find(environment, "no-such-program"));
    assert_null(program_find(environment, "."));
    assert_null(program_find(environment + 1, "sh"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_it_says_and_how_it_ends_is_told),
        cmocka_unit_test(input_may_be_larger_than_a_pipe),
        cmocka_unit_test(too_much_and_too_long_are_ended),
        cmocka_unit_test(what_cannot_be_run_is_named),
    };
    return cmocka_run_group_tests_name("program", tests, NULL, NULL);
}
