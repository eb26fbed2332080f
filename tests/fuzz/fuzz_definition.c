/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A definition that is accepted is complete and what Lambda takes, its config is JSON without
 * what is nobody's business; and whoever made a mistake learns in which line and column.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/definition.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/location.h"

static void has_strings_only(const json_t *object)
{
    const char *key;
    json_t *value;

    assert(json_is_object(object));
    json_object_foreach((json_t *)object, key, value) assert(json_is_string(value));
}

static void config_is_right(const json_t *config)
{
    owned(memory) char *text = json_text(config);
    json_owned json_t *again = NULL;
    struct error err;

    assert(json_parse(text, strlen(text), &again, &err));
    assert(json_equal(again, (json_t *)config));
    assert(!json_object_get(config, "storage_providers"));
    assert(!json_object_get(config, "boto_profile"));
    assert(json_is_integer(json_object_get(config, "memory")));
}

static void is_complete(const struct definition *definition)
{
    owned(location) struct location location = {0};
    struct error err;

    assert(definition_check_name(definition->name, &err));
    assert(location_parse(definition->image, &location, &err));
    assert(definition->description);
    assert(definition->memory_mib >= 128 && definition->memory_mib <= 10240);
    assert(definition->timeout_s >= 1 && definition->timeout_s <= 900);
    assert(definition->architecture_count == 1 || definition->architecture_count == 2);
    assert(!definition->script || definition->script_name);
    assert(!definition->script_name || !strchr(definition->script_name, '/'));
    assert(!definition->file_system || definition->vpc);
    has_strings_only(definition->environment);
    has_strings_only(definition->container_environment);
    has_strings_only(definition->tags);
    config_is_right(definition->config);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    const struct definition_options options = {0};
    const char *path = fuzz_file("function.yaml", bytes, count);
    owned(definition_file) struct definition_file file = {0};
    struct error err = {0};

    if (!definition_file_read(path, &options, &progress_none, &file, &err)) {
        assert(fuzz_has_place(err.text, path));
        return 0;
    }
    assert(file.function_count > 0);
    for (size_t i = 0; i < file.function_count; i++)
        is_complete(&file.functions[i]);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "functions: {aws: [{lambda: {name: a, tags: {b: 1}, vpc: {}, container: {image: c,"
        " environment: {Variables: {D: null}}}}}]}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
