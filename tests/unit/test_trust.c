/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Authorities are read once, when they are needed, and shared; files that are not
 * what they should be are said so.
 */
#include "registry/trust.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

/* A few authorities, as PEM, that are in the checkout anyway. */
#define ROOTS "lambda/supervisor/amazon_roots.pem"

enum { ROOTS_LIMIT = 100 * 1000, ROOTS_COUNT = 5 };

static char *roots(void)
{
    struct error err;
    char *pem;
    size_t count;

    assert_ok(file_read(ROOTS, ROOTS_LIMIT, &pem, &count, &err));
    return pem;
}

static char *write_file(const char *folder, const char *name, const char *content)
{
    char *path = text_format("%s/%s", folder, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(content, file);
    fclose(file);
    return path;
}

/* How many of the roots, by their names, somebody with this store would trust. */
static size_t count_trusted(X509_STORE *store)
{
    owned(memory) char *pem = roots();
    BIO *bio = BIO_new_mem_buf(pem, -1);
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    size_t count = 0;

    assert_true(X509_STORE_CTX_init(context, store, NULL, NULL));
    for (X509 *root; (root = PEM_read_bio_X509(bio, NULL, NULL, NULL)); X509_free(root)) {
        STACK_OF(X509) *found = X509_STORE_CTX_get1_certs(context, X509_get_subject_name(root));
        count +=
            found && sk_X509_num(found) == 1 && X509_cmp(sk_X509_value(found, 0), root) == 0;
        sk_X509_pop_free(found, X509_free);
    }
    X509_STORE_CTX_free(context);
    BIO_free(bio);
    return count;
}

/* How many a new connection trusts, and which store they are in; 0: refused. */
static size_t count_given(struct authorities *authorities, X509_STORE **store,
                          struct error *err)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    size_t count = 0;

    assert_non_null(context);
    if (trust_give(authorities, context, err)) {
        *store = SSL_CTX_get_cert_store(context);
        count = count_trusted(*store);
    }
    SSL_CTX_free(context);
    return count;
}

static void connections_share_what_was_read_once(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *pem = roots();
    owned(memory) char *path = write_file(folder, "ca.pem", pem);
    struct trust *trust = trust_new(path, NULL);
    X509_STORE *first, *second;

    assert_int_equal(count_given(trust_find(trust, NULL), &first, &err), ROOTS_COUNT);
    unlink(path);
    assert_int_equal(count_given(trust_find(trust, NULL), &second, &err), ROOTS_COUNT);
    assert_ptr_equal(first, second);
    trust_free(trust);
    temp_folder_remove(folder);
}

static void nothing_is_read_before_it_is_needed(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *pem = roots();
    owned(memory) char *path = text_format("%s/ca.pem", folder);
    struct trust *trust = trust_new(path, NULL);
    struct authorities *all = trust_find(trust, NULL);
    X509_STORE *store;

    assert_int_equal(count_given(all, &store, &err), 0);
    assert_int_equal(err.kind, ERROR_NOT_FOUND);
    free(write_file(folder, "ca.pem", pem));
    assert_int_equal(count_given(all, &store, &err), ROOTS_COUNT);
    trust_free(trust);
    temp_folder_remove(folder);
}

static void a_hosts_own_are_beside_the_others_and_for_it_alone(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *pem = roots();
    char *second_begins = strstr(pem + 1, "-----BEGIN");
    owned(memory) char *one = text_format("%.*s", (int)(second_begins - pem), pem);
    owned(memory) char *path = write_file(folder, "ca.pem", second_begins);
    struct trust *trust = trust_new(path, NULL);
    struct authorities *own = trust_find(trust, one);
    X509_STORE *for_host, *for_all;

    assert_int_equal(count_given(own, &for_host, &err), ROOTS_COUNT);
    assert_int_equal(count_given(trust_find(trust, NULL), &for_all, &err), ROOTS_COUNT - 1);
    assert_ptr_not_equal(for_host, for_all);
    one[0] = '\n'; /* what was given is not needed any more */
    owned(memory) char *same = text_format("%.*s", (int)(second_begins - pem), pem);
    assert_ptr_equal(trust_find(trust, same), own);
    trust_free(trust);

    trust = trust_new(NULL, NULL);
    assert_int_equal(count_given(trust_find(trust, same), &for_host, &err), 1);
    trust_free(trust);
    temp_folder_remove(folder);
}

static void what_is_no_certificate_is_said(void **state)
{
    (void)state;
    struct error err;
    char *folder = temp_folder();
    owned(memory) char *pem = roots();
    owned(memory) char *damaged = text_format("%s-----BEGIN CERTIFICATE-----\nAAAA\n"
                                              "-----END CERTIFICATE-----\n",
                                              pem);
    owned(memory) char *cut = text_format("%.200s", strstr(pem, "-----BEGIN"));
    const struct {
        const char *content;
        const char *says;
    } cases[] = {
        {"", "ca.pem: there is no certificate in it"},
        {"some words\n", "ca.pem: there is no certificate in it"},
        {"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
         "ca.pem: there is no certificate in it"},
        {damaged, "ca.pem: certificate 6 in it is broken"},
        {cut, "ca.pem: certificate 1 in it is broken"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        owned(memory) char *path = write_file(folder, "ca.pem", cases[i].content);
        struct trust *trust = trust_new(path, NULL);
        X509_STORE *store;

        assert_int_equal(count_given(trust_find(trust, NULL), &store, &err), 0);
        assert_int_equal(err.kind, ERROR_INVALID);
        assert_non_null(strstr(err.text, cases[i].says));
        trust_free(trust);
    }

    struct trust *trust = trust_new(NULL, NULL);
    X509_STORE *store;
    assert_int_equal(count_given(trust_find(trust, "no PEM"), &store, &err), 0);
    assert_non_null(strstr(err.text, "certs.d"));
    assert_int_equal(count_given(trust_find(trust, NULL), &store, &err), 0);
    assert_non_null(strstr(err.text, "no certificates to trust are on this system"));
    trust_free(trust);
    temp_folder_remove(folder);
}

static void a_folder_is_enough(void **state)
{
    (void)state;
    struct error err;
    struct trust *trust = trust_new(NULL, "/etc/ssl/certs");
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());

    assert_ok(trust_give(trust_find(trust, NULL), context, &err));
    SSL_CTX_free(context);
    trust_free(trust);
}

struct reader {
    struct trust *trust;
    X509_STORE *store;
};

static void *read_both(void *context)
{
    struct reader *reader = context;
    struct error err;
    owned(memory) char *pem = roots();
    X509_STORE *own;

    if (count_given(trust_find(reader->trust, pem), &own, &err) > 0)
        count_given(trust_find(reader->trust, NULL), &reader->store, &err);
    return NULL;
}

static void threads_that_come_at_once_get_the_same(void **state)
{
    (void)state;
    pthread_t threads[8];
    struct reader readers[COUNT(threads)];
    struct trust *trust = trust_new(ROOTS, NULL);

    for (size_t i = 0; i < COUNT(threads); i++) {
        readers[i] = (struct reader){.trust = trust};
        assert_int_equal(pthread_create(&threads[i], NULL, read_both, &readers[i]), 0);
    }
    for (size_t i = 0; i < COUNT(threads); i++)
        pthread_join(threads[i], NULL);
    for (size_t i = 0; i < COUNT(threads); i++) {
        assert_non_null(readers[i].store);
        assert_ptr_equal(readers[i].store, readers[0].store);
    }
    trust_free(trust);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_share_what_was_read_once),
        cmocka_unit_test(nothing_is_read_before_it_is_needed),
        cmocka_unit_test(a_hosts_own_are_beside_the_others_and_for_it_alone),
        cmocka_unit_test(what_is_no_certificate_is_said),
        cmocka_unit_test(a_folder_is_enough),
        cmocka_unit_test(threads_that_come_at_once_get_the_same),
    };
    return cmocka_run_group_tests_name("trust", tests, NULL, NULL);
}
