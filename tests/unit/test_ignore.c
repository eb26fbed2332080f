/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is left out: the cases of Docker's documentation and of its own matcher's tests.
 */
#include "layers/ignore.h"

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static bool is_left_out(const char *text, const char *path)
{
    struct error err;
    owned(ignore) struct ignore ignore = {0};

    assert_ok(ignore_parse(text, &ignore, &err));
    return ignore_matches(&ignore, path);
}

struct one {
    const char *lines;
    const char *path;
    bool is_left_out;
};

static void check(const struct one *cases, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_left_out(cases[i].lines, cases[i].path) != cases[i].is_left_out)
            fail_msg("'%s' %s '%s'", cases[i].lines,
                     cases[i].is_left_out ? "does not leave out" : "leaves out", cases[i].path);
}

static void the_documentation_s_examples_hold(void **state)
{
    (void)state;
    static const char readme[] = "*.md\n!README*.md\nREADME-secret.md\n";
    static const char undone[] = "*.md\nREADME-secret.md\n!README*.md\n";
    static const char first[] = "# comment\n*/temp*\n*/*/temp*\ntemp?\n";
    const struct one cases[] = {
        {first, "# comment", false},
        {first, "somedir/temporary.txt", true},
        {first, "somedir/temp", true},
        {first, "somedir/subdir/temporary.txt", true},
        {first, "somedir/sub/dir/temporary.txt", false},
        {first, "tempa", true},
        {first, "tempb", true},
        {first, "temp", false},
        {first, "tempab", false},
        {"**/*.go", "main.go", true},
        {"**/*.go", "a/b/c/main.go", true},
        {"**/*.go", "a/main.god", false},
        {"*.md\n!README.md\n", "README.md", false},
        {"*.md\n!README.md\n", "other.md", true},
        {readme, "README.md", false},
        {readme, "README-all.md", false},
        {readme, "README-secret.md", true},
        {readme, "other.md", true},
        {undone, "README-secret.md", false},
        {undone, "other.md", true},
        {"/foo/bar", "foo/bar", true},
        {"foo/bar", "foo/bar", true},
        {"foo/bar/", "foo/bar", true},
        {"./foo//x/../bar", "foo/bar", true},
    };

    check(cases, COUNT(cases));
}

static void the_matcher_s_own_cases_hold(void **state)
{
    (void)state;
    const struct one cases[] = {
        {"**", "file", true},
        {"**", "dir/file", true},
        {"**/", "dir/file", true},
        {"**/**", "dir/file", true},
        {"dir/**", "dir/file", true},
        {"dir/**", "dir/dir2/file", true},
        {"dir/**", "dir", false},
        {"dir/**/", "dir/dir2/file", true},
        {"dir", "dir/dir2/file", true},
        {"**/dir2/*", "dir/dir2/file", true},
        {"**/dir2/*", "dir/dir2/dir2/file", true},
        {"**/dir2/**", "dir/dir2/dir2/file", true},
        {"**file", "file", true},
        {"**file", "dir/file", true},
        {"**/file", "dir/file", true},
        {"**/file", "dir/afile", false},
        {"**file", "dir/afile", true},
        {"**/file*txt", "dir/dir/file.txt", true},
        {"**/file*.txt", "dir/dir/file.txt", true},
        {"**/file*.txt*", "dir/dir/file.txt.bak", true},
        {"**/**/*.txt", "dir/dir/file.txt", true},
        {"**/**/*.txt2", "dir/dir/file.txt", false},
        {"**/*.txt", "file.txt", true},
        {"**/a.txt", "dir/file.txt", false},
        {"a/*.txt", "a/file.txt", true},
        {"a[b-d]e", "ae", false},
        {"a[b-d]e", "ace", true},
        {"a[b-d]e", "aae", false},
        {"a[^b-d]e", "aze", true},
        {"a[^b-d]e", "ace", false},
        {"[\\]a]x", "]x", true},
        {".*", ".foo", true},
        {".*", "foo", false},
        {"abc.def", "abcdef", false},
        {"abc.def", "abc.def", true},
        {"abc.def", "abcZdef", false},
        {"abc?def", "abcZdef", true},
        {"abc?def", "abcdef", false},
        {"a\\*b", "a*b", true},
        {"a\\*b", "acb", false},
        {"a\\\\", "a\\", true},
        {"**/foo/bar", "foo/bar", true},
        {"**/foo/bar", "dir/foo/bar", true},
        {"**/foo/bar", "dir/dir2/foo/bar", true},
        {"abc/**", "abc", false},
        {"abc/**", "abc/def/ghi", true},
        {"**/.foo", ".foo", true},
        {"**/.foo", "bar.foo", false},
        {"a**b", "ab", true},
        {"a(b)c/def", "a(b)c/def", true},
        {"a(b)c/def", "a(b)c/xyz", false},
        {"a.|)$(}+{bc", "a.|)$(}+{bc", true},
        {"dist/*.whl", "dist/proxy.py-2.4.0rc3.dev36+g08acad9-py3-none-any.whl", true},
        {"*", "a/b", true},
        {"?", "\xc3\xa9", true},
        {"??", "\xc3\xa9", false},
        {"../foo", "foo", false},
    };

    check(cases, COUNT(cases));
}

static void exceptions_bring_back_in_their_order(void **state)
{
    (void)state;
    const struct one cases[] = {
        {"!docs\ndocs", "docs/a", true},
        {"docs\n!docs/README.md", "docs/README.md", false},
        {"docs\n!docs/README.md", "docs/a", true},
        {"docs\n! docs/README.md", "docs/README.md", false},
        {"**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/foo", true},
        {"**\n!util/docker/web\nutil/docker/web/foo", "util/docker/web/bar", false},
        {"*\n!a\n", "a/b/c", false},
        {"*\n!a\n", "b", true},
        {"!a", "a", false},
    };

    check(cases, COUNT(cases));
}

static void blank_lines_comments_and_marks_mean_nothing(void **state)
{
    (void)state;
    const struct one cases[] = {
        {"", "a", false},
        {"\n  \n\t\n", "a", false},
        {"\xef\xbb\xbf"
         "a\n",
         "a", true},
        {"a\r\nb\r\n", "b", true},
        {"  a  ", "a", true},
        {" #a", "#a", true},
        {".\n/\n", "a", false},
        {"a", "a", true},
    };

    check(cases, COUNT(cases));
}

static void what_means_nothing_is_refused_with_its_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *words;
    } cases[] = {
        {"a\n!\n", "line 2: '!' alone"},   {"[", "line 1: '[' is no pattern"},
        {"x\n\na[bc\n", "line 3: 'a[bc'"}, {"a\\", "is not complete"},
        {"[a\\", "is not complete"},       {"[]", "is not complete"},
    };
    struct ignore ignore;

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        assert_fails(ignore_parse(cases[i].text, &ignore, &err), ERROR_INVALID, cases[i].words);
    }
}

static void too_much_is_refused(void **state)
{
    (void)state;
    struct error err;
    struct ignore ignore;
    owned(text) struct text many = {0};
    owned(text) struct text wide = {0};

    for (int i = 0; i <= IGNORE_PATTERNS_LIMIT; i++)
        text_add(&many, "a\n");
    assert_fails(ignore_parse(text_string(&many), &ignore, &err), ERROR_LIMIT, "more than");
    for (int i = 0; i <= IGNORE_PATTERN_LENGTH; i++)
        text_add(&wide, "a");
    assert_fails(ignore_parse(text_string(&wide), &ignore, &err), ERROR_LIMIT, "more than");
}

static void no_pattern_takes_for_ever(void **state)
{
    (void)state;
    owned(text) struct text pattern = {0};
    owned(text) struct text path = {0};

    for (int i = 0; i < 100; i++)
        text_add(&pattern, "*a**/");
    for (int i = 0; i < 1000; i++)
        text_add(&path, "a");
    assert_false(is_left_out(text_string(&pattern), text_string(&path)) &&
                 is_left_out("b", "a"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documentation_s_examples_hold),
        cmocka_unit_test(the_matcher_s_own_cases_hold),
        cmocka_unit_test(exceptions_bring_back_in_their_order),
        cmocka_unit_test(blank_lines_comments_and_marks_mean_nothing),
        cmocka_unit_test(what_means_nothing_is_refused_with_its_line),
        cmocka_unit_test(too_much_is_refused),
        cmocka_unit_test(no_pattern_takes_for_ever),
    };
    return cmocka_run_group_tests_name("ignore", tests, NULL, NULL);
}
