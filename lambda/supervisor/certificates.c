/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/certificates.h"

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"

enum { BUNDLE_LIMIT = 4 * 1024 * 1024 };

/* The assembler copies the file in, found from the root of the checkout. */
__asm__(".pushsection .rodata\n"
        "amazon_roots:\n"
        ".incbin \"lambda/supervisor/amazon_roots.pem\"\n"
        ".byte 0\n"
        ".popsection\n");
extern const char amazon_roots[];

/* Where Debian, Fedora and Alpine keep theirs. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
};

static bool add_file(const char *path, struct text *pem, struct error *err)
{
    owned(memory) char *bytes = NULL;
    size_t count = 0;

    if (!file_read(path, BUNDLE_LIMIT, &bytes, &count, err))
        return false;
    text_add(pem, "\n");
    text_add_bytes(pem, bytes, count);
    return true;
}

bool certificates_add(const char *const *environment, bool amazon_only, struct text *pem,
                      struct error *err)
{
    const char *own = environment_get(environment, "SSL_CERT_FILE");
    struct error missing;

    text_add(pem, amazon_roots);
    if (own)
        return add_file(own, pem, err) || error_wrap(err, "SSL_CERT_FILE");
    for (size_t i = 0; !amazon_only && i < sizeof bundles / sizeof *bundles; i++)
        if (add_file(bundles[i], pem, &missing))
            break;
    return true;
}
