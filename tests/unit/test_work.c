/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/work.h"

#include <stdatomic.h>
#include <time.h>

#include "tests/support/unit.h"

enum { PIECES = 200 };

struct record {
    atomic_int done[PIECES];
    atomic_int begun;
    atomic_int learnt; /* pieces that were told to stop */
    size_t fails;      /* the piece that fails; PIECES for none */
};

static void wait_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

static bool record_piece(void *context, struct work *work, size_t piece, struct error *err)
{
    struct record *record = context;
    (void)work;

    atomic_fetch_add(&record->begun, 1);
    if (piece == record->fails)
        return error_set(err, ERROR_DENIED, "piece %zu", piece);
    atomic_fetch_add(&record->done[piece], 1);
    return true;
}

static void every_piece_is_done_once(void **state)
{
    (void)state;
    static const size_t threads[] = {0, 1, 2, 7, 1000};

    for (size_t i = 0; i < COUNT(threads); i++) {
        struct record record = {.fails = PIECES};
        struct error err;
        assert_ok(work_run(PIECES, threads[i], record_piece, &record, &err));
        for (size_t piece = 0; piece < PIECES; piece++)
            assert_int_equal(record.done[piece], 1);
    }
}

static void no_work_is_done_at_once(void **state)
{
    (void)state;
    struct record record = {.fails = PIECES};
    struct error err;

    assert_ok(work_run(0, 4, record_piece, &record, &err));
    assert_int_equal(record.begun, 0);
}

static void one_thread_stops_where_it_fails(void **state)
{
    (void)state;
    struct record record = {.fails = 10};
    struct error err;

    assert_fails(work_run(PIECES, 1, record_piece, &record, &err), ERROR_DENIED, "piece 10");
    assert_int_equal(record.begun, 11);
}

/* Piece 0 fails while the others are under way; they go on until they are told. */
static bool wait_for_failure(void *context, struct work *work, size_t piece, struct error *err)
{
    struct record *record = context;

    atomic_fetch_add(&record->begun, 1);
    if (piece == 0) {
        while (record->begun < 4)
            wait_a_moment();
        return error_set(err, ERROR_NETWORK, "the first failure");
    }
    while (!work_stopped(work))
        wait_a_moment();
    atomic_fetch_add(&record->learnt, 1);
    return error_set(err, ERROR_SYSTEM, "a failure that only followed");
}

static void the_first_failure_stops_the_others_and_is_reported(void **state)
{
    (void)state;
    struct record record = {0};
    struct error err;

    assert_fails(work_run(PIECES, 4, wait_for_failure, &record, &err), ERROR_NETWORK,
                 "the first failure");
    assert_int_equal(record.begun, 4);
    assert_int_equal(record.learnt, 3);
}

/* No piece ends before all have begun, so they must be under way at the same time. */
static bool meet(void *context, struct work *work, size_t piece, struct error *err)
{
    struct record *record = context;
    (void)work, (void)piece, (void)err;

    atomic_fetch_add(&record->begun, 1);
    while (record->begun < 4)
        wait_a_moment();
    return true;
}

static void pieces_are_under_way_at_the_same_time(void **state)
{
    (void)state;
    struct record record = {0};
    struct error err;

    assert_ok(work_run(4, 4, meet, &record, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_piece_is_done_once),
        cmocka_unit_test(no_work_is_done_at_once),
        cmocka_unit_test(one_thread_stops_where_it_fails),
        cmocka_unit_test(the_first_failure_stops_the_others_and_is_reported),
        cmocka_unit_test(pieces_are_under_way_at_the_same_time),
    };
    return cmocka_run_group_tests_name("work", tests, NULL, NULL);
}
