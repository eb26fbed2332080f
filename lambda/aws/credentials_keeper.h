/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Credentials that stay good: found when first asked for, and again before they end.
 *
 * They are renewed a quarter of an hour early, or after half of a life shorter than
 * that, so that a push which takes long never meets the end. Renewing that fails is
 * no trouble while the old ones last. Those that AWS says have ended, whatever we were told
 * of them, are found anew at once. Any number of threads may ask.
 */

#include <pthread.h>

#include "lambda/aws/credentials.h"

struct credentials_keeper {
    const struct credentials_sources *sources; /* borrowed; NULL: `current` is all there is */
    struct credentials current;                /* owned */
    time_t renew_at;
    pthread_mutex_t lock;
};

/** Finds none yet. */
void credentials_keeper_init(struct credentials_keeper *keeper,
                             const struct credentials_sources *sources);
void credentials_keeper_release(struct credentials_keeper *keeper);

/** A copy of the keys to sign with now; `origin` (may be NULL) says where they are from, a new
 *  string. Both are the caller's. ERROR_DENIED when there are none or they have ended. */
bool credentials_keeper_get(struct credentials_keeper *keeper, struct aws_credentials *out,
                            char **origin, struct error *err) MUST_CHECK;

/** Finds others in the place of keys that AWS said have ended. ERROR_DENIED where there are
 * none but the same. */
bool credentials_keeper_replace(struct credentials_keeper *keeper,
                                const struct aws_credentials *ended,
                                struct error *err) MUST_CHECK;

static inline void credentials_keeper_cleanup(struct credentials_keeper *keeper)
{
    credentials_keeper_release(keeper);
}
