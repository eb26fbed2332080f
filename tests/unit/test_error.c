/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/error.h"

#include <errno.h>

#include "tests/support/unit.h"

static void the_text_reads_from_the_command_to_the_cause(void **state)
{
    (void)state;
    struct error err;

    assert_false(error_set(&err, ERROR_DENIED, "PUT %s: %d", "/v2/", 403));
    assert_string_equal(err.text, "PUT /v2/: 403");
    assert_false(error_wrap(&err, "blob %s", "sha256:1f0c…"));
    assert_false(error_wrap(&err, "push"));
    assert_string_equal(err.text, "push: blob sha256:1f0c…: PUT /v2/: 403");
    assert_int_equal(err.kind, ERROR_DENIED);
}

static void the_system_gives_its_reason(void **state)
{
    (void)state;
    struct error err;

    errno = EACCES;
    assert_false(error_set_errno(&err, "open '%s'", "x"));
    assert_string_equal(err.text, "open 'x': Permission denied");
    assert_int_equal(err.kind, ERROR_SYSTEM);
}

static void a_text_too_long_is_cut_off(void **state)
{
    (void)state;
    struct {
        struct error err;
        char after[8];
    } guarded = {.after = "intact"};
    char longest[3000];

    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    error_set(&guarded.err, ERROR_INVALID, "%s", longest);
    assert_int_equal(strlen(guarded.err.text), sizeof guarded.err.text - 1);
    error_wrap(&guarded.err, "step");
    assert_int_equal(strlen(guarded.err.text), sizeof guarded.err.text - 1);
    assert_memory_equal(guarded.err.text, "step: xxx", 9);
    error_wrap(&guarded.err, "%s", longest);
    errno = ENOENT;
    error_set_errno(&guarded.err, "%s", longest);
    assert_int_equal(strlen(guarded.err.text), sizeof guarded.err.text - 1);
    assert_string_equal(guarded.after, "intact");
}

static void no_text_steers_the_terminal(void **state)
{
    (void)state;
    struct error err;

    error_set(&err, ERROR_INVALID, "%s", "a\033[2J\nb");
    assert_string_equal(err.text, "a [2J b");
    error_wrap(&err, "%s", "file\033");
    assert_string_equal(err.text, "file : a [2J b");
    errno = ENOENT;
    error_set_errno(&err, "open '%s'", "\r\x7f");
    assert_string_equal(err.text, "open '  ': No such file or directory");
}

static void only_usage_has_a_status_of_its_own(void **state)
{
    (void)state;

    assert_int_equal(error_exit_status(&(struct error){.kind = ERROR_NONE}), 0);
    assert_int_equal(error_exit_status(&(struct error){.kind = ERROR_USAGE}), 2);
    for (int kind = ERROR_INVALID; kind <= ERROR_SYSTEM; kind++)
        assert_int_equal(error_exit_status(&(struct error){.kind = (enum error_kind)kind}), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_reads_from_the_command_to_the_cause),
        cmocka_unit_test(the_system_gives_its_reason),
        cmocka_unit_test(a_text_too_long_is_cut_off),
        cmocka_unit_test(no_text_steers_the_terminal),
        cmocka_unit_test(only_usage_has_a_status_of_its_own),
    };
    return cmocka_run_group_tests_name("error", tests, NULL, NULL);
}
