/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Blobs on bad lines: what broke off is continued or begun again, never for
 * ever, and what has arrived is not sent twice.
 */
#include "registry/registry.h"

#include "oci/base/memory.h"
#include "tests/support/scripted_registry.h"
#include "tests/support/unit.h"

#define UPLOADS "https://registry.example/v2/team/app/blobs/uploads/"
#define BLOB "https://registry.example/v2/team/app/blobs/" HELLO
#define MANIFEST "https://registry.example/v2/team/app/manifests/"
#define POST(number)                                                                           \
    {                                                                                          \
        "POST", UPLOADS, .status = 202, .headers = { {"Location", number} }                    \
    }
#define PUT(number, ...)                                                                       \
    {                                                                                          \
        "PUT", UPLOADS number "?digest=" HELLO, __VA_ARGS__                                    \
    }

enum { PATIENCE = 3, STEPS = 14 };

struct script {
    struct scripted_exchange steps[STEPS]; /* up to the first without a method */
    enum error_kind kind;                  /* ERROR_NONE: it succeeds */
    const char *words;
};

static void open_script(struct scripted_registry *registry, const struct script *script)
{
    scripted_registry_open(registry, script->steps, scripted_steps(script->steps, STEPS));
    registry->http.patience = PATIENCE;
}

/* What is done with the repository, for each script. */
typedef bool action(struct store *store, const struct descriptor *blob, struct error *err);

static void play_all(const struct script *scripts, size_t count, action *act)
{
    struct descriptor blob = hello_blob();

    for (size_t i = 0; i < count; i++) {
        struct error err;
        struct scripted_registry fixture;

        open_script(&fixture, &scripts[i]);
        if (scripts[i].kind == ERROR_NONE)
            assert_ok(act(fixture.store, &blob, &err));
        else
            assert_fails(act(fixture.store, &blob, &err), scripts[i].kind, scripts[i].words);
        scripted_registry_close(&fixture);
    }
}

static bool download(struct store *store, const struct descriptor *blob, struct error *err)
{
    owned(memory) char *bytes = NULL;

    if (!store_read_blob(store, blob, &bytes, err))
        return false;
    assert_string_equal(bytes, "hello");
    return true;
}

static bool upload(struct store *store, const struct descriptor *blob, struct error *err)
{
    owned(source) struct source *bytes = memory_source("hello", 5);

    return store->ops->put_blob(store, blob, bytes, err);
}

static bool upload_twice(struct store *store, const struct descriptor *blob, struct error *err)
{
    return upload(store, blob, err) && upload(store, blob, err);
}

static void a_download_goes_on_where_it_broke_off(void **state)
{
    (void)state;
#define PART(from) .status = 206, .headers = { {"Content-Range", "bytes " from "-4/5"} }
    static const struct script scripts[] = {
        {.steps = {{"GET", BLOB, .status = 200, .answer = "he", .cut = true},
                   {"GET", BLOB, .range = "bytes=2-", PART("2"), .answer = "llo"}}},
        /* again and again */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "h", .cut = true},
                   {"GET", BLOB, .range = "bytes=1-", PART("1"), .answer = "el", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", PART("3"), .answer = "l", .cut = true},
                   {"GET", BLOB, .range = "bytes=4-", PART("4"), .answer = "o"}}},
        /* before the first byte */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "", .cut = true},
                   {"GET", BLOB, .status = 200, .answer = "hello"}}},
        /* from a server that knows no ranges, or larger ones, or refuses them */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 200, .answer = "hello"}}},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 200, .answer = "he",
                    .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 200, .answer = "hello"}}},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", PART("1"), .answer = "ello"}}},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 416},
                   {"GET", BLOB, .status = 200, .answer = "hello"}}},
        /* with a new token */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 401,
                    .headers = {{"WWW-Authenticate", "Bearer realm=\"https://a.example/\""}}},
                   {"GET", "pull", .status = 200, .answer = "{\"token\":\"new\"}"},
                   {"GET", BLOB, "Bearer new", .range = "bytes=3-", PART("3"),
                    .answer = "lo"}}},
        /* what cannot be continued */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", PART("4"), .answer = "o"}},
         ERROR_INVALID,
         "not the part asked for"},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 206, .answer = "lo"}},
         ERROR_INVALID,
         "not the part asked for"},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 200, .answer = "he"}},
         ERROR_INVALID,
         "shorter than it was before"},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", PART("3"), .answer = "LO"}},
         ERROR_INVALID,
         "content has digest"},
        {.steps = {{"GET", BLOB, .status = 200, .answer = "hel", .cut = true},
                   {"GET", BLOB, .range = "bytes=3-", .status = 403}},
         ERROR_DENIED,
         "403"},
        /* and what has no end */
        {.steps = {{"GET", BLOB, .status = 200, .answer = "h", .cut = true},
                   {"GET", BLOB, .range = "bytes=1-", PART("1"), .answer = "", .cut = true},
                   {"GET", BLOB, .range = "bytes=1-", PART("1"), .answer = "", .cut = true},
                   {"GET", BLOB, .range = "bytes=1-", PART("1"), .answer = "", .cut = true}},
         ERROR_NETWORK,
         "cut off in the script"},
    };

    play_all(scripts, COUNT(scripts), download);
}

static void an_upload_that_broke_is_begun_again(void **state)
{
    (void)state;
    static const struct script scripts[] = {
        {.steps = {POST("1"),
                   PUT("1", .status = 0),
                   {"HEAD", BLOB, .status = 404},
                   POST("2"),
                   PUT("2", .body = "hello", .status = 201)}},
        {.steps = {POST("1"),
                   PUT("1", .status = 503),
                   {"HEAD", BLOB, .status = 404},
                   POST("2"),
                   PUT("2", .status = 429),
                   {"HEAD", BLOB, .status = 404},
                   POST("3"),
                   PUT("3", .body = "hello", .status = 201)}},
        /* it had forgotten the upload, or the token had aged */
        {.steps = {POST("1"),
                   PUT("1", .status = 404,
                       .answer = "{\"errors\":[{\"code\":\"BLOB_UPLOAD_UNKNOWN\"}]}"),
                   {"HEAD", BLOB, .status = 404},
                   POST("2"),
                   PUT("2", .body = "hello", .status = 201)}},
        {.steps = {POST("1"),
                   PUT("1", .status = 401),
                   {"HEAD", BLOB, .status = 404},
                   POST("2"),
                   PUT("2", .body = "hello", .status = 201)}},
        /* only the answer was lost */
        {.steps = {POST("1"),
                   PUT("1", .body = "hello", .status = 0),
                   {"HEAD", BLOB, .status = 200}}},
        /* what does not get better */
        {.steps = {POST("1"), PUT("1", .status = 403)}, ERROR_DENIED, "403"},
        {.steps = {POST("1"), PUT("1", .status = 0, .failure = ERROR_INVALID)},
         ERROR_INVALID,
         "no answer"},
        {.steps = {POST("1"), PUT("1", .status = 502), {"HEAD", BLOB, .status = 403}},
         ERROR_DENIED,
         "403"},
        {.steps = {POST("1"),
                   PUT("1", .status = 502),
                   {"HEAD", BLOB, .status = 404},
                   {"POST", UPLOADS, .status = 400}},
         ERROR_INVALID,
         "400"},
        {.steps = {POST("1"),
                   PUT("1", .status = 502),
                   {"HEAD", BLOB, .status = 404},
                   POST("2"),
                   PUT("2", .status = 502),
                   {"HEAD", BLOB, .status = 404},
                   POST("3"),
                   PUT("3", .status = 502),
                   {"HEAD", BLOB, .status = 404},
                   POST("4"),
                   PUT("4", .status = 502)},
         ERROR_NETWORK,
         "502"},
    };

    play_all(scripts, COUNT(scripts), upload);
}

static void who_refuses_one_put_gets_a_patch(void **state)
{
    (void)state;
#define PATCH(number, ...)                                                                     \
    {                                                                                          \
        "PATCH", UPLOADS number, .body = "hello", __VA_ARGS__                                  \
    }
#define UNSUPPORTED .answer = "{\"errors\":[{\"code\":\"UNSUPPORTED\"}]}"
    static const struct script scripts[] = {
        {.steps = {POST("1"), PUT("1", .status = 405), POST("2"),
                   PATCH("2", .status = 202, .headers = {{"Location", "3"}}),
                   PUT("3", .body = "", .status = 201),
                   /* remembered for the next */
                   POST("4"), PATCH("4", .status = 201), PUT("4", .body = "", .status = 201)}},
        {.steps = {POST("1"), PUT("1", .status = 400, UNSUPPORTED), POST("2"),
                   PATCH("2", .status = 204), PUT("2", .status = 201), POST("4"),
                   PATCH("4", .status = 202), PUT("4", .status = 201)}},
        /* a patch that breaks is begun again like a put */
        {.steps = {POST("1"),
                   PUT("1", .status = 415),
                   POST("2"),
                   PATCH("2", .status = 500),
                   {"HEAD", BLOB, .status = 404},
                   POST("3"),
                   PATCH("3", .status = 202),
                   PUT("3", .status = 0),
                   {"HEAD", BLOB, .status = 200},
                   POST("4"),
                   PATCH("4", .status = 202),
                   PUT("4", .status = 201)}},
        {.steps = {POST("1"), PUT("1", .status = 405), POST("2"), PATCH("2", .status = 405)},
         ERROR_INVALID,
         "PATCH " UPLOADS "2: 405"},
        {.steps = {POST("1"), PUT("1", .status = 501), POST("2"),
                   PATCH("2", .status = 202,
                         .headers = {{"Location", "http://registry.example/"}})},
         ERROR_INVALID,
         "PATCH " UPLOADS "2: opened an upload that is not reached by https"},
    };

    play_all(scripts, COUNT(scripts), upload_twice);
}

static void a_manifest_that_breaks_off_is_asked_for_again(void **state)
{
    (void)state;
    static const struct script again = {
        .steps = {{"GET", MANIFEST "1", .status = 200, .answer = "{\"layers\"", .cut = true},
                  {"GET", MANIFEST "1", .status = 200, .answer = "{\"layers\":[]}"}}};
    static const struct script never = {
        .steps = {{"GET", MANIFEST "1", .status = 200, .answer = "{", .cut = true},
                  {"GET", MANIFEST "1", .status = 200, .answer = "{", .cut = true},
                  {"GET", MANIFEST "1", .status = 200, .answer = "{", .cut = true},
                  {"GET", MANIFEST "1", .status = 200, .answer = "{", .cut = true}}};
    struct error err;
    struct scripted_registry fixture;
    owned(document) struct document document = {0};

    open_script(&fixture, &again);
    assert_ok(store_resolve(fixture.store, "1", &document, &err));
    assert_string_equal(document.bytes, "{\"layers\":[]}");
    scripted_registry_close(&fixture);

    open_script(&fixture, &never);
    assert_fails(store_resolve(fixture.store, "1", &document, &err), ERROR_NETWORK, "cut off");
    scripted_registry_close(&fixture);
}

static void a_token_that_breaks_off_is_asked_for_again(void **state)
{
    (void)state;
    static const struct script script = {
        .steps = {
            {"GET", MANIFEST "1", .status = 401,
             .headers = {{"WWW-Authenticate", "Bearer realm=\"https://a.example/\""}}},
            {"GET", "pull", .status = 200, .answer = "{\"tok", .cut = true},
            {"GET", "pull", .status = 200, .answer = "{\"token\":\"new\"}"},
            {"GET", MANIFEST "1", "Bearer new", .status = 200, .answer = "{\"layers\":[]}"}}};
    struct error err;
    struct scripted_registry fixture;
    owned(document) struct document document = {0};

    open_script(&fixture, &script);
    assert_ok(store_resolve(fixture.store, "1", &document, &err));
    scripted_registry_close(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_download_goes_on_where_it_broke_off),
        cmocka_unit_test(an_upload_that_broke_is_begun_again),
        cmocka_unit_test(who_refuses_one_put_gets_a_patch),
        cmocka_unit_test(a_manifest_that_breaks_off_is_asked_for_again),
        cmocka_unit_test(a_token_that_breaks_off_is_asked_for_again),
    };
    return cmocka_run_group_tests_name("transfers", tests, NULL, NULL);
}
