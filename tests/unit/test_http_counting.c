/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Round trips are counted, and those that go on at the same time are one link of the chain.
 */
#include "registry/http_counting.h"

#include "oci/base/memory.h"
#include "tests/support/unit.h"

/* An exchange that asks something else before it is answered, or while it is under way. */
struct nesting {
    struct http http;
    struct http *counted; /* borrowed: the counting transport over this one */
    int deeper;           /* exchanges inside the next one */
    bool fails;
};

static bool ask(struct http *http, struct error *err)
{
    const struct http_request request = {.method = "GET", .url = "http://127.0.0.1:1/"};
    owned(http_response) struct http_response response = {0};

    return http_exchange(http, &request, &response, err);
}

static bool nesting_exchange(struct http *self, const struct http_request *request,
                             struct http_response *out, struct error *err)
{
    struct nesting *nesting = (struct nesting *)self;
    (void)request;

    *out = (struct http_response){.status = 200};
    if (nesting->deeper-- > 0)
        return ask(nesting->counted, err);
    return !nesting->fails || error_set(err, ERROR_NETWORK, "no answer");
}

static void nesting_free(struct http *self)
{
    (void)self;
}

static const struct http_ops nesting_ops = {.exchange = nesting_exchange, .free = nesting_free};

static void what_goes_on_at_the_same_time_is_one_link(void **state)
{
    (void)state;
    struct nesting nesting = {.http.ops = &nesting_ops};
    struct round_trips trips;
    struct error err = {0};

    round_trips_init(&trips);
    owned(http) struct http *http = http_counting(&nesting.http, &trips);
    nesting.counted = http;
    assert_ok(ask(http, &err));
    assert_ok(ask(http, &err));
    assert_int_equal(trips.count, 2);
    assert_int_equal(trips.longest_chain, 2);

    nesting.deeper = 3; /* four that overlap */
    assert_ok(ask(http, &err));
    assert_int_equal(trips.count, 6);
    assert_int_equal(trips.longest_chain, 3);

    nesting.deeper = 0;
    nesting.fails = true;
    assert_fails(ask(http, &err), ERROR_NETWORK, "no answer");
    assert_int_equal(trips.longest_chain, 4);
    assert_false(http_try_again(http, 1, NULL));
    round_trips_release(&trips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_goes_on_at_the_same_time_is_one_link),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
