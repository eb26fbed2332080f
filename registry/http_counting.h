/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A transport that counts round trips, and how many of them had to wait for each other.
 *
 * Round trips are what users wait for. An exchange that began after another one
 * had ended comes after it in a chain; the longest chain is what no more threads
 * and no better line would make shorter.
 */

#include <pthread.h>

#include "registry/http.h"

/* Shared by any number of transports. */
struct round_trips {
    pthread_mutex_t lock;
    unsigned int count;
    unsigned int longest_chain; /* of exchanges one after the other */
};

void round_trips_init(struct round_trips *trips);
void round_trips_release(struct round_trips *trips);

/** Takes over `inner`, borrows `trips`. */
struct http *http_counting(struct http *inner, struct round_trips *trips);
