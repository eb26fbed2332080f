/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mirrors: asked first, passed over when they do not help, never written to.
 */
#include "registry/registry.h"

#include <stdlib.h>

#include "oci/base/memory.h"
#include "oci/transfer.h"
#include "tests/support/scripted_registry.h"
#include "tests/support/unit.h"

#define ORIGIN "https://origin.example/v2/team/app/"
#define FIRST "https://first.example/v2/hub/team/app/"
#define SECOND "https://second.example/v2/team/app/"
#define FOUND .status = 200, .answer = "{\"layers\":[]}"
#define HERE .status = 200, .answer = "hello"

enum { STEPS = 8 };

/* The origin's repository, behind two mirrors. */
static void open_source(struct scripted_registry *fixture,
                        const struct scripted_exchange *script, size_t count)
{
    scripted_registry_open(fixture, script, count);
    registries_add_mirror(fixture->registries, "Origin.example", "first.example", "hub");
    registries_add_mirror(fixture->registries, "other.example", "wrong.example", "");
    registries_add_mirror(fixture->registries, "origin.example", "second.example", "");
    fixture->store = registries_source(fixture->registries, "origin.example", "team/app");
}

static void mirrors_are_asked_in_their_order(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange steps[STEPS]; /* of a manifest and a blob */
        const char *words;                     /* NULL: it succeeds */
    } cases[] = {
        {.steps = {{"GET", FIRST "manifests/1", FOUND}, {"GET", FIRST "blobs/" HELLO, HERE}}},
        /* what one lacks another may have, and it may have something else */
        {.steps = {{"GET", FIRST "manifests/1", .status = 404},
                   {"GET", SECOND "manifests/1", FOUND},
                   {"GET", FIRST "blobs/" HELLO, HERE}}},
        {.steps = {{"GET", FIRST "manifests/1", FOUND},
                   {"GET", FIRST "blobs/" HELLO, .status = 404},
                   {"GET", SECOND "blobs/" HELLO, .status = 404},
                   {"GET", ORIGIN "blobs/" HELLO, HERE}}},
        /* one that is of no use is asked once */
        {.steps = {{"GET", FIRST "manifests/1", .status = 0},
                   {"GET", SECOND "manifests/1", .status = 403},
                   {"GET", ORIGIN "manifests/1", FOUND},
                   {"GET", ORIGIN "blobs/" HELLO, HERE}}},
        {.steps = {{"GET", FIRST "manifests/1", .status = 200, .answer = "no JSON"},
                   {"GET", SECOND "manifests/1", FOUND},
                   {"GET", SECOND "blobs/" HELLO, .status = 500},
                   {"GET", ORIGIN "blobs/" HELLO, HERE}}},
        /* the origin has the last word */
        {.steps = {{"GET", FIRST "manifests/1", .status = 0},
                   {"GET", SECOND "manifests/1", .status = 404},
                   {"GET", ORIGIN "manifests/1", .status = 404}},
         "no image 'origin.example/team/app:1'"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;
        struct descriptor blob = hello_blob();
        owned(document) struct document document = {0};
        char *bytes = NULL;

        open_source(&fixture, cases[i].steps, scripted_steps(cases[i].steps, STEPS));
        if (cases[i].words) {
            assert_fails(store_resolve(fixture.store, "1", &document, &err), ERROR_NOT_FOUND,
                         cases[i].words);
        } else {
            assert_ok(store_resolve(fixture.store, "1", &document, &err));
            assert_ok(store_read_blob(fixture.store, &blob, &bytes, &err));
            free(bytes);
        }
        scripted_registry_close(&fixture);
    }
}

static void what_a_mirror_begins_the_origin_ends(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange steps[STEPS];
        const char *words; /* NULL: it succeeds */
    } cases[] = {
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "he", .cut = true},
                   {"GET", SECOND "blobs/" HELLO, .range = "bytes=2-", .status = 206,
                    .headers = {{"Content-Range", "bytes 2-4/5"}}, .answer = "llo"}}},
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "he", .cut = true},
                   {"GET", SECOND "blobs/" HELLO, .range = "bytes=2-", .status = 206,
                    .headers = {{"Content-Range", "bytes 2-4/5"}}, .answer = "l", .cut = true},
                   {"GET", ORIGIN "blobs/" HELLO, .range = "bytes=3-", HERE}}},
        /* bytes that were not asked for are found out at the end */
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "hallo"},
                   {"GET", SECOND "blobs/" HELLO, .status = 200, .answer = "more than hello"},
                   {"GET", ORIGIN "blobs/" HELLO, HERE}}},
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "ha", .cut = true},
                   {"GET", SECOND "blobs/" HELLO, .range = "bytes=2-", .status = 404},
                   {"GET", ORIGIN "blobs/" HELLO, .range = "bytes=2-", HERE},
                   {"GET", SECOND "blobs/" HELLO, .status = 404},
                   {"GET", ORIGIN "blobs/" HELLO, HERE}}},
        /* the origin has the last word */
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "hell"},
                   {"GET", SECOND "blobs/" HELLO, .status = 404},
                   {"GET", ORIGIN "blobs/" HELLO, .status = 200, .answer = "hullo"}},
         "content has digest"},
        {.steps = {{"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "he", .cut = true},
                   {"GET", SECOND "blobs/" HELLO, .range = "bytes=2-", .status = 0},
                   {"GET", ORIGIN "blobs/" HELLO, .range = "bytes=2-", .status = 0},
                   {"GET", ORIGIN "blobs/" HELLO, .status = 404}},
         "no blob " HELLO " in origin.example/team/app"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;
        struct descriptor blob = hello_blob();
        owned(memory) char *bytes = NULL;

        open_source(&fixture, cases[i].steps, scripted_steps(cases[i].steps, STEPS));
        if (cases[i].words) {
            assert_false(store_read_blob(fixture.store, &blob, &bytes, &err));
            assert_non_null(strstr(err.text, cases[i].words));
        } else {
            assert_ok(store_read_blob(fixture.store, &blob, &bytes, &err));
            assert_string_equal(bytes, "hello");
        }
        scripted_registry_close(&fixture);
    }
}

static struct source *unwatched(void *context, struct source *bytes)
{
    (void)context;
    return bytes;
}

static void an_upload_of_wrong_bytes_begins_again(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"HEAD", "https://mine.example/v2/mine/blobs/" HELLO, .status = 404},
        {"GET", FIRST "blobs/" HELLO, .status = 200, .answer = "hallo", .meanwhile = true},
        {"POST", "https://mine.example/v2/mine/blobs/uploads/", .status = 202,
         .headers = {{"Location", "/v2/mine/blobs/uploads/1"}}},
        {"PUT", "/v2/mine/blobs/uploads/1?digest=" HELLO, .status = 201},
        {"POST", "https://mine.example/v2/mine/blobs/uploads/", .status = 202,
         .headers = {{"Location", "/v2/mine/blobs/uploads/2"}}},
        {"PUT", "/v2/mine/blobs/uploads/2?digest=" HELLO, .body = "hello", .status = 201},
        {"GET", SECOND "blobs/" HELLO, HERE},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    enum blob_way way;

    open_source(&fixture, script, COUNT(script));
    struct store *mine = registries_repository(fixture.registries, "mine.example", "mine");
    assert_ok(transfer_blob(fixture.store, mine, &blob, unwatched, NULL, &way, &err));
    assert_int_equal(way, BLOB_CARRIED);
    scripted_registry_close(&fixture);
}

static void a_mirror_beside_the_destination_gives_by_mounting(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"POST",
         "https://first.example/v2/mine/blobs/uploads/?mount=" HELLO "&from=hub/team/app",
         .status = 201},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    enum blob_way way;

    open_source(&fixture, script, COUNT(script));
    struct store *mine = registries_repository(fixture.registries, "first.example", "mine");
    assert_ok(transfer_blob(fixture.store, mine, &blob, NULL, NULL, &way, &err));
    assert_int_equal(way, BLOB_MOUNTED);
    scripted_registry_close(&fixture);
}

static void a_repository_behind_its_mirror_is_read_only(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"HEAD", ORIGIN "blobs/" HELLO, .status = 200},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    struct document document = {0};
    bool found = false;

    open_source(&fixture, script, COUNT(script));
    assert_ok(fixture.store->ops->has_blob(fixture.store, &blob, &found, &err));
    assert_true(found);
    assert_fails(fixture.store->ops->put_blob(fixture.store, &blob, NULL, &err), ERROR_INVALID,
                 "read only");
    assert_fails(store_put_manifest(fixture.store, "1", &document, &err), ERROR_INVALID,
                 "read only");
    scripted_registry_close(&fixture);
}

static void who_has_no_mirror_is_asked_itself(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", "http://third.example:5000/v2/team/app/manifests/1", FOUND},
    };
    struct error err;
    struct scripted_registry fixture;
    owned(document) struct document document = {0};

    open_source(&fixture, script, COUNT(script));
    registries_set_plain(fixture.registries, "third.example:5000");
    struct store *third =
        registries_source(fixture.registries, "third.example:5000", "team/app");
    assert_ptr_equal(
        third, registries_repository(fixture.registries, "third.example:5000", "team/app"));
    assert_ok(store_resolve(third, "1", &document, &err));
    scripted_registry_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(mirrors_are_asked_in_their_order),
        cmocka_unit_test(what_a_mirror_begins_the_origin_ends),
        cmocka_unit_test(an_upload_of_wrong_bytes_begins_again),
        cmocka_unit_test(a_mirror_beside_the_destination_gives_by_mounting),
        cmocka_unit_test(a_repository_behind_its_mirror_is_read_only),
        cmocka_unit_test(who_has_no_mirror_is_asked_itself),
    };
    return cmocka_run_group_tests_name("mirror", tests, NULL, NULL);
}
