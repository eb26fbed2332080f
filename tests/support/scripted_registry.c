/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scripted_registry.h"

#include "tests/support/unit.h"

void scripted_registry_open(struct scripted_registry *scripted,
                            const struct scripted_exchange *script, size_t count)
{
    static const char *const nobody[] = {NULL};

    scripted_http_init(&scripted->http, script, count);
    scripted->registries = registries_new(&scripted->http.http, nobody);
    scripted->store =
        registries_repository(scripted->registries, "registry.example", "team/app");
}

void scripted_registry_close(struct scripted_registry *scripted)
{
    registries_free(scripted->registries);
    scripted_http_release(&scripted->http);
}

size_t scripted_steps(const struct scripted_exchange *steps, size_t limit)
{
    size_t count = 0;

    while (count < limit && steps[count].method)
        count++;
    return count;
}

struct descriptor hello_blob(void)
{
    struct error err;
    struct descriptor blob = {.media_type = MEDIA_TYPE_OCI_LAYER_TAR, .size = 5};

    assert_ok(digest_parse(HELLO, &blob.digest, &err));
    return blob;
}
