/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What we read we write in one way: read again it is the same value, and the same text.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"

static int depth_of(const json_t *json)
{
    int deepest = 0;
    const char *key;
    json_t *value;
    size_t i;

    json_object_foreach((json_t *)json, key, value)
    {
        int depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    json_array_foreach(json, i, value)
    {
        int depth = depth_of(value);
        deepest = depth > deepest ? depth : deepest;
    }
    return deepest + (json_is_object(json) || json_is_array(json));
}

static void is_stable(const json_t *json)
{
    owned(memory) char *text = json_text(json);
    json_owned json_t *again = NULL;
    struct error err;

    assert(json_parse(text, strlen(text), &again, &err));
    assert(json_equal(again, (json_t *)json));
    owned(memory) char *text_again = json_text(again);
    assert(strcmp(text, text_again) == 0);
}

/* What is JSON to us is the same as an event; what is only as one can be read again. */
static void is_an_event(const char *bytes, size_t count, const json_t *strict)
{
    json_owned json_t *event = NULL, *again = NULL;
    struct error err = {0};

    if (!json_parse_event(bytes, count, &event, &err)) {
        assert(!strict && (err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT));
        return;
    }
    assert(!strict || json_equal((json_t *)strict, event));
    owned(memory) char *text = json_text(event);
    assert(json_parse_event(text, strlen(text), &again, &err));
    assert(json_equal(again, event));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    json_owned json_t *json = NULL;
    struct error err = {0};

    /* Any bytes at all can be carried in a string. */
    json_owned json_t *string = json_lossy_string((const char *)bytes, count);
    assert(json_is_string(string));
    if (count == 0 || !memchr(bytes, '\0', count))
        is_stable(string);

    if (!json_parse((const char *)bytes, count, &json, &err)) {
        assert(err.kind == ERROR_INVALID || err.kind == ERROR_LIMIT);
        is_an_event((const char *)bytes, count, NULL);
        return 0;
    }
    is_an_event((const char *)bytes, count, json);
    assert(depth_of(json) <= JSON_DEPTH_LIMIT);
    is_stable(json);
    return 0;
}

#define OPEN "[[[[[[[[[[[[[[[["
#define CLOSE "]]]]]]]]]]]]]]]]"

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"a\":[1,-2.5e3,true,null,\"\\u00e4\\ud83d\\ude00\"],\"\":{}}",
        OPEN OPEN OPEN OPEN "[0]" CLOSE CLOSE CLOSE CLOSE,
        "[9223372036854775807,1e308,-0,-0.0,5e-324]",
        "{\"a\":1,\"a\\u0000\":\"\\u0000\",\"a\":99999999999999999999}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
