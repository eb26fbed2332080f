/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Docker's config.json gives a login that can be sent in a header, or none; and whatever is
 * wrong with it, the error does not tell the secret.
 */
#include "tests/fuzz/fuzz.h"

#include <assert.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/login_file.h"
#include "registry/registry_login.h"

enum { SECRET_LENGTH = 8 }; /* shorter ones stand in any text by chance */

/* What an error may say whatever the secret is; a password may be spelled like any of it. */
static bool is_innocent(const char *secret, const char *host, const char *helper, json_t *auths)
{
    const char *const said[] = {host,
                                fuzz_folder(),
                                "/config.json",
                                "login for ",
                                "auth is not user:password in base64",
                                "a login contains a line break or another control character",
                                "a login's user has a colon in its name",
                                "the logins are kept by docker-credential-",
                                ", which is not in PATH: install it, or take '",
                                "' out of credsStore and credHelpers",
                                "is no name of a credential helper",
                                helper};
    const char *key;
    json_t *entry;

    for (size_t i = 0; i < sizeof said / sizeof *said; i++)
        if (strstr(said[i], secret))
            return true;
    json_object_foreach(auths, key, entry)
    {
        if (strstr(key, secret))
            return true;
    }
    return false;
}

static bool tells(const struct error *err, const char *host, const json_t *file,
                  const char *secret)
{
    const char *helper = login_file_helper(file, host);
    json_t *auths = json_object_get(file, "auths");

    return secret && strlen(secret) >= SECRET_LENGTH && strstr(err->text, secret) &&
           !is_innocent(secret, host, helper ? helper : "", auths);
}

static void tells_no_secret(const struct error *err, const char *host, const uint8_t *bytes,
                            size_t count)
{
    json_owned json_t *json = NULL;
    struct error ignored;
    const char *key;
    json_t *entry;

    assert(err->kind == ERROR_INVALID || err->kind == ERROR_LIMIT ||
           err->kind == ERROR_SYSTEM); /* a helper, and no PATH to find it in */
    if (!json_parse((const char *)bytes, count, &json, &ignored)) {
        assert(!strstr(err->text, " near ")); /* as jansson would quote it */
        return;
    }
    json_object_foreach(json_object_get(json, "auths"), key, entry)
    {
        assert(!tells(err, host, json, json_optional_string(entry, "auth")));
        assert(!tells(err, host, json, json_optional_string(entry, "password")));
        assert(!tells(err, host, json, json_optional_string(entry, "identitytoken")));
        assert(!tells(err, host, json, json_optional_string(entry, "registrytoken")));
    }
}

static void can_be_sent(const struct registry_login *login)
{
    owned(memory) char *header = registry_login_basic(login);

    if (!login->user) {
        assert(!login->password && !header);
        return;
    }
    owned(memory) char *expected = text_format("%s:%s", login->user, login->password);
    owned(memory) char *both = NULL;
    struct error err;
    size_t count;

    assert(login->user[0] && login->password[0] && !strpbrk(expected, "\r\n"));
    assert(strncmp(header, "Basic ", 6) == 0 && !strpbrk(header, "\r\n"));
    assert(base64_decode(header + 6, &both, &count, &err) && strcmp(both, expected) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count)
{
    static const char *const hosts[] = {"docker.io", "localhost:5000"};
    fuzz_file("config.json", bytes, count);
    owned(memory) char *variable = text_format("DOCKER_CONFIG=%s", fuzz_folder());
    const char *const environment[] = {variable, NULL};

    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++) {
        owned(registry_logins) struct registry_logins logins = {0};
        struct error err = {0};
        if (!registry_logins_find(environment, hosts[i], &logins, &err))
            tells_no_secret(&err, hosts[i], bytes, count);
        for (size_t j = 0; j < logins.count; j++)
            can_be_sent(&logins.known[j].login);
    }
    return 0;
}

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random)
{
    static const char *const seeds[] = {
        "{\"auths\":{\"https://index.docker.io/v1/\":{\"auth\":\"dXNlcjpodW50ZXIy\"},"
        "\"localhost:5000\":{\"username\":\"a\",\"password\":\"correct horse\"}}}",
        "{\"auths\":{\"localhost:5000/team\":{\"identitytoken\":\"correct horse\"}},"
        "\"credHelpers\":{\"docker.io\":\"pass\"}}",
        "{\"auths\":{\"docker.io/library\":{},\"LOCALHOST:5000/v2/\":{\"auth\":\"dTpwCg==\"}},"
        "\"credsStore\":\"pass\"}",
        NULL,
    };

    return fuzz_mutate(seeds, bytes, count, capacity, random);
}
