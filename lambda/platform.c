/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/platform.h"

#include <stdlib.h>

void platform_repository_release(struct platform_repository *repository)
{
    free(repository->uri);
    *repository = (struct platform_repository){0};
}

void platform_function_release(struct platform_function *function)
{
    free(function->image_uri);
    *function = (struct platform_function){0};
}

void invocation_release(struct invocation *invocation)
{
    free(invocation->payload);
    free(invocation->request_id);
    free(invocation->log_group);
    free(invocation->log_stream);
    free(invocation->log_tail);
    *invocation = (struct invocation){0};
}

void platform_free(struct platform *platform)
{
    if (platform)
        platform->ops->free(platform);
}
