/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A platform with room for one function, and a switch: the call that is going
 * to fail. Its repository is a store of the test's.
 */

#include "lambda/platform.h"

#define FAKE_REPOSITORY_URI "registry.example/repository"

struct fake_platform {
    struct platform platform;
    struct platform_ops ops;  /* its own, so that a test may set is_local */
    struct store *repository; /* borrowed */
    int repositories_opened;
    char *function;  /* its name; NULL: there is none */
    char *image_uri; /* what it runs */
    bool is_broken;  /* its creation was not finished */
    int updates;
    int images_undone;
    int calls_left; /* the call after these fails, once, with ERROR_NETWORK; -1 for never */
    int failures;   /* how many calls in a row fail then */
};

void fake_platform_init(struct fake_platform *fake, struct store *repository);
void fake_platform_release(struct fake_platform *fake);

static inline void fake_platform_cleanup(struct fake_platform *fake)
{
    fake_platform_release(fake);
}
