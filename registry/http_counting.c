/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_counting.h"

#include <stdlib.h>

#include "oci/base/memory.h"

struct counting {
    struct http http;
    struct http *inner;
    struct round_trips *trips;
};

void round_trips_init(struct round_trips *trips)
{
    *trips = (struct round_trips){0};
    pthread_mutex_init(&trips->lock, NULL);
}

void round_trips_release(struct round_trips *trips)
{
    pthread_mutex_destroy(&trips->lock);
}

static bool counting_exchange(struct http *self, const struct http_request *request,
                              struct http_response *out, struct error *err)
{
    struct counting *counting = (struct counting *)self;
    struct round_trips *trips = counting->trips;

    pthread_mutex_lock(&trips->lock);
    unsigned int place = trips->longest_chain + 1;
    trips->count++;
    pthread_mutex_unlock(&trips->lock);

    bool exchanged = http_exchange(counting->inner, request, out, err);

    pthread_mutex_lock(&trips->lock);
    if (place > trips->longest_chain)
        trips->longest_chain = place;
    pthread_mutex_unlock(&trips->lock);
    return exchanged;
}

static bool counting_try_again(struct http *self, unsigned int tries,
                               const struct http_response *refusal)
{
    return http_try_again(((struct counting *)self)->inner, tries, refusal);
}

static void counting_free(struct http *self)
{
    http_free(((struct counting *)self)->inner);
    free(self);
}

static const struct http_ops counting_ops = {
    .exchange = counting_exchange,
    .try_again = counting_try_again,
    .free = counting_free,
};

struct http *http_counting(struct http *inner, struct round_trips *trips)
{
    struct counting *counting = memory_new(1, sizeof *counting);

    counting->http.ops = &counting_ops;
    counting->inner = inner;
    counting->trips = trips;
    return &counting->http;
}
