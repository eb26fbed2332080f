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

static bool has_function(struct platform *self, const char *name, bool *found,
                         struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    *found = fake->function && strcmp(fake->function, name) == 0;
    return call(self, err);
}

static bool open_repository(struct platform *self, const struct definition *definition,
                            struct platform_repository *out, struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;
    (void)definition;

    if (!call(self, err))
        return false;
    fake->repositories_opened++;
    out->store = fake->repository;
    out->uri = memory_copy_string(FAKE_REPOSITORY_URI);
    return true;
}

static bool create(struct platform *self, const struct definition *definition,
                   const char *image_uri, struct error *err)
{
    struct fake_platform *fake = (struct fake_platform *)self;

    if (!call(self, err))
        return false;
    assert(!fake->function);
    fake->function = memory_copy_string(definition->name);
    fake->image_uri = memory_copy_string(image_uri);
    return true;
}

static bool wait_until_active(struct platform *self, const char *name, char **arn,
                              struct error *err)
{
    (void)name;
    if (!call(self, err))
        return false;
    *arn = memory_copy_string("arn:fake");
    return true;
}

static void forget(struct fake_platform *fake)
{
    free(fake->function);
    free(fake->image_uri);
    fake->function = NULL;
    fake->image_uri = NULL;
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
                .has_function = has_function,
                .open_repository = open_repository,
                .create = create,
                .wait_until_active = wait_until_active,
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
