/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Certificates of one host: found under its name, in the first folder that has
 * it, and never half.
 */
#include "registry/certificates.h"

#include <stdlib.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

#define URL "https://Registry.example:5000/v2/"

/* Writes a file that holds its own name, below `folder`. */
static void put(const char *folder, const char *name)
{
    struct error err;
    owned(memory) char *path = text_format("%s/%s", folder, name);
    owned(memory) char *parent = text_format("%.*s", (int)(strrchr(path, '/') - path), path);

    assert_ok(folder_make(parent, &err));
    assert_ok(file_write(path, 0644, name, strlen(name), &err));
}

static void authorities_are_put_together(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    const char *folders[] = {"/nonexistent", folder, NULL};
    owned(certificates) struct certificates found = {0};

    put(folder, "registry.example:5000/b.crt");
    put(folder, "registry.example:5000/a.crt");
    put(folder, "registry.example:5000/notes.txt");
    put(folder, "registry.example:5000/.crt");
    assert_ok(certificates_find(folders, URL, &found, &err));
    assert_string_equal(found.authorities,
                        "registry.example:5000/a.crt\nregistry.example:5000/b.crt\n");
    assert_null(found.certificate);
    temp_folder_remove(folder);
}

static void a_host_has_its_own_name(void **state)
{
    (void)state;
    static const struct {
        const char *url;
        bool found;
    } cases[] = {
        {"https://registry.example:5000/v2/a/b", true},
        {"https://registry.example/v2/", false},
        {"https://registry.example:5001/", false},
        {"https://other.example:5000/", false},
        {"https://plain.example/", true},
        {"https://plain.example:443/v2/", true},
        {"https://plain.example:5000/v2/", false},
    };
    char *folder = temp_folder();
    const char *folders[] = {folder, NULL};

    put(folder, "registry.example:5000/ca.crt");
    put(folder, "plain.example/ca.crt");
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        owned(certificates) struct certificates found = {0};
        assert_ok(certificates_find(folders, cases[i].url, &found, &err));
        if (cases[i].found != (found.authorities != NULL))
            fail_msg("%s", cases[i].url);
    }
    temp_folder_remove(folder);
}

static void a_certificate_needs_its_key(void **state)
{
    (void)state;
    static const struct {
        const char *files[4];
        const char *certificate, *key; /* that are taken */
        const char *words;             /* or why not */
    } cases[] = {
        {{"me.cert", "me.key"}, "me.cert", "me.key", NULL},
        {{"b.cert", "b.key", "a.key", "a.cert"}, "a.cert", "a.key", NULL},
        {{"ca.crt"}, NULL, NULL, NULL},
        {{"me.cert"}, NULL, NULL, "me.cert has no key beside it"},
        {{"ca.crt", "me.key"}, NULL, NULL, "me.key has no certificate beside it"},
        {{"a.cert", "b.key"}, NULL, NULL, "a.cert has no key beside it"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct error err;
        char *folder = temp_folder();
        owned(memory) char *host = text_format("%s/registry.example:5000", folder);
        const char *folders[] = {folder, NULL};
        owned(certificates) struct certificates found = {0};

        for (size_t j = 0; j < COUNT(cases[i].files) && cases[i].files[j]; j++)
            put(host, cases[i].files[j]);
        if (cases[i].words) {
            assert_fails(certificates_find(folders, URL, &found, &err), ERROR_INVALID,
                         cases[i].words);
        } else {
            assert_ok(certificates_find(folders, URL, &found, &err));
            assert_int_equal(!found.certificate, !cases[i].certificate);
            if (found.certificate) {
                assert_string_equal(strrchr(found.certificate, '/') + 1, cases[i].certificate);
                assert_string_equal(strrchr(found.key, '/') + 1, cases[i].key);
            }
        }
        temp_folder_remove(folder);
    }
}

static void the_first_file_that_is_there_is_the_system_s(void **state)
{
    (void)state;
    char *folder = temp_folder();
    owned(memory) char *missing = text_format("%s/missing", folder);
    owned(memory) char *first = text_format("%s/registry.example:5000/first.crt", folder);
    owned(memory) char *second = text_format("%s/registry.example:5000/second.crt", folder);
    const char *files[] = {missing, first, second, NULL};

    assert_null(certificates_first_file(files));
    put(folder, "registry.example:5000/second.crt");
    assert_string_equal(certificates_first_file(files), second);
    put(folder, "registry.example:5000/first.crt");
    assert_string_equal(certificates_first_file(files), first);
    assert_string_equal(certificates_system_files[0], "/etc/ssl/certs/ca-certificates.crt");
    temp_folder_remove(folder);
}

static void the_first_folder_that_has_the_host_is_the_one(void **state)
{
    (void)state;
    struct error err;
    char *home = temp_folder();
    owned(memory) char *variable = text_format("HOME=%s", home);
    const char *environment[] = {variable, NULL};
    owned(memory) char *first = text_format("%s/.config/containers/certs.d", home);
    owned(certificates) struct certificates found = {0};

    char **folders = certificates_folders(environment);
    assert_string_equal(folders[0], first);
    assert_string_equal(folders[1], "/etc/containers/certs.d");
    assert_string_equal(folders[2], "/etc/docker/certs.d");
    assert_null(folders[3]);
    free(folders[0]);
    free(folders);

    owned(memory) char *second = text_format("%s/second", home);
    const char *both[] = {first, second, NULL};
    put(first, "registry.example:5000/me.cert");
    put(first, "registry.example:5000/me.key");
    put(second, "registry.example:5000/ca.crt");
    assert_ok(certificates_find(both, URL, &found, &err));
    assert_non_null(found.certificate);
    assert_null(found.authorities);
    temp_folder_remove(home);
}

static void files_have_limits(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    const char *folders[] = {folder, NULL};
    owned(memory) char *host = text_format("%s/registry.example:5000", folder);
    owned(memory) char *large = text_format("%s/large.crt", host);
    owned(memory) char *bytes = memory_new(2 * 1024 * 1024, 1);
    struct certificates found;

    assert_ok(folder_make(host, &err));
    assert_ok(file_write(large, 0644, bytes, 2 * 1024 * 1024, &err));
    assert_fails(certificates_find(folders, URL, &found, &err), ERROR_LIMIT, "large.crt");
    for (int i = 0; i < 100; i++) {
        owned(memory) char *name = text_format("%d.crt", i);
        put(host, name);
    }
    assert_fails(certificates_find(folders, URL, &found, &err), ERROR_LIMIT, "100 files");
    temp_folder_remove(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(authorities_are_put_together),
        cmocka_unit_test(a_host_has_its_own_name),
        cmocka_unit_test(a_certificate_needs_its_key),
        cmocka_unit_test(the_first_file_that_is_there_is_the_system_s),
        cmocka_unit_test(the_first_folder_that_has_the_host_is_the_one),
        cmocka_unit_test(files_have_limits),
    };
    return cmocka_run_group_tests_name("certificates", tests, NULL, NULL);
}
