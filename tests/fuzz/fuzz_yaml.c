/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree is never deeper or larger than the limits, knows where all of it stood, and is the
 * same as JSON; and whoever made a mistake learns in which line and column.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/yaml.h"

/* Returns how many nodes there are. */
static size_t check_node(const struct yaml_node *node, int depth)
{
    size_t nodes = 1;

    assert(depth < YAML_DEPTH_LIMIT && node->line > 0 && node->column > 0);
    assert(yaml_is_scalar(node) ? node->count == 0 : !node->text);
    assert(node->kind != YAML_REAL || isfinite(node->real));
    for (size_t i = 0; i < node->count; i++) {
        const struct yaml_node *item = &node->items[i];
        assert((node->kind == YAML_MAPPING) == (item->key != NULL));
        assert(!item->key || (item->key_line > 0 && item->key_column > 0));
        if (item->key && item->kind != YAML_NULL)
            assert(yaml_find(node, item->key) == item);
        nodes += check_node(item, depth + 1);
    }
    return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(yaml) struct yaml_node root = {0};
    struct error err = {0};

    if (!yaml_parse("f.yaml", (const char *)bytes, count, &root, &err)) {
        assert(err.kind == ERROR_USAGE && fuzz_has_place(err.text, "f.yaml"));
        return 0;
    }
    assert(check_node(&root, 0) <= YAML_NODES_LIMIT);

    json_owned json_t *json = yaml_to_json(&root);
    json_owned json_t *again = NULL;
    owned(memory) char *text = json_text(json);
    assert(json_parse(text, strlen(text), &again, &err) && json_equal(json, again));
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[0]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
        "- {a: 0x_1F, \"\\u00e4\\x41\": 1:30:00, ? b : [.5e+3, ~]}\n- |2\n    c\n- !!str on",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
