/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/trust.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "registry/certificates.h"

enum { FILE_LIMIT = 8 * 1024 * 1024 };

struct authority {
    X509_NAME *subject;
    unsigned char *der;
    long size;
    bool is_trusted; /* OpenSSL's own form, which says for what */
};

struct authorities {
    struct trust *trust;
    struct authorities *next;
    char *more;        /* PEM; NULL: none */
    X509_STORE *store; /* NULL until it is needed */
    struct authority *list;
    size_t count;
};

struct trust {
    char *file;
    char *folder;
    X509_LOOKUP_METHOD *method;

    pthread_mutex_t lock; /* for what follows, and for reading */
    struct authorities *known;
};

static void must(bool succeeded)
{
    if (!succeeded)
        abort();
}

/* --- looking up -------------------------------------------------------------------------- */

static bool add_to_store(X509_STORE *store, const struct authority *authority)
{
    const unsigned char *der = authority->der;
    X509 *certificate = authority->is_trusted ? d2i_X509_AUX(NULL, &der, authority->size)
                                              : d2i_X509(NULL, &der, authority->size);

    if (!certificate) {
        ERR_clear_error();
        return false;
    }
    must(X509_STORE_add_cert(store, certificate));
    X509_free(certificate);
    return true;
}

/* What OpenSSL calls for a name that the store does not have yet, from any thread. */
static int find_by_subject(X509_LOOKUP *lookup, X509_LOOKUP_TYPE type, const X509_NAME *name,
                           X509_OBJECT *out)
{
    const struct authorities *authorities = X509_LOOKUP_get_method_data(lookup);
    X509_STORE *store = X509_LOOKUP_get_store(lookup);
    bool found = false;

    if (type != X509_LU_X509)
        return 0;
    for (size_t i = 0; i < authorities->count; i++) {
        if (X509_NAME_cmp(authorities->list[i].subject, name) == 0)
            found |= add_to_store(store, &authorities->list[i]);
    }
    if (!found)
        return 0;

    must(X509_STORE_lock(store));
    X509_OBJECT *object =
        X509_OBJECT_retrieve_by_subject(X509_STORE_get0_objects(store), type, name);
    X509 *certificate = X509_OBJECT_get0_X509(object);
    must(certificate && X509_OBJECT_set1_X509(out, certificate));
    X509_free(certificate); /* `out` is expected to borrow it from the store */
    must(X509_STORE_unlock(store));
    return 1;
}

/* --- reading ----------------------------------------------------------------------------- */

/* Steps into the next element, or over it, as long as it has this tag. */
static bool step(const unsigned char **at, const unsigned char *end, int tag, bool into)
{
    const unsigned char *content = *at;
    int its_tag, its_class;
    long length;

    if (ASN1_get_object(&content, &length, &its_tag, &its_class, end - *at) & 0x80)
        return false;
    if (its_tag != tag)
        return false;
    *at = into ? content : content + length;
    return true;
}

/* NULL when it is no certificate. Spec: RFC 5280, section 4.1 */
static X509_NAME *subject_of(const unsigned char *der, long size)
{
    const unsigned char *at = der;
    const unsigned char *end = der + size;

    if (!step(&at, end, V_ASN1_SEQUENCE, true) || !step(&at, end, V_ASN1_SEQUENCE, true))
        return NULL;
    step(&at, end, 0, false);                              /* version, which may be left out */
    bool right = step(&at, end, V_ASN1_INTEGER, false) &&  /* serial number */
                 step(&at, end, V_ASN1_SEQUENCE, false) && /* signature */
                 step(&at, end, V_ASN1_SEQUENCE, false) && /* issuer */
                 step(&at, end, V_ASN1_SEQUENCE, false);   /* validity */
    return right ? d2i_X509_NAME(NULL, &at, end - at) : NULL;
}

/* Takes `der`. */
static bool add(struct authorities *authorities, unsigned char *der, long size, bool is_trusted)
{
    X509_NAME *subject = subject_of(der, size);

    if (!subject) {
        OPENSSL_free(der);
        return false;
    }
    authorities->list =
        memory_resize(authorities->list, authorities->count + 1, sizeof *authorities->list);
    authorities->list[authorities->count++] = (struct authority){
        .subject = subject,
        .der = der,
        .size = size,
        .is_trusted = is_trusted,
    };
    return true;
}

static bool add_block(struct authorities *authorities, const char *label, unsigned char *der,
                      long size)
{
    bool is_trusted = strcmp(label, PEM_STRING_X509_TRUSTED) == 0;

    if (is_trusted || strcmp(label, PEM_STRING_X509) == 0 ||
        strcmp(label, PEM_STRING_X509_OLD) == 0)
        return add(authorities, der, size, is_trusted);
    OPENSSL_free(der);
    return true;
}

/* `name` is for errors. */
static bool add_all(struct authorities *authorities, const char *pem, size_t pem_size,
                    const char *name, struct error *err)
{
    BIO *bio = BIO_new_mem_buf(pem, (int)pem_size);
    size_t before = authorities->count;
    char *label, *header;
    unsigned char *der;
    long size;
    bool right = true;

    must(bio);
    while (right && PEM_read_bio(bio, &label, &header, &der, &size)) {
        right = add_block(authorities, label, der, size);
        OPENSSL_free(label);
        OPENSSL_free(header);
    }
    right = right && ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
    ERR_clear_error();
    BIO_free(bio);
    if (!right)
        return error_set(err, ERROR_INVALID, "%.300s: certificate %zu in it is broken", name,
                         authorities->count - before + 1);
    return authorities->count > before ||
           error_set(err, ERROR_INVALID, "%.300s: there is no certificate in it", name);
}

static bool add_file(struct authorities *authorities, const char *path, struct error *err)
{
    owned(memory) char *pem = NULL;
    size_t size;

    return file_read(path, FILE_LIMIT, &pem, &size, err) &&
           add_all(authorities, pem, size, path, err);
}

static bool read_list(struct authorities *authorities, struct error *err)
{
    const struct trust *trust = authorities->trust;
    const char *more = authorities->more;

    if (!trust->file && !trust->folder && !more)
        return error_set(err, ERROR_INVALID,
                         "no certificates to trust are on this system (in %s and the like); "
                         "name a file of them with --ca-file or SSL_CERT_FILE",
                         certificates_system_files[0]);
    return (!trust->file || add_file(authorities, trust->file, err)) &&
           (!more || add_all(authorities, more, strlen(more), "the host's certs.d", err));
}

static void forget_list(struct authorities *authorities)
{
    for (size_t i = 0; i < authorities->count; i++) {
        X509_NAME_free(authorities->list[i].subject);
        OPENSSL_free(authorities->list[i].der);
    }
    free(take(&authorities->list));
    authorities->count = 0;
}

static X509_STORE *new_store(struct authorities *authorities)
{
    const struct trust *trust = authorities->trust;
    X509_STORE *store = X509_STORE_new();
    must(store);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, trust->method);

    must(lookup && X509_LOOKUP_set_method_data(lookup, authorities));
    /* An authority counts also when another one has signed it; as in libcurl. */
    must(X509_STORE_set_flags(store, X509_V_FLAG_TRUSTED_FIRST | X509_V_FLAG_PARTIAL_CHAIN));
    if (trust->folder)
        must(X509_STORE_load_path(store, trust->folder));
    return store;
}

/* Needs the lock. */
static bool read_once(struct authorities *authorities, struct error *err)
{
    if (authorities->store)
        return true;
    if (!read_list(authorities, err)) {
        forget_list(authorities);
        return false;
    }
    authorities->store = new_store(authorities);
    return true;
}

/* --- trust ------------------------------------------------------------------------------- */

bool trust_give(struct authorities *authorities, void *ssl_ctx, struct error *err)
{
    struct trust *trust = authorities->trust;

    pthread_mutex_lock(&trust->lock);
    bool right = read_once(authorities, err);
    pthread_mutex_unlock(&trust->lock);
    if (!right)
        return false;
    SSL_CTX_set1_cert_store(ssl_ctx, authorities->store);
    /* 16 KiB a direction, and most connections are of use in one. */
    SSL_CTX_set_mode(ssl_ctx, SSL_MODE_RELEASE_BUFFERS);
    return true;
}

static bool is_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

struct authorities *trust_find(struct trust *trust, const char *more)
{
    pthread_mutex_lock(&trust->lock);
    struct authorities *found = trust->known;
    while (found && !is_same(found->more, more))
        found = found->next;
    if (!found) {
        found = memory_new(1, sizeof *found);
        *found = (struct authorities){
            .trust = trust,
            .next = trust->known,
            .more = more ? memory_copy_string(more) : NULL,
        };
        trust->known = found;
    }
    pthread_mutex_unlock(&trust->lock);
    return found;
}

struct trust *trust_new(const char *file, const char *folder)
{
    struct trust *trust = memory_new(1, sizeof *trust);

    trust->file = file ? memory_copy_string(file) : NULL;
    trust->folder = folder ? memory_copy_string(folder) : NULL;
    trust->method = X509_LOOKUP_meth_new("authorities read when needed");
    must(trust->method && X509_LOOKUP_meth_set_get_by_subject(trust->method, find_by_subject));
    pthread_mutex_init(&trust->lock, NULL);
    return trust;
}

void trust_free(struct trust *trust)
{
    while (trust->known) {
        struct authorities *known = trust->known;
        trust->known = known->next;
        X509_STORE_free(known->store);
        forget_list(known);
        free(known->more);
        free(known);
    }
    X509_LOOKUP_meth_free(trust->method);
    pthread_mutex_destroy(&trust->lock);
    free(trust->file);
    free(trust->folder);
    free(trust);
}
