/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials that end: renewed before, and never used after.
 */
#include "lambda/aws/credentials_keeper.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "tests/support/aws_world.h"
#include "tests/support/unit.h"

/* The answers' credentials end at 13:36, an hour from the beginning. */
static void credentials_are_renewed_before_they_end(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
        .script = {{"GET /x", 200, JSON_ANSWER("AKONE"), {{0}}},
                   {"GET /x", 400, "", {{0}}},
                   {"GET /x",
                    200,
                    "{\"AccessKeyId\":\"AKTWO\",\"SecretAccessKey\":\"S\",\"Token\":\"T\","
                    "\"Expiration\":\"2015-08-30T14:36:00Z\"}",
                    {{0}}},
                   {"GET /x", 400, "", {{0}}}}};
    static const struct {
        unsigned int wait_s;
        const char *access_key; /* NULL: an error */
    } steps[] = {
        {0, "AKONE"},        /* 12:36 */
        {44 * 60, "AKONE"},  /* 13:20, not yet */
        {2 * 60, "AKONE"},   /* 13:22, refused */
        {30, "AKONE"},       /* not asked again at once */
        {60, "AKTWO"},       /* 13:23:30 */
        {2 * 60 * 60, NULL}, /* too late, and refused */
    };
    owned(world) struct world world;

    world_make(&situation, &world);
    owned(credentials_keeper) struct credentials_keeper keeper = {0};
    credentials_keeper_init(&keeper, &world.sources);
    for (size_t i = 0; i < COUNT(steps); i++) {
        owned(aws_credentials) struct aws_credentials keys = {0};
        struct error err = {0};
        clock_sleep(world.sources.clock, steps[i].wait_s * 1000);
        bool good = credentials_keeper_get(&keeper, &keys, NULL, &err);
        assert_int_equal(good, steps[i].access_key != NULL);
        if (good)
            assert_string_equal(keys.access_key, steps[i].access_key);
        else
            assert_int_equal(err.kind, ERROR_DENIED);
    }
}

static void credentials_that_have_ended_are_not_used(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {ENV_KEYS, "AWS_CREDENTIAL_EXPIRATION=2015-08-30T14:36:00+02:00"}};
    owned(world) struct world world;
    owned(credentials_keeper) struct credentials_keeper keeper = {0};
    owned(aws_credentials) struct aws_credentials keys = {0};
    struct error err = {0};

    world_make(&situation, &world);
    credentials_keeper_init(&keeper, &world.sources);
    assert_fails(credentials_keeper_get(&keeper, &keys, NULL, &err), ERROR_DENIED,
                 "the credentials of the environment ended at 2015-08-30T12:36:00Z");
}

/* Whatever was said of their end, AWS knows better. */
static void credentials_that_aws_says_have_ended_are_found_anew(void **state)
{
    (void)state;
    static const struct situation situation = {
        .variables = {"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/x"},
        .script = {{"GET /x", 200, JSON_ANSWER("AKONE"), {{0}}},
                   {"GET /x", 200, JSON_ANSWER("AKTWO"), {{0}}},
                   {"GET /x", 200, JSON_ANSWER("AKTWO"), {{0}}},
                   {"GET /x", 400, "", {{0}}}}};
    owned(world) struct world world;
    owned(credentials_keeper) struct credentials_keeper keeper = {0};
    owned(aws_credentials) struct aws_credentials one = {0};
    owned(aws_credentials) struct aws_credentials two = {0};
    struct error err = {0};

    world_make(&situation, &world);
    credentials_keeper_init(&keeper, &world.sources);
    assert_ok(credentials_keeper_get(&keeper, &one, NULL, &err));
    assert_ok(credentials_keeper_replace(&keeper, &one, &err));
    assert_ok(credentials_keeper_replace(&keeper, &one, &err)); /* somebody has, already */
    assert_ok(credentials_keeper_get(&keeper, &two, NULL, &err));
    assert_string_equal(two.access_key, "AKTWO");
    assert_fails(credentials_keeper_replace(&keeper, &two, &err), ERROR_DENIED,
                 "the credentials of the container have ended: get new ones");
    assert_fails(credentials_keeper_replace(&keeper, &two, &err), ERROR_DENIED, "400");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(credentials_are_renewed_before_they_end),
        cmocka_unit_test(credentials_that_have_ended_are_not_used),
        cmocka_unit_test(credentials_that_aws_says_have_ended_are_found_anew),
    };
    return cmocka_run_group_tests_name("credentials_keeper", tests, NULL, NULL);
}
