/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A configuration completed by itself is the same, and what it is read into can be used: the
 * environment's lines have names, and the time kept free is less than a function's.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/supervisor/config.h"
#include "lambda/supervisor/settings.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const environment[] = {"TIMEOUT_THRESHOLD=7", NULL};
    owned(memory) char *text = memory_new(count + 1, 1);
    owned(settings) struct settings settings = {0};
    json_owned json_t *config = NULL;
    struct error err = {0};

    memcpy(text, bytes, count);
    if (!config_parse("config", text, count, &config, &err)) {
        assert(strncmp(err.text, "config:", 7) == 0);
        return 0;
    }
    json_owned json_t *twice = json_deep_copy(config);
    config_add_missing(twice, config);
    assert(json_equal(config, twice));

    json_object_del(config, "log_level"); /* an unknown one is told on stderr */
    if (!settings_read(config, environment, false, &settings, &err)) {
        assert(err.kind == ERROR_INVALID && err.text[0] && !settings.variables);
        return 0;
    }
    assert(settings.threshold_s == 7);
    assert(!settings.init_script || settings.init_script[0] == '/');
    for (char **variable = settings.variables; *variable; variable++)
        assert(strchr(*variable, '=') > *variable);
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"init_script\":\"s.sh\",\"log_level\":\"INFO\",\"file_stage_in\":true,\"container\":"
        "{\"timeout_threshold\":10,\"environment\":{\"Variables\":{\"A\":45,\"B\":\"x\"}}},"
        "\"supervisor\":{\"on_error\":\"fail\"}}",
        "init_script: s.sh\nlog_level: debug\ndownload_input: no\ncontainer:\n"
        "  timeout_threshold: 5\n  environment:\n    Variables:\n      A: 45\n",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
