/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lists of tags: every page is read, from the host that was asked alone.
 */
#include "registry/tag_list.h"

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "tests/support/scripted_registry.h"
#include "tests/support/unit.h"

#define FIRST "https://registry.example/v2/team/app/tags/list?n=1000"
#define NEXT "/v2/team/app/tags/list?n=1000&last=b"
#define MORE(url)                                                                              \
    {                                                                                          \
        "Link", "<" url ">; rel=\"next\""                                                      \
    }

enum { PATIENCE = 2 };

static bool list(const struct scripted_exchange *script, size_t count, json_t **tags,
                 struct error *err)
{
    struct scripted_registry fixture;

    scripted_registry_open(&fixture, script, count);
    fixture.http.patience = PATIENCE;
    bool listed = store_list_tags(fixture.store, tags, err);
    scripted_registry_close(&fixture);
    return listed;
}

static void pages_follow_one_another(void **state)
{
    (void)state;
    static const struct scripted_exchange script[] = {
        {"GET", FIRST, .status = 200, .headers = {MORE(NEXT)},
         .answer = "{\"name\":\"team/app\",\"tags\":[\"b\",\"a\"]}"},
        {"GET", "https://registry.example" NEXT, .status = 200,
         .headers = {MORE("https://registry.example:443/v2/third")},
         .answer = "{\"tags\":[\"c\"]}"},
        {"GET", "/v2/third", .status = 200, .answer = "{\"tags\":null}"},
    };
    struct error err;
    json_owned json_t *tags = NULL;

    assert_ok(list(script, COUNT(script), &tags, &err));
    owned(memory) char *text = json_text(tags);
    assert_string_equal(text, "[\"a\",\"b\",\"c\"]");
}

static void a_page_that_breaks_off_is_asked_for_again(void **state)
{
    (void)state;
#define BROKEN .status = 200, .answer = "{\"tags\":[\"a\"", .cut = true
    static const struct scripted_exchange again[] = {
        {"GET", FIRST, .status = 200, .headers = {MORE(NEXT)}, .answer = "{\"tags\":[\"b\"]}"},
        {"GET", NEXT, BROKEN},
        {"GET", NEXT, .status = 200, .answer = "{\"tags\":[\"a\"]}"},
    };
    static const struct scripted_exchange never[] = {
        {"GET", FIRST, BROKEN}, {"GET", FIRST, BROKEN}, {"GET", FIRST, BROKEN}};
    struct error err;
    json_owned json_t *tags = NULL;
    json_t *none;

    assert_ok(list(again, COUNT(again), &tags, &err));
    owned(memory) char *text = json_text(tags);
    assert_string_equal(text, "[\"a\",\"b\"]");
    assert_fails(list(never, COUNT(never), &none, &err), ERROR_NETWORK, "cut off");
}

static void wrong_answers_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        struct scripted_exchange exchange;
        enum error_kind kind;
        const char *reason;
    } cases[] = {
        {{"GET", FIRST, .status = 404}, ERROR_NOT_FOUND, "registry.example/team/app"},
        {{"GET", FIRST, .status = 500}, ERROR_NETWORK, "500"},
        {{"GET", FIRST, .status = 0}, ERROR_NETWORK, ""},
        {{"GET", FIRST, .status = 200, .answer = "{"}, ERROR_INVALID, "list of tags"},
        {{"GET", FIRST, .status = 200, .answer = "[]"}, ERROR_INVALID, "no field 'tags'"},
        {{"GET", FIRST, .status = 200, .answer = "{\"tags\":{}}"}, ERROR_INVALID, "'tags'"},
        {{"GET", FIRST, .status = 200, .answer = "{\"tags\":[1]}"}, ERROR_INVALID, "tag 1"},
        {{"GET", FIRST, .status = 200, .headers = {MORE("https://elsewhere.example/v2/")},
          .answer = "{}"},
         ERROR_INVALID,
         "https://elsewhere.example"},
        {{"GET", FIRST, .status = 200, .headers = {MORE("http://registry.example/v2/")},
          .answer = "{}"},
         ERROR_INVALID,
         "http://registry.example"},
        {{"GET", FIRST, .status = 200, .headers = {MORE("//elsewhere.example/v2/")},
          .answer = "{}"},
         ERROR_INVALID,
         "elsewhere.example"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        json_t *tags;
        assert_fails(list(&cases[i].exchange, 1, &tags, &err), cases[i].kind, cases[i].reason);
    }
}

static void links_are_understood(void **state)
{
    (void)state;
    static const struct {
        const char *link;
        const char *next;
    } cases[] = {
        {NULL, NULL},
        {"", NULL},
        {"</a>; rel=\"next\"", "/a"},
        {"</a>;rel=next", "/a"},
        {"</a>; title=x; REL=\"Next\"", "/a"},
        {"</a>; rel=\"prev\", </b>; rel=\"next\"", "/b"},
        {"</a>; rel=\"prev\"", NULL},
        {"</a; rel=\"next\"", NULL},
        {"</a>; rel=", NULL},
        {"</a>", NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *next = tag_list_next(cases[i].link);
        if (!cases[i].next)
            assert_null(next);
        else
            assert_string_equal(next, cases[i].next);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pages_follow_one_another),
        cmocka_unit_test(a_page_that_breaks_off_is_asked_for_again),
        cmocka_unit_test(wrong_answers_are_told_apart),
        cmocka_unit_test(links_are_understood),
    };
    return cmocka_run_group_tests_name("tag_list", tests, NULL, NULL);
}
