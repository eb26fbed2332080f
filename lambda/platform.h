/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Who runs functions: AWS is one platform, this machine is another.
 *
 * A platform knows functions by name and takes their images into a repository
 * of its own, which is a store like any other.
 */

#include <stddef.h>
#include <stdint.h>

#include "lambda/definition.h"
#include "oci/store.h"

struct platform;

/* Where a function's images go. */
struct platform_repository {
    struct store *store; /* borrowed from the platform */
    char *uri;           /* owned: an image is "<uri>@sha256:…" */
};

void platform_repository_release(struct platform_repository *repository);

/* All owned. */
struct invocation {
    bool failed;   /* the function, not the invoking of it */
    char *payload; /* the answer, JSON */
    size_t payload_count;
    char *request_id; /* "" when unknown */
    char *log_group;  /* "" when unknown */
    char *log_stream; /* "" when unknown */
    char *log_tail;   /* the last of what it logged; NULL when not known */
};

void invocation_release(struct invocation *invocation);

struct platform_ops {
    /* Images stay on this machine: any compression will do, and even a prepared image is
     * copied into the repository. Elsewhere layers must be gzip. */
    bool is_local;

    bool (*has_function)(struct platform *self, const char *name, bool *found,
                         struct error *err);

    /* Opens the repository for the function's images, made when missing; says so. */
    bool (*open_repository)(struct platform *self, const struct definition *definition,
                            struct platform_repository *out, struct error *err);

    /* Creates the function on the image `image_uri` (by digest) and what belongs to it.
     * ERROR_CONFLICT when it exists already. */
    bool (*create)(struct platform *self, const struct definition *definition,
                   const char *image_uri, struct error *err);

    /* Waits until the function can be invoked. `*arn`, what the platform calls it, is the
     * caller's to free(). */
    bool (*wait_until_active)(struct platform *self, const char *name, char **arn,
                              struct error *err);

    /* Sends `payload`, JSON, and waits for the answer. ERROR_NOT_FOUND without such a function.
     */
    bool (*invoke)(struct platform *self, const char *name, const char *payload, size_t count,
                   struct invocation *out, struct error *err);

    /* Removes the function and what create and open_repository made for it; says each step.
     * ERROR_NOT_FOUND without such a function. */
    bool (*remove)(struct platform *self, const char *name, struct error *err);

    void (*free)(struct platform *self);
};

/* First member of every platform. */
struct platform {
    const struct platform_ops *ops;
};

void platform_free(struct platform *platform);

static inline void platform_repository_cleanup(struct platform_repository *repository)
{
    platform_repository_release(repository);
}
static inline void invocation_cleanup(struct invocation *invocation)
{
    invocation_release(invocation);
}
static inline void platform_cleanup(struct platform **variable)
{
    platform_free(*variable);
}
