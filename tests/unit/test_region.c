/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The region: found in order, and refused where it is none.
 */
#include "lambda/aws/region.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "tests/support/aws_world.h"
#include "tests/support/unit.h"

static void the_region_is_found_in_order(void **state)
{
    (void)state;
    static const struct {
        const char *option;
        struct situation situation;
        const char *region;
        const char *origin;
    } cases[] = {
        {"eu-west-1",
         {.variables = {"AWS_REGION=us-east-1"}},
         "eu-west-1",
         "the command line or the definition"},
        {NULL,
         {.variables = {"AWS_REGION=us-east-1", "AWS_DEFAULT_REGION=us-east-2"}},
         "us-east-1",
         "AWS_REGION"},
        {NULL,
         {.variables = {"AWS_DEFAULT_REGION=us-east-2"},
          .config = "[default]\nregion=eu-west-3\n"},
         "us-east-2",
         "AWS_DEFAULT_REGION"},
        {NULL,
         {.variables = {NULL}, .config = "[default]\nregion=eu-west-3\n"},
         "eu-west-3",
         "profile 'default'"},
        {NULL,
         {.variables = {NULL}, .config = "[profile w]\nregion=eu-west-3\n", .profile = "w"},
         "eu-west-3",
         "profile 'w'"},
        {NULL,
         {.variables = {NULL},
          .script = {{"PUT /latest/api/token", 200, "TOKEN", {{0}}},
                     {"GET /latest/meta-data/placement/region", 200, "ap-south-2", {{0}}}}},
         "ap-south-2",
         "the instance's metadata"},
    };
    struct error err = {0};

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(world) struct world world;
        owned(memory) char *region = NULL;
        owned(memory) char *origin = NULL;
        world_make(&cases[i].situation, &world);
        assert_ok(region_find(cases[i].option, &world.sources, &region, &origin, &err));
        assert_string_equal(region, cases[i].region);
        assert_string_equal(origin, cases[i].origin);
    }
}

static void a_missing_or_impossible_region_is_refused(void **state)
{
    (void)state;
    static const struct situation situation = {.variables = {NO_INSTANCE}};
    static const char *const bad[] = {"evil.example.com/", "EU-WEST-1", "-", "a b", ""};
    owned(world) struct world world;
    owned(memory) char *region = NULL;
    owned(memory) char *origin = NULL;
    struct error err = {0};

    world_make(&situation, &world);
    assert_fails(region_find(NULL, &world.sources, &region, &origin, &err), ERROR_USAGE,
                 "no AWS region: give --region, set AWS_REGION");
    for (size_t i = 0; i < COUNT(bad); i++)
        assert_fails(region_find(bad[i], &world.sources, &region, &origin, &err), ERROR_USAGE,
                     "is no AWS region");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_region_is_found_in_order),
        cmocka_unit_test(a_missing_or_impossible_region_is_refused),
    };
    return cmocka_run_group_tests_name("region", tests, NULL, NULL);
}
