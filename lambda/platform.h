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
#include <time.h>

#include "lambda/definition.h"
#include "lambda/function_environment.h"
#include "oci/store.h"

struct platform;

/* Where a function's images go. */
struct platform_repository {
    struct store *store; /* borrowed from the platform */
    char *uri;           /* owned: an image is "<uri>@sha256:…" */
};

void platform_repository_release(struct platform_repository *repository);

/* What is there under a function's name; all owned. Empty: nothing. */
struct platform_function {
    bool exists;
    bool is_broken;  /* its creation failed, and create() makes it anew */
    char *image_uri; /* what it runs, by digest; NULL when not known */
};

void platform_function_release(struct platform_function *function);

/* What a function is to become. */
struct platform_change {
    const struct definition *definition;
    const char *image_uri; /* by digest; NULL in a plan for an image that is not there yet */
    struct environment_change environment; /* of one that is there */
    int wait_s;                            /* at most, for each change; 0: the usual */
    bool *is_made; /* set by create() once the function is there, whatever comes; or NULL */
};

/* Which of a function's images go. */
struct platform_pruning {
    int keep;     /* so many of the newest stay, and all that are in use */
    bool is_plan; /* only say which */
};

/* What a function is sent. Borrowed. */
struct event {
    const char *payload; /* JSON */
    size_t count;
    bool more_follow; /* soon; a platform of one's own keeps the function warm for them */
};

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

/* A line that a function has logged; all borrowed. */
struct platform_log_event {
    int64_t time_ms;     /* since 1970; 0 when not known */
    const char *stream;  /* "" when there is but one */
    const char *message; /* may have a line end */
};

/* What of a function's log is wanted, and by whom; all borrowed. */
struct platform_log_wish {
    const char *stream;     /* NULL: of all */
    const char *request_id; /* NULL: of all invocations */
    time_t since;           /* 0: from the beginning */
    bool follow;            /* goes on until it fails */
    bool (*listen)(void *context, const struct platform_log_event *event, struct error *err);
    void *context;
};

struct platform_ops {
    /* Images stay on this machine: any compression will do, and even a prepared image is
     * copied into the repository. Elsewhere layers must be gzip. */
    bool is_local;

    /* Looks for the function. Everything that can be refused without changing anything is
     * asked for, too, at the same time, so that it is heard before an image is pushed. */
    bool (*find)(struct platform *self, const struct definition *definition,
                 struct platform_function *out, struct error *err);

    /* Opens the repository for the function's images. With `make` it is made when missing, and
     * that is said; else a missing one leaves `out` empty. */
    bool (*open_repository)(struct platform *self, const struct definition *definition,
                            bool make, struct platform_repository *out, struct error *err);

    /* Whether the change of a function that find() found is small enough, with what it has
     * already. Asks nobody; NULL where there is no limit. */
    bool (*check)(struct platform *self, const struct platform_change *change,
                  struct error *err);

    /* Creates the function and what belongs to it, and waits until it can be invoked. `*arn`,
     * what the platform calls it, is the caller's to free(). ERROR_CONFLICT when it exists
     * already. */
    bool (*create)(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err);

    /* The same for a function that find() found: what it has otherwise is changed, and nothing
     * when there is no such thing. Says what was changed. */
    bool (*update)(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err);

    /* Appends to the array `calls`, in the platform's own words, what create() or update()
     * would do. Changes nothing. */
    bool (*plan)(struct platform *self, const struct platform_change *change, json_t *calls,
                 struct error *err);

    /* Appends to the array `functions` those that skiff or SCAR made, in any order:
     * {"Name": …, "Memory": MiB, "Timeout": seconds, "Image_id": …}. */
    bool (*list)(struct platform *self, json_t *functions, struct error *err);

    /* Removes older images of the function, there or not, and appends to the array `removed`
     * what went: {"digest": …, "tags": […], "size": …, "pushed": …}. */
    bool (*prune)(struct platform *self, const char *name,
                  const struct platform_pruning *pruning, json_t *removed, struct error *err);

    /* Takes back what create() or update() did to the function, and removes the image, unless
     * it is NULL, with a repository made for it. Says each step. */
    bool (*undo)(struct platform *self, const char *name, const char *image_uri,
                 struct error *err);

    /* Sends the event and waits for the answer. ERROR_NOT_FOUND without such a function. */
    bool (*invoke)(struct platform *self, const char *name, const struct event *event,
                   struct invocation *out, struct error *err);

    /* Tells what the function has logged, in order. ERROR_NOT_FOUND without such a function, or
     * such a request. */
    bool (*log)(struct platform *self, const char *name, const struct platform_log_wish *wish,
                struct error *err);

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
static inline void platform_function_cleanup(struct platform_function *function)
{
    platform_function_release(function);
}
static inline void invocation_cleanup(struct invocation *invocation)
{
    invocation_release(invocation);
}
static inline void platform_cleanup(struct platform **variable)
{
    platform_free(*variable);
}
