/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/fake_platform.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"

static bool call(struct platform *self, struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    if (fake->calls_left > 0)
        fake->calls_left--;
    else if (fake->calls_left == 0 && fake->failures-- > 0)
        return error_set(err, ERROR_NETWORK, "no answer");
    return true;
}

static bool find(struct platform *self, const struct definition *definition,
                 struct platform_function *out, struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    out->exists = fake->function && strcmp(fake->function, definition->name) == 0;
    out->is_broken = fake->is_broken;
    out->image_uri = out->exists ? memory_copy_string(fake->image_uri) : NULL;
    return call(self, err);
}

static bool open_repository(struct platform *self, const struct definition *definition,
                            bool make, struct platform_repository *out, struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;
    (void)definition;

    if (!call(self, err))
        return false;
    if (!make && fake->repositories_opened == 0)
        return true;
    fake->repositories_opened += make;
    out->store = fake->repository;
    out->uri = memory_copy_string(FAKE_REPOSITORY_URI);
    return true;
}

static void forget(struct fake_platform *fake)
{
    free(fake->function);
    free(fake->image_uri);
    fake->function = NULL;
    fake->image_uri = NULL;
}

/* The function is there from the first half on, and active after the second. */
static bool create(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    if (!call(self, err))
        return false;
    assert(!fake->function || fake->is_broken);
    forget(fake);
    fake->function = memory_copy_string(change->definition->name);
    fake->image_uri = memory_copy_string(change->image_uri);
    fake->is_broken = true;
    if (change->is_made)
        *change->is_made = true;
    if (!call(self, err))
        return false;
    fake->is_broken = false;
    *arn = memory_copy_string("arn:fake");
    return true;
}

static bool update(struct platform *self, const struct platform_change *change, char **arn,
                   struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    if (!call(self, err))
        return false;
    assert(fake->function && !fake->is_broken);
    fake->updates++;
    free(fake->image_uri);
    fake->image_uri = memory_copy_string(change->image_uri);
    *arn = memory_copy_string("arn:fake");
    return true;
}

static bool plan(struct platform *self, const struct platform_change *change, json_t *calls,
                 struct error *err)
{
    (void)change;
    json_array_append_new(calls, json_string("a call"));
    return call(self, err);
}

static bool undo(struct platform *self, const char *name, const char *image_uri,
                 struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;
    (void)name;

    if (!call(self, err))
        return false;
    forget(fake);
    fake->is_broken = false;
    fake->images_undone += image_uri != NULL;
    return true;
}

static bool remove_function(struct platform *self, const char *name, struct error *err)
{
    (void)name;
    if (!call(self, err))
        return false;
    forget((struct fake_platform *)self);
    return true;
}

void fake_platform_init(struct fake_platform *fake, struct store *repository)
{
    *fake = (struct fake_platform){
        .ops =
            {
                .find = find,
                .open_repository = open_repository,
                .create = create,
                .update = update,
                .plan = plan,
                .undo = undo,
                .remove = remove_function,
            },
        .repository = repository,
        .calls_left = -1,
        .failures = 1,
    };
    fake->platform.ops = &fake->ops;
}

void fake_platform_release(struct fake_platform *fake)
{
    forget(fake);
}
