/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shipments: each blob is brought once, in the order that is over soonest, and
 * the first failure is the one told.
 */
#include "oci/shipment.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "oci/base/memory.h"
#include "tests/support/unit.h"

enum { AT_ONCE = 8, CALLS = 32, PLUG_BYTES = 1 };

/* A far side that has everything, and holds whoever asks for a plug until it is pulled. */
struct quay {
    struct store store;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    size_t held;   /* plugs asked for by now */
    size_t pulled; /* that may go */
    uint64_t sizes[CALLS];
    size_t calls;
    size_t expected;
    uint64_t broken; /* the size of the blob that fails */
};

static bool quay_has_blob(struct store *self, const struct descriptor *blob, bool *found,
                          struct error *err)
{
    struct quay *quay = (struct quay *)self;

    pthread_mutex_lock(&quay->lock);
    if (blob->size == PLUG_BYTES) {
        quay->held++;
        pthread_cond_broadcast(&quay->changed);
        while (quay->pulled == 0)
            pthread_cond_wait(&quay->changed, &quay->lock);
        quay->pulled--;
    } else {
        quay->sizes[quay->calls++] = blob->size;
    }
    bool is_broken = quay->broken && blob->size == quay->broken;
    pthread_mutex_unlock(&quay->lock);
    *found = true;
    return !is_broken || error_set(err, ERROR_NETWORK, "no answer");
}

static bool quay_expect_blob(struct store *self, const struct descriptor *blob,
                             struct error *err)
{
    struct quay *quay = (struct quay *)self;
    (void)blob, (void)err;

    pthread_mutex_lock(&quay->lock);
    quay->expected++;
    pthread_mutex_unlock(&quay->lock);
    return true;
}

static const struct store_ops quay_ops = {
    .has_blob = quay_has_blob,
    .expect_blob = quay_expect_blob,
};

static struct store nowhere = {.ops = &(const struct store_ops){.is_far = true}};

/* A shipment to that side. */
struct fixture {
    struct quay quay;
    struct shipment *shipment;
    struct shipment_summary summary;
};

static int set_up(void **state)
{
    struct fixture *fixture = memory_new(1, sizeof *fixture);

    fixture->quay.store.ops = &quay_ops;
    pthread_mutex_init(&fixture->quay.lock, NULL);
    pthread_cond_init(&fixture->quay.changed, NULL);
    fixture->shipment = shipment_new(&nowhere, &fixture->quay.store, &progress_none);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    shipment_free(fixture->shipment);
    pthread_mutex_destroy(&fixture->quay.lock);
    pthread_cond_destroy(&fixture->quay.changed);
    free(fixture);
    return 0;
}

static struct descriptor blob_of(uint64_t size, unsigned char number)
{
    return (struct descriptor){MEDIA_TYPE_OCI_LAYER_GZIP, digest_of(&number, 1), size};
}

static void add(struct shipment *shipment, uint64_t size, unsigned char number)
{
    struct error err;
    struct descriptor blob = blob_of(size, number);

    assert_ok(shipment_add(shipment, &blob, &err));
}

static void pull(struct quay *quay, size_t count)
{
    pthread_mutex_lock(&quay->lock);
    quay->pulled += count;
    pthread_cond_broadcast(&quay->changed);
    pthread_mutex_unlock(&quay->lock);
}

static void await_held(struct quay *quay, size_t count)
{
    pthread_mutex_lock(&quay->lock);
    while (quay->held < count)
        pthread_cond_wait(&quay->changed, &quay->lock);
    pthread_mutex_unlock(&quay->lock);
}

static void await_calls(struct quay *quay, size_t count)
{
    struct timespec moment = {.tv_nsec = 1000000};

    for (;; nanosleep(&moment, NULL)) {
        pthread_mutex_lock(&quay->lock);
        bool done = quay->calls >= count;
        pthread_mutex_unlock(&quay->lock);
        if (done)
            return;
    }
}

static void small_blobs_go_first_and_then_the_largest(void **state)
{
    struct fixture *fixture = *state;
    static const uint64_t sizes[] = {3 << 20, 500, 5 << 20, 700, 4 << 20};
    static const uint64_t expected[] = {500, 700, 5 << 20, 4 << 20, 3 << 20};
    struct error err;

    for (unsigned char i = 0; i < AT_ONCE; i++)
        add(fixture->shipment, PLUG_BYTES, i);
    await_held(&fixture->quay, AT_ONCE); /* nobody is free */
    for (unsigned char i = 0; i < COUNT(sizes); i++)
        add(fixture->shipment, sizes[i], (unsigned char)(100 + i));
    pull(&fixture->quay, 1); /* and now one is */
    await_calls(&fixture->quay, COUNT(sizes));
    assert_memory_equal(fixture->quay.sizes, expected, sizeof expected);
    pull(&fixture->quay, AT_ONCE - 1);
    assert_ok(shipment_wait(fixture->shipment, &fixture->summary, &err));
    assert_int_equal(fixture->summary.blobs_there, AT_ONCE + COUNT(sizes));
}

static void a_blob_is_brought_once(void **state)
{
    struct fixture *fixture = *state;
    struct error err;

    assert_ok(shipment_wait(fixture->shipment, &fixture->summary, &err)); /* for nothing */
    for (int i = 0; i < 3; i++) {
        add(fixture->shipment, 10, 1);
        assert_ok(shipment_wait(fixture->shipment, &fixture->summary, &err));
        assert_int_equal(fixture->summary.blobs_there, 1);
    }
    add(fixture->shipment, 10, 2);
    assert_ok(shipment_wait(fixture->shipment, &fixture->summary, &err));
    assert_int_equal(fixture->summary.blobs_there, 2);
    assert_int_equal(fixture->quay.calls, 2);
}

static void the_first_failure_is_told_and_ends_it(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    fixture->quay.broken = 7;

    add(fixture->shipment, 7, 1);
    assert_fails(shipment_wait(fixture->shipment, &fixture->summary, &err), ERROR_NETWORK,
                 "no answer");
    add(fixture->shipment, 8, 2);
    assert_fails(shipment_wait(fixture->shipment, &fixture->summary, &err), ERROR_NETWORK,
                 "no answer");
    assert_int_equal(fixture->quay.calls, 1);
}

static void what_may_not_go_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    struct descriptor foreign = blob_of(5, 1);

    foreign.media_type = MEDIA_TYPE_FOREIGN_LAYER;
    assert_fails(shipment_add(fixture->shipment, &foreign, &err), ERROR_INVALID,
                 "may not be distributed");
}

static void a_config_uses_the_upload_opened_for_it(void **state)
{
    struct fixture *fixture = *state;
    struct error err;
    struct descriptor config = blob_of(9, 1);

    config.media_type = MEDIA_TYPE_OCI_CONFIG;
    shipment_expect_config(fixture->shipment);
    assert_ok(shipment_add(fixture->shipment, &config, &err)); /* waits if it is not open yet */
    assert_ok(shipment_wait(fixture->shipment, &fixture->summary, &err));
    assert_int_equal(fixture->quay.expected, 1);
    assert_int_equal(fixture->quay.calls, 1);
}

#define WITH_A_SHIPMENT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_SHIPMENT(small_blobs_go_first_and_then_the_largest),
        WITH_A_SHIPMENT(a_blob_is_brought_once),
        WITH_A_SHIPMENT(the_first_failure_is_told_and_ends_it),
        WITH_A_SHIPMENT(what_may_not_go_is_refused),
        WITH_A_SHIPMENT(a_config_uses_the_upload_opened_for_it),
    };
    return cmocka_run_group_tests_name("shipment", tests, NULL, NULL);
}
