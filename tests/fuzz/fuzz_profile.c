/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AWS's configuration files: whatever they hold, what is found in one is written in it, on one
 * line and without blanks around it.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "lambda/aws/profile.h"
#include "oci/base/memory.h"

static void check(const char *text, char *value)
{
    owned(memory) char *found = value;

    if (!found)
        return;
    assert(*found && strstr(text, found) && !strchr(found, '\n'));
    assert(!strchr(" \t\r", found[0]) && !strchr(" \t\r", found[strlen(found) - 1]));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    owned(memory) char *text = fuzz_string(bytes, count);
    const struct profile_files files = {.credentials = text, .config = text};
    const struct profile a = {&files, "a"};
    const struct profile usual = {&files, "default"};

    check(text, profile_get(&a, "k"));
    check(text, profile_get_from_config(&usual, "k"));
    check(text, profile_section_get(&files, "services", "a", "s", "k"));
    check(text, profile_section_get(&files, "services", "a", NULL, "k"));
    assert(profile_exists(&a) || !strstr(text, "\n[a]\n"));
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "[a]\nk = v # c\n[profile a]\nk=v\n", "[default]\n#k=1\nk =\n  k = 2\n",
        "[services a]\ns =\n  k = v\nk = w\n[ services \"a\" ]\n", NULL};

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
