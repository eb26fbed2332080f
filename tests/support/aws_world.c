/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/aws_world.h"

#include <stdlib.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

static void put(const char *home, const char *name, const char *content)
{
    struct error err = {0};
    owned(memory) char *path = text_format("%s/%s", home, name);
    owned(memory) char *folder = memory_copy_string(path);

    if (!content)
        return;
    *strrchr(folder, '/') = '\0';
    assert_ok(folder_make(folder, &err));
    assert_ok(file_write(path, 0600, content, strlen(content), &err));
}

void world_make(const struct situation *situation, struct world *world)
{
    struct error err = {0};

    *world = (struct world){0};
    assert_ok(folder_make_temporary("/tmp", "skiff-test-", &world->home, &err));
    world->variable = text_format("HOME=%s", world->home);
    world->environment[0] = world->variable;
    for (size_t i = 0; i < VARIABLES_LIMIT && situation->variables[i]; i++)
        world->environment[i + 1] = situation->variables[i];
    put(world->home, ".aws/credentials", situation->credentials);
    put(world->home, ".aws/config", situation->config);
    if (situation->file)
        put(world->home, situation->file, situation->content);
    assert_ok(
        aws_settings_open(world->environment, situation->profile, &world->settings, &err));
    world->aws = scripted_aws_new(situation->script);
    world->sources = (struct credentials_sources){
        .settings = &world->settings,
        .profile = aws_settings_profile(&world->settings),
        .region = "eu-west-1",
        .http = scripted_aws_ask(world->aws)->http,
        .clock = scripted_aws_ask(world->aws)->clock,
    };
}

void world_release(struct world *world)
{
    struct error err = {0};

    assert_ok(folder_remove(world->home, &err));
    aws_settings_release(&world->settings);
    scripted_aws_free(world->aws);
    free(world->home);
    free(world->variable);
}
