/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/progress_terminal.h"

#include <stdlib.h>

#include "cli/size.h"
#include "oci/base/memory.h"
#include "oci/base/work.h"
#include "tests/support/unit.h"

static uint64_t now_ms;

static uint64_t fake_now_ms(void)
{
    return now_ms;
}

/* What was written so far, and by whom. */
struct page {
    struct progress *progress;
    FILE *out, *warnings;
    char *written, *warned;
    size_t written_count, warned_count;
};

static void page_open(struct page *page, struct progress_terminal_options options)
{
    page->out = open_memstream(&page->written, &page->written_count);
    page->warnings = open_memstream(&page->warned, &page->warned_count);
    options.warnings = page->warnings;
    options.now_ms = fake_now_ms;
    now_ms = 1000;
    page->progress = progress_terminal_new(page->out, &options);
}

/* Nothing more is written; what was is still there to be read. */
static void page_end(struct page *page)
{
    progress_terminal_free(page->progress);
    fclose(page->out);
    fclose(page->warnings);
}

static void page_release(struct page *page)
{
    free(page->written);
    free(page->warned);
}

/* A terminal, as far as it is made use of. */
enum { ROWS = 64, ROW_BYTES = 512 };

struct screen {
    char rows[ROWS][ROW_BYTES];
    size_t row;
    size_t at;     /* in bytes */
    size_t widest; /* row there ever was, in characters */
};

static size_t characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void obey(struct screen *screen, long number, char command)
{
    switch (command) {
    case 'A':
        assert_true((size_t)number <= screen->row);
        screen->row -= (size_t)number;
        break;
    case 'K':
        screen->rows[screen->row][screen->at] = '\0';
        break;
    case 'J':
        memset(screen->rows[screen->row] + screen->at, 0, ROW_BYTES - screen->at);
        memset(screen->rows[screen->row + 1], 0, (ROWS - screen->row - 1) * ROW_BYTES);
        break;
    case 'm':
    case 'h':
    case 'l':
        break;
    default:
        fail_msg("no terminal command: '%c'", command);
    }
}

static void show(struct screen *screen, const char *bytes)
{
    for (; *bytes; bytes++) {
        if (*bytes == '\033') {
            bytes += bytes[2] == '?' ? 3 : 2;
            long number = strtol(bytes, NULL, 10);
            bytes += strspn(bytes, "0123456789;");
            obey(screen, number, *bytes);
        } else if (*bytes == '\r' || *bytes == '\n') {
            screen->row += *bytes == '\n';
            screen->at = 0;
            assert_true(screen->row + 1 < ROWS);
        } else {
            assert_true(screen->at + 1 < ROW_BYTES);
            screen->rows[screen->row][screen->at++] = *bytes;
            size_t width = characters(screen->rows[screen->row]);
            screen->widest = width > screen->widest ? width : screen->widest;
        }
    }
}

static struct screen *page_shown(struct page *page)
{
    struct screen *screen = memory_new(1, sizeof *screen);

    fflush(page->out);
    show(screen, page->written);
    return screen;
}

static void each_event_is_a_line(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){0});
    int blob = progress_begin(page.progress, "copied", "sha256:1f0c…", 3200000);
    int other = progress_begin(page.progress, "copied", "sha256:77ab…", 10);
    progress_advance(page.progress, blob, 3200000);
    progress_step(page.progress, "repository %s created", "cowsay");
    now_ms += 5000;
    progress_advance(page.progress, other, 3);
    progress_end(page.progress, other, false);
    progress_end(page.progress, blob, true);
    progress_warn(page.progress, "unknown key '%s'", "memroy");
    page_end(&page);

    assert_string_equal(page.written, "repository cowsay created\n"
                                      "copied sha256:1f0c… (3.2 MB)\n");
    assert_string_equal(page.warned, "skiff: warning: unknown key 'memroy'\n");
    page_release(&page);
}

static void quiet_leaves_the_warnings(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){.quiet = true, .bars = true});
    int blob = progress_begin(page.progress, "copied", "blob", 10);
    now_ms += 1000;
    progress_advance(page.progress, blob, 10);
    progress_end(page.progress, blob, true);
    progress_step(page.progress, "done");
    progress_warn(page.progress, "look at this");
    page_end(&page);

    assert_string_equal(page.written, "");
    assert_string_equal(page.warned, "skiff: warning: look at this\n");
    page_release(&page);
}

static void bars_stand_below_what_stays(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){.bars = true, .columns = 80});
    int first = progress_begin(page.progress, "copied", "sha256:1f0c…", 24000000);
    int second = progress_begin(page.progress, "copied", "sha256:77ab…", 8000000);
    progress_advance(page.progress, first, 6000000);
    now_ms += 2000;
    progress_advance(page.progress, second, 8000000);
    progress_step(page.progress, "something happened");

    owned(memory) struct screen *screen = page_shown(&page);
    const char *const expected[] = {
        "something happened",
        "sha256:1f0c…  ━━━━━━━────────────────────────    6.0 MB of  24.0 MB    3.0 MB/s",
        "sha256:77ab…  ━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━    8.0 MB of   8.0 MB    4.0 MB/s",
        "total         ━━━━━━━━━━━━━──────────────────   14.0 MB of  32.0 MB    7.0 MB/s",
        "",
    };
    for (size_t i = 0; i < COUNT(expected); i++)
        assert_string_equal(screen->rows[i], expected[i]);
    page_end(&page);
    page_release(&page);
}

static void bars_are_gone_in_the_end(void **state)
{
    (void)state;
    static const bool colors[] = {false, true};

    for (size_t i = 0; i < COUNT(colors); i++) {
        struct page page = {0};
        page_open(&page, (struct progress_terminal_options){.bars = true, .color = colors[i]});
        int first = progress_begin(page.progress, "copied", "first", 1000);
        int second = progress_begin(page.progress, "copied", "second", 0);
        int third = progress_begin(page.progress, "copied", "third", 5000);
        for (int step = 0; step < 10; step++) {
            now_ms += 150;
            progress_advance(page.progress, first, 100);
            progress_advance(page.progress, second, 100);
            progress_advance(page.progress, third, 100);
        }
        progress_end(page.progress, second, true);
        progress_end(page.progress, third, false);
        now_ms += 150;
        progress_advance(page.progress, first, 100);

        owned(memory) struct screen *before = page_shown(&page);
        assert_string_equal(before->rows[0], "copied second (1.0 kB)");
        assert_memory_equal(before->rows[1], "first ", 6);
        assert_memory_equal(before->rows[2], "total ", 6);
        assert_string_equal(before->rows[3], "");

        progress_end(page.progress, first, false);
        owned(memory) struct screen *after = page_shown(&page);
        assert_string_equal(after->rows[0], "copied second (1.0 kB)");
        for (size_t row = 1; row < ROWS; row++)
            assert_string_equal(after->rows[row], "");
        assert_int_equal(after->row, 1);
        page_end(&page);
        page_release(&page);
    }
}

static void bars_left_over_are_erased(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){.bars = true});
    int blob = progress_begin(page.progress, "copied", "blob", 1000);
    now_ms += 1000;
    progress_advance(page.progress, blob, 100);
    page_end(&page);

    owned(memory) struct screen *screen = memory_new(1, sizeof *screen);
    show(screen, page.written);
    assert_true(screen->widest > 0);
    assert_string_equal(screen->rows[0], "");
    page_release(&page);
}

static void bars_never_reach_the_last_column(void **state)
{
    (void)state;
    for (int columns = 1; columns <= 140; columns++) {
        struct page page = {0};
        page_open(&page, (struct progress_terminal_options){.bars = true, .columns = columns});
        int known =
            progress_begin(page.progress, "copied",
                           "a label that is longer than a label should be…", 999900000000000);
        int unknown = progress_begin(page.progress, "copied", "short", 0);
        now_ms += 1000;
        progress_advance(page.progress, unknown, 999900000000000);
        now_ms += 1000;
        progress_advance(page.progress, known, 999900000000000);

        owned(memory) struct screen *screen = page_shown(&page);
        assert_true(screen->widest <= (size_t)columns - 1);
        assert_true(screen->widest > 0 || columns == 1);
        page_end(&page);
        page_release(&page);
    }
}

static void redrawing_happens_at_most_ten_times_a_second(void **state)
{
    (void)state;
    struct page page = {0};
    size_t drawn = 0;

    page_open(&page, (struct progress_terminal_options){.bars = true});
    int blob = progress_begin(page.progress, "copied", "blob", 10000);
    for (int step = 0; step < 1000; step++) {
        now_ms++;
        progress_advance(page.progress, blob, 10);
    }
    progress_end(page.progress, blob, true);
    page_end(&page);

    for (const char *at = page.written; (at = strstr(at, "\033[?7l")); at++)
        drawn++;
    assert_int_equal(drawn, 10);
    page_release(&page);
}

static void what_is_over_at_once_has_no_bar(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){.bars = true});
    int blob = progress_begin(page.progress, "copied", "blob", 1234);
    now_ms += 99;
    progress_advance(page.progress, blob, 1234);
    progress_end(page.progress, blob, true);
    page_end(&page);

    assert_string_equal(page.written, "copied blob (1.2 kB)\n");
    page_release(&page);
}

static void a_label_cannot_steer_the_terminal(void **state)
{
    (void)state;
    struct page page = {0};

    page_open(&page, (struct progress_terminal_options){0});
    int blob = progress_begin(page.progress, "copied", "a\033[2Jb\n", 1);
    progress_end(page.progress, blob, true);
    progress_step(page.progress, "%s",
                  "c\rd\xc2\x9b"
                  "e");
    page_end(&page);

    assert_string_equal(page.written, "copied a [2Jb  (0 B)\nc d  e\n");
    page_release(&page);
}

static bool carry(void *context, struct work *work, size_t piece, struct error *err)
{
    struct progress *progress = context;
    (void)work, (void)err;

    int blob = progress_begin(progress, "copied", "blob", 100 * piece);
    for (size_t i = 0; i < 100; i++)
        progress_advance(progress, blob, piece);
    progress_step(progress, "step");
    progress_end(progress, blob, true);
    return true;
}

static void every_thread_may_report(void **state)
{
    (void)state;
    struct page page = {0};
    struct error err = {0};
    size_t lines = 0;

    page_open(&page, (struct progress_terminal_options){0});
    assert_ok(work_run(50, 4, carry, page.progress, &err));
    page_end(&page);

    for (const char *at = page.written; (at = strchr(at, '\n')); at++)
        lines++;
    assert_int_equal(lines, 100);
    page_release(&page);
}

static void sizes_are_read_at_a_glance(void **state)
{
    (void)state;
    static const struct {
        uint64_t bytes;
        const char *text;
    } table[] = {
        {0, "0 B"},
        {999, "999 B"},
        {1000, "1.0 kB"},
        {999949, "999.9 kB"},
        {999950, "1.0 MB"}, /* not "1000.0 kB" */
        {3200000, "3.2 MB"},
        {10000000000, "10.0 GB"},
        {999949999999999, "999.9 TB"},
        {UINT64_MAX, "18.4 EB"},
    };

    for (size_t i = 0; i < COUNT(table); i++)
        assert_string_equal(size_format(table[i].bytes).text, table[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_event_is_a_line),
        cmocka_unit_test(quiet_leaves_the_warnings),
        cmocka_unit_test(bars_stand_below_what_stays),
        cmocka_unit_test(bars_are_gone_in_the_end),
        cmocka_unit_test(bars_left_over_are_erased),
        cmocka_unit_test(bars_never_reach_the_last_column),
        cmocka_unit_test(redrawing_happens_at_most_ten_times_a_second),
        cmocka_unit_test(what_is_over_at_once_has_no_bar),
        cmocka_unit_test(a_label_cannot_steer_the_terminal),
        cmocka_unit_test(every_thread_may_report),
        cmocka_unit_test(sizes_are_read_at_a_glance),
    };
    return cmocka_run_group_tests_name("progress_terminal", tests, NULL, NULL);
}
