/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shipments: each blob is brought once, in the order that is over soonest, and
 * the first failure is the one told.
 */
#include "oci/shipment.h"

#include <pthread.h>
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

static void quay_init(struct quay *quay)
{
    *quay = (struct quay){.store.ops = &quay_ops};
    pthread_mutex_init(&quay->lock, NULL);
    pthread_cond_init(&quay->changed, NULL);
}

static void quay_cleanup(struct quay *quay)
{
    pthread_mutex_destroy(&quay->lock);
    pthread_cond_destroy(&quay->changed);
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
    (void)state;
    static const uint64_t sizes[] = {3 << 20, 500, 5 << 20, 700, 4 << 20};
    static const uint64_t expected[] = {500, 700, 5 << 20, 4 << 20, 3 << 20};
    struct error err;
    struct shipment_summary summary;
    owned(quay) struct quay quay;
    quay_init(&quay);
    owned(shipment) struct shipment *shipment =
        shipment_new(&nowhere, &quay.store, &progress_none);

    for (unsigned char i = 0; i < AT_ONCE; i++)
        add(shipment, PLUG_BYTES, i);
    await_held(&quay, AT_ONCE); /* nobody is free */
    for (unsigned char i = 0; i < COUNT(sizes); i++)
        add(shipment, sizes[i], (unsigned char)(100 + i));
    pull(&quay, 1); /* and now one is */
    await_calls(&quay, COUNT(sizes));
    assert_memory_equal(quay.sizes, expected, sizeof expected);
    pull(&quay, AT_ONCE - 1);
    assert_ok(shipment_wait(shipment, &summary, &err));
    assert_int_equal(summary.blobs_there, AT_ONCE + COUNT(sizes));
}

static void a_blob_is_brought_once(void **state)
{
    (void)state;
    struct error err;
    struct shipment_summary summary;
    owned(quay) struct quay quay;
    quay_init(&quay);
    owned(shipment) struct shipment *shipment =
        shipment_new(&nowhere, &quay.store, &progress_none);

    assert_ok(shipment_wait(shipment, &summary, &err)); /* for nothing */
    for (int i = 0; i < 3; i++) {
        add(shipment, 10, 1);
        assert_ok(shipment_wait(shipment, &summary, &err));
        assert_int_equal(summary.blobs_there, 1);
    }
    add(shipment, 10, 2);
    assert_ok(shipment_wait(shipment, &summary, &err));
    assert_int_equal(summary.blobs_there, 2);
    assert_int_equal(quay.calls, 2);
}

static void the_first_failure_is_told_and_ends_it(void **state)
{
    (void)state;
    struct error err;
    struct shipment_summary summary;
    owned(quay) struct quay quay;
    quay_init(&quay);
    quay.broken = 7;
    owned(shipment) struct shipment *shipment =
        shipment_new(&nowhere, &quay.store, &progress_none);

    add(shipment, 7, 1);
    assert_fails(shipment_wait(shipment, &summary, &err), ERROR_NETWORK, "no answer");
    add(shipment, 8, 2);
    assert_fails(shipment_wait(shipment, &summary, &err), ERROR_NETWORK, "no answer");
    assert_int_equal(quay.calls, 1);
}

static void what_may_not_go_is_refused(void **state)
{
    (void)state;
    struct error err;
    owned(quay) struct quay quay;
    quay_init(&quay);
    owned(shipment) struct shipment *shipment =
        shipment_new(&nowhere, &quay.store, &progress_none);
    struct descriptor foreign = blob_of(5, 1);

    foreign.media_type = MEDIA_TYPE_FOREIGN_LAYER;
    assert_fails(shipment_add(shipment, &foreign, &err), ERROR_INVALID,
                 "may not be distributed");
}

static void a_config_uses_the_upload_opened_for_it(void **state)
{
    (void)state;
    struct error err;
    struct shipment_summary summary;
    owned(quay) struct quay quay;
    quay_init(&quay);
    owned(shipment) struct shipment *shipment =
        shipment_new(&nowhere, &quay.store, &progress_none);
    struct descriptor config = blob_of(9, 1);

    config.media_type = MEDIA_TYPE_OCI_CONFIG;
    shipment_expect_config(shipment);
    assert_ok(shipment_add(shipment, &config, &err)); /* waits if it is not open yet */
    assert_ok(shipment_wait(shipment, &summary, &err));
    assert_int_equal(quay.expected, 1);
    assert_int_equal(quay.calls, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_blobs_go_first_and_then_the_largest),
        cmocka_unit_test(a_blob_is_brought_once),
        cmocka_unit_test(the_first_failure_is_told_and_ends_it),
        cmocka_unit_test(what_may_not_go_is_refused),
        cmocka_unit_test(a_config_uses_the_upload_opened_for_it),
    };
    return cmocka_run_group_tests_name("shipment", tests, NULL, NULL);
}
