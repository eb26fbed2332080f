/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/credentials_keeper.h"

#include <string.h>

#include "lambda/aws/timestamp.h"
#include "oci/base/memory.h"

enum { RENEW_EARLY_S = 15 * 60, RENEW_AGAIN_S = 60 };

void credentials_keeper_init(struct credentials_keeper *keeper,
                             const struct credentials_sources *sources)
{
    *keeper = (struct credentials_keeper){.sources = sources};
    pthread_mutex_init(&keeper->lock, NULL);
}

void credentials_keeper_release(struct credentials_keeper *keeper)
{
    credentials_release(&keeper->current);
    pthread_mutex_destroy(&keeper->lock);
}

static time_t when_to_renew(time_t now, time_t expire_at)
{
    time_t life = expire_at - now;

    return expire_at - (life / 2 < RENEW_EARLY_S ? life / 2 : RENEW_EARLY_S);
}

static bool has_ended(const struct credentials *credentials, time_t now)
{
    return credentials->expire_at != 0 && credentials->expire_at <= now;
}

static bool find_anew(struct credentials_keeper *keeper, time_t now, struct error *err)
{
    owned(credentials) struct credentials found = {0};

    if (!credentials_find(keeper->sources, &found, err))
        return false;
    if (has_ended(&found, now))
        return error_set(err, ERROR_DENIED,
                         "the credentials of %.200s ended at %s: get new ones", found.origin,
                         timestamp_format(found.expire_at).text);
    credentials_release(&keeper->current);
    keeper->current = found;
    keeper->renew_at = found.expire_at ? when_to_renew(now, found.expire_at) : 0;
    found = (struct credentials){0};
    return true;
}

/* Those that were found earlier do as long as they last. */
static bool make_current(struct credentials_keeper *keeper, struct error *err)
{
    if (!keeper->sources)
        return true;

    time_t now = clock_now(keeper->sources->clock);
    const struct credentials *current = &keeper->current;
    bool is_due =
        !current->keys.access_key || (keeper->renew_at != 0 && now >= keeper->renew_at);
    if (!is_due || find_anew(keeper, now, err))
        return true;
    keeper->renew_at = now + RENEW_AGAIN_S;
    return current->keys.access_key && !has_ended(current, now);
}

static char *copy_optional(const char *string)
{
    return string ? memory_copy_string(string) : NULL;
}

bool credentials_keeper_get(struct credentials_keeper *keeper, struct aws_credentials *out,
                            char **origin, struct error *err)
{
    const struct aws_credentials *keys = &keeper->current.keys;

    pthread_mutex_lock(&keeper->lock);
    bool good = make_current(keeper, err);
    if (good) {
        *out = (struct aws_credentials){
            .access_key = memory_copy_string(keys->access_key),
            .secret_key = memory_copy_string(keys->secret_key),
            .session_token = copy_optional(keys->session_token),
        };
        if (origin)
            *origin = copy_optional(keeper->current.origin);
    }
    pthread_mutex_unlock(&keeper->lock);
    return good;
}

static bool is_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool is_current(const struct credentials_keeper *keeper,
                       const struct aws_credentials *keys)
{
    const struct aws_credentials *current = &keeper->current.keys;

    return is_same(current->access_key, keys->access_key) &&
           is_same(current->session_token, keys->session_token);
}

bool credentials_keeper_replace(struct credentials_keeper *keeper,
                                const struct aws_credentials *ended, struct error *err)
{
    const struct credentials_sources *sources = keeper->sources;

    pthread_mutex_lock(&keeper->lock);
    /* Somebody else may have met the end before. */
    bool good = !is_current(keeper, ended);
    if (!good)
        good = !sources || find_anew(keeper, clock_now(sources->clock), err);
    if (good && is_current(keeper, ended)) {
        const char *origin = keeper->current.origin;
        good = error_set(err, ERROR_DENIED, "the credentials%s%.200s have ended: get new ones",
                         origin ? " of " : "", origin ? origin : "");
    }
    pthread_mutex_unlock(&keeper->lock);
    return good;
}
