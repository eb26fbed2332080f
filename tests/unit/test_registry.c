/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A repository as a store: what it gives is what was asked for, what it takes
 * goes the short way, and its refusals are understood.
 */
#include "registry/registry.h"

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/scripted_registry.h"
#include "tests/support/unit.h"

/* sha256 of IMAGE is IMAGE_DIGEST */
#define IMAGE "{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\"}"
#define IMAGE_DIGEST "sha256:0a1b17bf6d39f56897a7e8a056d930cf2bde38841a187aeb083d7487e2224573"

/* sha256 of "other" */
#define OTHER "sha256:d9298a10d1b0735837dc4bd85dac641b0f3cef27a47e5d53a54f2f3f5b2fcffa"
#define UPLOADS "https://registry.example/v2/team/app/blobs/uploads/"
#define BLOB "https://registry.example/v2/team/app/blobs/" HELLO
#define MANIFEST "https://registry.example/v2/team/app/manifests/"
#define WANTS_BEARER                                                                           \
    {                                                                                          \
        "WWW-Authenticate", "Bearer realm=\"https://a.example/\""                              \
    }
#define TAG_INVALID "{\"errors\":[{\"code\":\"TAG_INVALID\",\"message\":\"immutable\"}]}"

static bool put(struct store *store, struct error *err)
{
    struct descriptor blob = hello_blob();
    owned(source) struct source *bytes = memory_source("hello", 5);

    return store->ops->put_blob(store, &blob, bytes, err);
}

static bool put_image(struct store *store, const char *tag, struct error *err)
{
    struct document document = {
        .descriptor = {.media_type = MEDIA_TYPE_OCI_MANIFEST, .size = strlen(IMAGE)},
        .bytes = (char *)IMAGE,
    };

    assert_true(digest_parse(IMAGE_DIGEST, &document.descriptor.digest, err));
    return store_put_manifest(store, tag, &document, err);
}

static void a_manifest_is_what_its_bytes_say(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", MANIFEST "1.0", .status = 200,
         .headers = {{"Content-Type", "text/plain"}, {"Docker-Content-Digest", IMAGE_DIGEST}},
         .answer = IMAGE},
        {"GET", MANIFEST IMAGE_DIGEST, .status = 200, .answer = IMAGE},
        {"GET", MANIFEST "2.0", .status = 200,
         .headers = {{"Content-Type",
                      "application/vnd.docker.distribution.manifest.list.v2+json; charset=x"}},
         .answer = "{}"},
    };
    static const struct {
        const char *name;
        enum media_type type;
        size_t size;
    } expected[] = {
        {"1.0", MEDIA_TYPE_OCI_MANIFEST, sizeof IMAGE - 1},
        {IMAGE_DIGEST, MEDIA_TYPE_OCI_MANIFEST, sizeof IMAGE - 1},
        {"2.0", MEDIA_TYPE_DOCKER_LIST, 2},
    };
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, COUNT(script));
    for (size_t i = 0; i < COUNT(expected); i++) {
        struct error err;
        owned(document) struct document document = {0};
        assert_ok(store_resolve(fixture.store, expected[i].name, &document, &err));
        assert_int_equal(document.descriptor.media_type, expected[i].type);
        assert_int_equal(document.descriptor.size, expected[i].size);
        assert_string_equal(document.bytes, script[i].answer);
    }
    static const char *const accepted[] = {
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
        "application/vnd.docker.distribution.manifest.v2+json",
    };
    for (size_t i = 0; i < COUNT(accepted); i++)
        assert_non_null(strstr(fixture.http.accept, accepted[i]));
    scripted_registry_close(&fixture);
}

static void a_manifest_that_is_wrong_is_refused(void **state)
{
    (void)state;
    owned(memory) char *huge = memory_new(MANIFEST_LIMIT + 2, 1);
    memset(huge, ' ', MANIFEST_LIMIT + 1);
    const struct {
        struct scripted_exchange exchange;
        const char *name;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{"GET", MANIFEST "1", .status = 404},
         "1",
         ERROR_NOT_FOUND,
         "no image 'registry.example/team/app:1'"},
        {{"GET", HELLO, .status = 404},
         HELLO,
         ERROR_NOT_FOUND,
         "no image 'registry.example/team/app@" HELLO "'"},
        {{"GET", HELLO, .status = 200, .answer = IMAGE}, HELLO, ERROR_INVALID, HELLO},
        {{"GET", HELLO, .status = 200, .answer = IMAGE}, HELLO, ERROR_INVALID, IMAGE_DIGEST},
        {{"GET", MANIFEST "1", .status = 200, .headers = {{"Docker-Content-Digest", HELLO}},
          .answer = IMAGE},
         "1",
         ERROR_INVALID,
         "registry.example/team/app: manifest " HELLO},
        {{"GET", MANIFEST "1", .status = 200, .answer = "{"}, "1", ERROR_INVALID, "not JSON"},
        {{"GET", MANIFEST "1", .status = 200,
          .answer = "{\"schemaVersion\": 1, \"fsLayers\": []}"},
         "1",
         ERROR_INVALID,
         "of Docker's schema 1"},
        {{"GET", MANIFEST "1", .status = 200, .answer = huge},
         "1",
         ERROR_LIMIT,
         "manifest larger than 4194304 bytes"},
        {{"GET", MANIFEST "1", .status = 429,
          .answer =
              "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\\ndown\"}]}"},
         "1",
         ERROR_NETWORK,
         "GET " MANIFEST "1: 429 TOOMANYREQUESTS: slow down"},
        {{"GET", MANIFEST "1", .status = 429, .headers = {{"Retry-After", "3600"}},
          .answer = "{\"errors\":[{\"code\":\"TOOMANYREQUESTS\",\"message\":\"slow\"}]}"},
         "1",
         ERROR_NETWORK,
         "GET " MANIFEST "1: 429 TOOMANYREQUESTS: slow; try again in 3600 s"},
        {{"GET", MANIFEST "1", .status = 503, .headers = {{"Retry-After", "7"}}},
         "1",
         ERROR_NETWORK,
         "GET " MANIFEST "1: 503: try again in 7 s"},
        {{"GET", MANIFEST "1", .status = 500, .headers = {{"Content-Type", "text/plain"}},
          .answer = "broken pipe\nsecond line"},
         "1",
         ERROR_NETWORK,
         "1: 500: broken pipe"},
        {{"GET", MANIFEST "1", .status = 418, .answer = "<html>"},
         "1",
         ERROR_INVALID,
         "GET " MANIFEST "1: 418"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;
        struct document document = {0};

        scripted_registry_open(&fixture, &cases[i].exchange, 1);
        assert_fails(store_resolve(fixture.store, cases[i].name, &document, &err),
                     cases[i].kind, cases[i].words);
        assert_null(document.bytes);
        scripted_registry_close(&fixture);
    }
}

static void a_blob_is_there_or_not(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"HEAD", BLOB, .status = 404},
        {"HEAD", BLOB, .status = 503},
        {"HEAD", BLOB, .status = 200},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    bool found = true;

    scripted_registry_open(&fixture, script, COUNT(script));
    assert_ok(fixture.store->ops->has_blob(fixture.store, &blob, &found, &err));
    assert_false(found);
    assert_fails(fixture.store->ops->has_blob(fixture.store, &blob, &found, &err),
                 ERROR_NETWORK, "HEAD " BLOB ": 503");
    for (int i = 0; i < 2; i++) { /* a second time, nobody is asked */
        assert_ok(fixture.store->ops->has_blob(fixture.store, &blob, &found, &err));
        assert_true(found);
    }
    scripted_registry_close(&fixture);
}

static void an_upload_is_opened_before_its_blob_is_there(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"POST", UPLOADS, .status = 202, .headers = {{"Location", UPLOADS "1"}}},
        {"POST", UPLOADS, .status = 202, .headers = {{"Location", UPLOADS "2"}}},
        {"PUT", UPLOADS "2?digest=" HELLO, .body = "hello", .status = 201},
        {"PUT", UPLOADS "1?digest=" OTHER, .body = "other", .status = 201},
        {"POST", UPLOADS, .status = 403},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    struct descriptor config = {MEDIA_TYPE_OCI_CONFIG, digest_of("other", 5), 5};
    owned(source) struct source *bytes = memory_source("other", 5);
    bool found = false;

    scripted_registry_open(&fixture, script, COUNT(script));
    struct store *to = fixture.store;
    assert_ok(to->ops->expect_blob(to, NULL, &err)); /* for the config, whichever it is */
    assert_ok(to->ops->expect_blob(to, &blob, &err));
    assert_ok(to->ops->expect_blob(to, &blob, &err)); /* it is open already */
    assert_ok(put(to, &err));
    assert_ok(to->ops->put_blob(to, &config, bytes, &err));
    assert_ok(to->ops->has_blob(to, &blob, &found, &err));
    assert_true(found);
    assert_fails(to->ops->expect_blob(to, NULL, &err), ERROR_DENIED, "403");
    scripted_registry_close(&fixture);
}

static void a_blob_is_checked_while_it_is_read(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange exchange;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{"GET", BLOB, .status = 200, .answer = "hello"}, ERROR_NONE, NULL},
        {{"GET", BLOB, .status = 200, .answer = "hellO"}, ERROR_INVALID, HELLO},
        {{"GET", BLOB, .status = 200, .answer = "hell"}, ERROR_INVALID, "4 bytes"},
        {{"GET", BLOB, .status = 200, .answer = "hello!"}, ERROR_INVALID, "5 bytes"},
        {{"GET", BLOB, .status = 404}, ERROR_NOT_FOUND, "no blob " HELLO},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;
        struct descriptor blob = hello_blob();
        owned(memory) char *bytes = NULL;

        scripted_registry_open(&fixture, &cases[i].exchange, 1);
        if (cases[i].kind == ERROR_NONE) {
            assert_ok(store_read_blob(fixture.store, &blob, &bytes, &err));
            assert_string_equal(bytes, "hello");
        } else {
            assert_fails(store_read_blob(fixture.store, &blob, &bytes, &err), cases[i].kind,
                         cases[i].words);
        }
        scripted_registry_close(&fixture);
    }
}

static void an_upload_goes_where_the_registry_says(void **state)
{
    (void)state;
    static const struct {
        const char *location;
        const char *put;
    } cases[] = {
        {UPLOADS "1", UPLOADS "1?digest=" HELLO},
        {UPLOADS "1?state=a%2Fb", UPLOADS "1?state=a%2Fb&digest=" HELLO},
        {"/elsewhere/2?x", "https://registry.example/elsewhere/2?x&digest=" HELLO},
        {"3", UPLOADS "3?digest=" HELLO},
        {"//other.example/4", "https://other.example/4?digest=" HELLO},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;
        const struct scripted_exchange script[] = {
            {"POST", UPLOADS, .status = 202, .headers = {{"Location", cases[i].location}}},
            {"PUT", cases[i].put, .body = "hello", .status = 201},
        };

        scripted_registry_open(&fixture, script, COUNT(script));
        assert_ok(put(fixture.store, &err));
        scripted_registry_close(&fixture);
    }
}

static void an_upload_that_goes_wrong_is_an_error(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange script[2];
        size_t count;
        enum error_kind kind;
        const char *words;
    } cases[] = {
        {{{"POST", UPLOADS, .status = 404,
           .answer = "{\"errors\":[{\"code\":\"NAME_UNKNOWN\",\"message\":\"no such\"}]}"}},
         1,
         ERROR_NOT_FOUND,
         "404 NAME_UNKNOWN: no such"},
        {{{"POST", UPLOADS, .status = 202}}, 1, ERROR_INVALID, "did not say where"},
        {{{"POST", UPLOADS, .status = 202,
           .headers = {{"Location", "http://registry.example/1?secret"}}}},
         1,
         ERROR_INVALID,
         "not reached by https"},
        {{{"POST", UPLOADS, .status = 202, .headers = {{"Location", "1?secret"}}},
          {"PUT", HELLO, .status = 202}},
         2,
         ERROR_INVALID,
         "PUT " UPLOADS "1: 202"},
        {{{"POST", UPLOADS, .status = 202, .headers = {{"Location", "1?secret"}}},
          {"PUT", HELLO, .status = 400,
           .answer = "{\"errors\":[{\"code\":\"DIGEST_INVALID\"}]}"}},
         2,
         ERROR_INVALID,
         "PUT " UPLOADS "1: 400 DIGEST_INVALID"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct scripted_registry fixture;

        scripted_registry_open(&fixture, cases[i].script, cases[i].count);
        assert_fails(put(fixture.store, &err), cases[i].kind, cases[i].words);
        assert_null(strstr(err.text, "secret"));
        scripted_registry_close(&fixture);
    }
}

static void credentials_stay_with_their_host(void **state)
{
    (void)state;
    static const struct registry_login login = {.user = (char *)"user",
                                                .password = (char *)"secret"};
    static const struct scripted_exchange script[] = {
        {"POST", "https://real.example:5000/v2/team/app/blobs/uploads/",
         "Basic dXNlcjpzZWNyZXQ=", .status = 202,
         .headers = {{"Location", "https://storage.example/1"}}},
        {"PUT", "https://storage.example/1?digest=" HELLO, .status = 201},
    };
    struct error err;
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, COUNT(script));
    registries_set_login(fixture.registries, "registry.example", "https://real.example:5000",
                         &login);
    assert_ok(put(fixture.store, &err));
    scripted_registry_close(&fixture);
}

static void a_blob_is_taken_from_a_sibling(void **state)
{
    (void)state;
#define MOUNT UPLOADS "?mount=" HELLO "&from=team/base"
    static const struct scripted_exchange script[] = {
        {"POST", UPLOADS "?mount=" OTHER "&from=team/base", .status = 201},
        {"POST", MOUNT, .status = 202, .headers = {{"Location", UPLOADS "7"}}},
        {"PUT", UPLOADS "7?digest=" HELLO, .body = "hello", .status = 201},
        {"POST", UPLOADS, .status = 202, .headers = {{"Location", UPLOADS "8"}}},
        {"PUT", UPLOADS "8?digest=" HELLO, .body = "hello", .status = 201},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    struct descriptor other = {.digest = digest_of("other", 5), .size = 5};
    bool mounted = false;

    scripted_registry_open(&fixture, script, COUNT(script));
    struct store *to = fixture.store;
    struct store *sibling =
        registries_repository(fixture.registries, "registry.example", "team/base");
    struct store *stranger =
        registries_repository(fixture.registries, "other.example", "team/base");

    for (int i = 0; i < 2; i++) { /* the second time it is known to be there */
        assert_ok(to->ops->mount_blob(to, sibling, &other, &mounted, &err));
        assert_int_equal(mounted, i == 0);
    }
    assert_ok(to->ops->mount_blob(to, sibling, &blob, &mounted, &err));
    assert_false(mounted);
    assert_ok(to->ops->mount_blob(to, sibling, &blob, &mounted, &err)); /* asked once */
    assert_false(mounted);
    assert_ok(put(to, &err)); /* into the upload that the mount opened, */
    assert_ok(put(to, &err)); /* which is good for once */

    assert_ok(to->ops->mount_blob(to, stranger, &blob, &mounted, &err));
    assert_ok(to->ops->mount_blob(to, to, &blob, &mounted, &err));
    assert_false(mounted);
    assert_ptr_equal(to,
                     registries_repository(fixture.registries, "registry.example", "team/app"));
    scripted_registry_close(&fixture);
}

static void writing_asks_for_the_wider_scope(void **state)
{
    (void)state;
#define TOKEN "https://a.example/?scope=repository:team/app:"
    static const struct scripted_exchange script[] = {
        {"GET", MANIFEST "1", .status = 401, .headers = {WANTS_BEARER}},
        {"GET", TOKEN "pull", .status = 200, .answer = "{\"token\":\"r\"}"},
        {"GET", MANIFEST "1", "Bearer r", .status = 200, .answer = IMAGE},
        {"GET", TOKEN "pull,push", .status = 200, .answer = "{\"token\":\"rw\"}"},
        {"HEAD", BLOB, "Bearer rw", .status = 404},
        {"GET", TOKEN "pull,push&scope=repository:team/base:pull", .status = 200,
         .answer = "{\"token\":\"both\"}"},
        {"POST", MOUNT, "Bearer both", .status = 202, .headers = {{"Location", UPLOADS "7"}}},
        {"PUT", UPLOADS "7?digest=" HELLO, "Bearer rw", .body = "hello", .status = 201},
        {"PUT", MANIFEST "1", "Bearer rw", .body = IMAGE, .status = 401,
         .headers = {WANTS_BEARER}},
        {"GET", TOKEN "pull,push", .status = 200, .answer = "{\"token\":\"new\"}"},
        {"PUT", MANIFEST "1", "Bearer new", .body = IMAGE, .status = 201},
        {"GET", MANIFEST "1", "Bearer new", .status = 200, .answer = IMAGE},
    };
    struct error err;
    struct scripted_registry fixture;
    struct descriptor blob = hello_blob();
    bool found = true;

    scripted_registry_open(&fixture, script, COUNT(script));
    struct store *to = fixture.store;
    struct store *sibling =
        registries_repository(fixture.registries, "registry.example", "team/base");
    owned(document) struct document document = {0};
    assert_ok(store_resolve(to, "1", &document, &err));
    document_release(&document);
    assert_ok(to->ops->has_blob(to, &blob, &found, &err));
    assert_ok(to->ops->mount_blob(to, sibling, &blob, &found, &err));
    assert_ok(put(to, &err));
    assert_ok(put_image(to, "1", &err));
    assert_ok(store_resolve(to, "1", &document, &err));
    scripted_registry_close(&fixture);
}

static void a_manifest_goes_under_its_tag_or_its_digest(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"PUT", MANIFEST "v1", .body = IMAGE, .status = 201},
        {"PUT", MANIFEST IMAGE_DIGEST, .body = IMAGE, .status = 201},
        {"PUT", MANIFEST "v1", .status = 201, .headers = {{"Docker-Content-Digest", HELLO}}},
        {"PUT", MANIFEST "v1", .status = 413},
    };
    struct error err;
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, COUNT(script));
    assert_ok(put_image(fixture.store, "v1", &err));
    assert_ok(put_image(fixture.store, NULL, &err));
    assert_fails(put_image(fixture.store, "v1", &err), ERROR_INVALID, HELLO);
    assert_fails(put_image(fixture.store, "v1", &err), ERROR_INVALID,
                 "PUT " MANIFEST "v1: 413");
    scripted_registry_close(&fixture);
}

static void an_immutable_tag_may_hold_the_same_already(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"PUT", MANIFEST "v1", .status = 400, .answer = TAG_INVALID},
        {"GET", MANIFEST "v1", .status = 200, .answer = IMAGE},
        {"PUT", MANIFEST "v1", .status = 400, .answer = TAG_INVALID},
        {"GET", MANIFEST "v1", .status = 200, .answer = "{}"},
    };
    struct error err;
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, COUNT(script));
    assert_ok(put_image(fixture.store, "v1", &err));
    assert_fails(put_image(fixture.store, "v1", &err), ERROR_CONFLICT,
                 "400 TAG_INVALID: immutable");
    scripted_registry_close(&fixture);
}

/* Lets every exchange in turn be the one without an answer, until all have one. */
static void a_push_may_break_anywhere(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"POST", UPLOADS, .status = 401, .headers = {WANTS_BEARER}},
        {"GET", "pull,push", .status = 200, .answer = "{\"token\":\"rw\"}"},
        {"POST", UPLOADS, "Bearer rw", .status = 202, .headers = {{"Location", "1"}}},
        {"PUT", HELLO, "Bearer rw", .body = "hello", .status = 201},
        {"PUT", MANIFEST "v1", "Bearer rw", .body = IMAGE, .status = 201},
    };
    bool pushed = false;

    for (size_t breaks_at = 0; !pushed; breaks_at++) {
        struct error err;
        struct scripted_registry fixture;

        scripted_registry_open(&fixture, script, COUNT(script));
        fixture.http.breaks_at = breaks_at;
        pushed = put(fixture.store, &err) && put_image(fixture.store, "v1", &err);
        if (!pushed) {
            assert_int_equal(err.kind, ERROR_NETWORK);
            assert_int_equal(fixture.http.done, breaks_at);
        }
        assert_int_equal(fixture.http.done == COUNT(script), pushed);
        scripted_registry_close(&fixture);
        assert_in_range(breaks_at, 0, COUNT(script));
    }
}

static void docker_hub_is_reached_at_its_real_name(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", "https://registry-1.docker.io/v2/library/alpine/manifests/3", .status = 404},
        {"GET", "http://localhost:5000/v2/a/manifests/1", .status = 404},
        {"GET", "http://127.0.0.1:5000/v2/a/manifests/1", .status = 404},
        {"GET", "https://localhost.example/v2/a/manifests/1", .status = 404},
    };
    static const struct {
        const char *host, *repository, *name, *words;
    } cases[] = {
        {"docker.io", "library/alpine", "3", "no image 'docker.io/library/alpine:3'"},
        {"localhost:5000", "a", "1", "localhost:5000/a:1"},
        {"127.0.0.1:5000", "a", "1", "127.0.0.1:5000/a:1"},
        {"localhost.example", "a", "1", "localhost.example/a:1"},
    };
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, COUNT(script));
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        struct document document = {0};
        struct store *store =
            registries_repository(fixture.registries, cases[i].host, cases[i].repository);
        assert_fails(store_resolve(store, cases[i].name, &document, &err), ERROR_NOT_FOUND,
                     cases[i].words);
    }
    scripted_registry_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_manifest_is_what_its_bytes_say),
        cmocka_unit_test(a_manifest_that_is_wrong_is_refused),
        cmocka_unit_test(a_blob_is_there_or_not),
        cmocka_unit_test(an_upload_is_opened_before_its_blob_is_there),
        cmocka_unit_test(a_blob_is_checked_while_it_is_read),
        cmocka_unit_test(an_upload_goes_where_the_registry_says),
        cmocka_unit_test(an_upload_that_goes_wrong_is_an_error),
        cmocka_unit_test(credentials_stay_with_their_host),
        cmocka_unit_test(a_blob_is_taken_from_a_sibling),
        cmocka_unit_test(writing_asks_for_the_wider_scope),
        cmocka_unit_test(a_manifest_goes_under_its_tag_or_its_digest),
        cmocka_unit_test(an_immutable_tag_may_hold_the_same_already),
        cmocka_unit_test(a_push_may_break_anywhere),
        cmocka_unit_test(docker_hub_is_reached_at_its_real_name),
    };
    return cmocka_run_group_tests_name("registry", tests, NULL, NULL);
}
