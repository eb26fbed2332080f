/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/signer/signer.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/hash.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char ALGORITHM[] = "AWS4-HMAC-SHA256";
static const time_t END_OF_9999 = 253402300799;

enum { DAY_DIGITS = 8 }; /* of a signer_date: "20150830" */

/* The parts of a URL that are signed; they point into it. */
struct url_parts {
    const char *host;
    size_t host_length; /* without the port that goes without saying */
    const char *path;
    size_t path_length;
    const char *query; /* NULL for none */
};

static bool ends_with(const char *bytes, size_t count, const char *end)
{
    size_t length = strlen(end);

    return count >= length && memcmp(bytes + count - length, end, length) == 0;
}

static struct url_parts url_split(const char *url)
{
    struct url_parts parts = {0};
    const char *scheme_end = strstr(url, "://");
    assert(scheme_end);

    parts.host = scheme_end + 3;
    parts.host_length = strcspn(parts.host, "/?#");
    parts.path = parts.host + parts.host_length;
    parts.path_length = strcspn(parts.path, "?#");
    if (parts.path[parts.path_length] == '?')
        parts.query = parts.path + parts.path_length + 1;

    const char *usual_port = strncmp(url, "https:", 6) == 0 ? ":443" : ":80";
    if (ends_with(parts.host, parts.host_length, usual_port))
        parts.host_length -= strlen(usual_port);
    return parts;
}

static int hex_value(char c)
{
    return !isxdigit((unsigned char)c) ? -1
           : c <= '9'                  ? c - '0'
                                       : tolower((unsigned char)c) - 'a' + 10;
}

/* Percent-encodes anew, so that "$" and "%24" are signed alike. */
static void add_encoded_anew(struct text *text, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char one[2] = {bytes[i]};
        int high = i + 2 < count ? hex_value(bytes[i + 1]) : -1;
        int low = i + 2 < count ? hex_value(bytes[i + 2]) : -1;
        if (bytes[i] == '%' && high >= 0 && low >= 0) {
            one[0] = (char)(high << 4 | low);
            i += 2;
        }
        text_add_escaped(text, one, "");
    }
}

static int compare_strings(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* "name=value" pairs encoded and sorted. They are sorted with a byte below all others for the
 * "=", so that names are compared before values: "a=1" comes before "a-b=1". */
static void add_query(struct text *text, const char *query)
{
    char **pairs = NULL;
    size_t count = 0;

    while (query && *query && *query != '#') {
        size_t length = strcspn(query, "&#");
        size_t name_length = strcspn(query, "=&#");
        struct text pair = {0};
        add_encoded_anew(&pair, query, name_length);
        text_add(&pair, "\x01");
        if (name_length < length)
            add_encoded_anew(&pair, query + name_length + 1, length - name_length - 1);
        pairs = memory_resize(pairs, count + 1, sizeof *pairs);
        pairs[count++] = text_take(&pair);
        query += length + (query[length] == '&');
    }
    if (count > 0)
        qsort(pairs, count, sizeof *pairs, compare_strings);
    for (size_t i = 0; i < count; i++) {
        *strchr(pairs[i], '\x01') = '=';
        text_addf(text, "%s%s", i > 0 ? "&" : "", pairs[i]);
        free(pairs[i]);
    }
    free(pairs);
}

/* The path without empty segments, "." and "..", as RFC 3986 section 5.2.4 resolves them; a new
 * string. */
static char *plain_path(const struct url_parts *url)
{
    const char *end = url->path + url->path_length;
    char *plain = memory_new(url->path_length + 2, 1);
    size_t used = 0;

    for (const char *at = url->path; at < end;) {
        const char *segment = at + 1;
        size_t length = strcspn(segment, "/?#");
        bool is_here = length == 0 || (length == 1 && *segment == '.');
        bool is_up = length == 2 && memcmp(segment, "..", 2) == 0;
        while (is_up && used > 0 && plain[--used] != '/')
            ;
        if (!is_here && !is_up) {
            memcpy(plain + used, at, length + 1);
            used += length + 1;
        }
        at = segment + length;
    }
    if (used == 0 || end[-1] == '/')
        plain[used++] = '/';
    plain[used] = '\0';
    return plain;
}

/* The path as it goes over the wire is encoded once; every service but S3 wants it signed
 * encoded once more, and plain. */
static void add_path(struct text *text, const struct url_parts *url, const char *service)
{
    if (url->path_length == 0) {
        text_add(text, "/");
        return;
    }
    if (strcmp(service, "s3") == 0) {
        text_add_bytes(text, url->path, url->path_length);
        return;
    }
    owned(memory) char *plain = plain_path(url);
    text_add_escaped(text, plain, "/");
}

/* Without the blanks around it and with one for each run inside. */
static void add_header_value(struct text *text, const char *value)
{
    bool blank = false;
    bool begun = false;

    for (; *value; value++) {
        if (*value == ' ' || *value == '\t') {
            blank = begun;
            continue;
        }
        if (blank)
            text_add(text, " ");
        text_add_bytes(text, value, 1);
        blank = false;
        begun = true;
    }
}

static int compare_headers(const void *a, const void *b)
{
    return strcasecmp(((const struct http_header *)a)->name,
                      ((const struct http_header *)b)->name);
}

/* "name:value\n" for each signed header in `lines`, "name;name" in `names`. */
static void add_headers(struct text *lines, struct text *names,
                        const struct signer_request *request)
{
    struct http_header headers[HTTP_HEADERS_LIMIT + 1];
    struct url_parts url = url_split(request->url);
    owned(text) struct text host = {0};
    size_t count = 0;

    text_add_bytes(&host, url.host, url.host_length);
    headers[count++] = (struct http_header){"host", text_string(&host)};
    for (size_t i = 0; i < HTTP_HEADERS_LIMIT && request->headers[i].name; i++)
        headers[count++] = request->headers[i];
    qsort(headers, count, sizeof *headers, compare_headers);

    for (size_t i = 0; i < count; i++) {
        owned(text) struct text name = {0};
        for (const char *c = headers[i].name; *c; c++)
            text_add_bytes(&name, &(char){(char)tolower((unsigned char)*c)}, 1);
        text_addf(names, "%s%s", i > 0 ? ";" : "", text_string(&name));
        text_addf(lines, "%s:", text_string(&name));
        add_header_value(lines, headers[i].value);
        text_add(lines, "\n");
    }
}

struct signer_date signer_date(time_t now)
{
    struct signer_date date;
    struct tm utc;
    time_t shown = now < 0 ? 0 : now > END_OF_9999 ? END_OF_9999 : now;

    gmtime_r(&shown, &utc);
    strftime(date.text, sizeof date.text, "%Y%m%dT%H%M%SZ", &utc);
    return date;
}

struct signer_hash signer_hash(const void *body, size_t count)
{
    uint8_t bytes[SHA256_BYTES];
    struct signer_hash hash;
    struct sha256 *sha256 = sha256_new();

    sha256_add(sha256, body, count);
    sha256_finish(sha256, bytes);
    sha256_free(sha256);
    hex_encode(bytes, sizeof bytes, hash.text);
    return hash;
}

char *signer_canonical_request(const struct signer_scope *scope,
                               const struct signer_request *request, const char *content_hash)
{
    struct url_parts url = url_split(request->url);
    owned(text) struct text headers = {0};
    owned(text) struct text names = {0};
    struct text canonical = {0};

    add_headers(&headers, &names, request);
    text_addf(&canonical, "%s\n", request->method);
    add_path(&canonical, &url, scope->service);
    text_add(&canonical, "\n");
    add_query(&canonical, url.query);
    text_addf(&canonical, "\n%s\n%s\n%s", text_string(&headers), text_string(&names),
              content_hash);
    return text_take(&canonical);
}

/* What the key is good for: "20150830/us-east-1/iam/aws4_request". */
static char *credential_scope(const struct signer_scope *scope)
{
    struct signer_date date = signer_date(scope->now);

    return text_format("%.*s/%s/%s/aws4_request", DAY_DIGITS, date.text, scope->region,
                       scope->service);
}

char *signer_string_to_sign(const struct signer_scope *scope, const char *canonical_request)
{
    struct signer_date date = signer_date(scope->now);
    struct signer_hash hash = signer_hash(canonical_request, strlen(canonical_request));
    owned(memory) char *good_for = credential_scope(scope);

    return text_format("%s\n%s\n%s\n%s", ALGORITHM, date.text, good_for, hash.text);
}

/* The secret, narrowed to a day, a region and a service. */
static void derive_key(const char *secret, const struct signer_scope *scope,
                       uint8_t key[SHA256_BYTES])
{
    struct signer_date date = signer_date(scope->now);
    owned(memory) char *start = text_format("AWS4%s", secret);

    sha256_hmac(start, strlen(start), date.text, DAY_DIGITS, key);
    sha256_hmac(key, SHA256_BYTES, scope->region, strlen(scope->region), key);
    sha256_hmac(key, SHA256_BYTES, scope->service, strlen(scope->service), key);
    sha256_hmac(key, SHA256_BYTES, "aws4_request", strlen("aws4_request"), key);
    explicit_bzero(start, strlen(start));
}

char *signer_authorization(const struct aws_credentials *credentials,
                           const struct signer_scope *scope,
                           const struct signer_request *request, const char *content_hash)
{
    owned(memory) char *canonical = signer_canonical_request(scope, request, content_hash);
    owned(memory) char *to_sign = signer_string_to_sign(scope, canonical);
    owned(memory) char *good_for = credential_scope(scope);
    owned(text) struct text headers = {0};
    owned(text) struct text names = {0};
    uint8_t key[SHA256_BYTES];
    char signature[2 * SHA256_BYTES + 1];

    add_headers(&headers, &names, request);
    derive_key(credentials->secret_key, scope, key);
    sha256_hmac(key, sizeof key, to_sign, strlen(to_sign), key);
    hex_encode(key, sizeof key, signature);
    return text_format("%s Credential=%s/%s, SignedHeaders=%s, Signature=%s", ALGORITHM,
                       credentials->access_key, good_for, text_string(&names), signature);
}

void aws_credentials_release(struct aws_credentials *credentials)
{
    if (credentials->secret_key)
        explicit_bzero(credentials->secret_key, strlen(credentials->secret_key));
    free(credentials->access_key);
    free(credentials->secret_key);
    free(credentials->session_token);
    *credentials = (struct aws_credentials){0};
}
