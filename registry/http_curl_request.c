/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/http_curl_request.h"

#include <string.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "registry/certificates.h"

enum {
    REDIRECTS_LIMIT = 10,
    CONNECT_S = 30,
    SILENCE_S = 60,
    LATE = 5,     /* times the silence, for answers that may be late */
    SLOWEST = 64, /* bytes a second; what is slower counts as silence */
    /* Each record of TLS, 16 KiB, has calls of its own: larger pieces save less here. */
    ENCRYPTED_PIECE_BYTES = 32 * 1024,
};

static bool is_encrypted(const struct http_request *request)
{
    return strncmp(request->url, "https:", 6) == 0;
}

static void add_line(struct curl_slist **headers, const char *line)
{
    struct curl_slist *longer = curl_slist_append(*headers, line);

    if (!longer)
        abort();
    *headers = longer;
}

static void set_headers(CURL *easy, const struct http_request *request,
                        struct curl_slist **headers)
{
    for (size_t i = 0; i < HTTP_HEADERS_LIMIT && request->headers[i].name; i++) {
        owned(memory) char *line =
            text_format("%s: %s", request->headers[i].name, request->headers[i].value);
        add_line(headers, line);
    }
    add_line(headers, "Expect:"); /* waiting for "100 Continue" costs a round trip */
    must(curl_easy_setopt(easy, CURLOPT_HTTPHEADER, *headers));
}

/* The protocols libcurl may speak, here and after a redirect. */
static void set_protocols(CURL *easy, bool encrypted)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https"));
    must(curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS_STR,
                          encrypted ? "https" : "http,https"));
#else
    long both = CURLPROTO_HTTP | CURLPROTO_HTTPS;
    must(curl_easy_setopt(easy, CURLOPT_PROTOCOLS, both));
    must(curl_easy_setopt(easy, CURLOPT_REDIR_PROTOCOLS, encrypted ? CURLPROTO_HTTPS : both));
#endif
}

/* They are ours to give, once it connects: libcurl would read them each time. */
static void set_no_authorities(CURL *easy)
{
    must(curl_easy_setopt(easy, CURLOPT_CAINFO, NULL));
    must(curl_easy_setopt(easy, CURLOPT_CAPATH, NULL));
    must(curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, NULL));
    must(curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, NULL));
}

/* Authorities of one host are trusted beside the others, and with its requests only. */
static bool set_certificates(CURL *easy, const struct http_curl_settings *settings,
                             const char *url, struct authorities **trusted, struct error *err)
{
    const char *const *folders = (const char *const *)settings->certificate_folders;
    owned(certificates) struct certificates found = {0};

    if (!certificates_find(folders, url, &found, err))
        return false;
    must(curl_easy_setopt(easy, CURLOPT_SSLCERT, found.certificate));
    must(curl_easy_setopt(easy, CURLOPT_SSLKEY, found.key));
    if (found.authorities)
        *trusted = trust_find(settings->trust, found.authorities);
    return true;
}

static void set_connection(CURL *easy, const struct http_curl_settings *settings,
                           const char *url, bool encrypted)
{
    const struct http_proxies *proxies = &settings->proxies;

    set_protocols(easy, encrypted);
    must(curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS));
    if (settings->user_agent)
        must(curl_easy_setopt(easy, CURLOPT_USERAGENT, settings->user_agent));
    must(curl_easy_setopt(easy, CURLOPT_PROXY, http_proxies_for(proxies, url)));
    must(curl_easy_setopt(easy, CURLOPT_NOPROXY, proxies->none));
    must(curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L));
    must(curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L));
    must(curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L));
}

static void set_patience(CURL *easy, const struct http_curl_settings *settings,
                         const struct http_request *request)
{
    unsigned int usual_s =
        request->answers_late ? LATE * settings->silence_s : settings->silence_s;
    unsigned int silence_s = request->silence_s ? request->silence_s : usual_s;
    bool is_hasty = request->silence_s && request->silence_s < settings->connect_s;

    must(curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT,
                          (long)(is_hasty ? request->silence_s : settings->connect_s)));
    must(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOWEST));
    must(curl_easy_setopt(easy, CURLOPT_LOW_SPEED_TIME, (long)silence_s));
}

static void set_method(CURL *easy, const struct http_request *request)
{
    curl_off_t size = request->body ? (curl_off_t)request->body_size : 0;

    if (strcmp(request->method, "HEAD") == 0) {
        must(curl_easy_setopt(easy, CURLOPT_NOBODY, 1L));
    } else if (strcmp(request->method, "GET") != 0) {
        must(curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, request->method));
        if (request->body || strcmp(request->method, "DELETE") != 0)
            must(curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L));
        must(curl_easy_setopt(easy, CURLOPT_INFILESIZE_LARGE, size));
    }
    long follows = http_curl_follows_redirects(request) ? 1L : 0L;
    must(curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, follows));
    must(curl_easy_setopt(easy, CURLOPT_MAXREDIRS, (long)REDIRECTS_LIMIT));
}

bool http_curl_follows_redirects(const struct http_request *request)
{
    bool reads = strcmp(request->method, "GET") == 0 || strcmp(request->method, "HEAD") == 0;

    return reads && !request->stays;
}

static void set_pieces(CURL *easy, bool encrypted)
{
    long bytes = encrypted ? ENCRYPTED_PIECE_BYTES : HTTP_CURL_PIECE_BYTES;

    must(curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, bytes));
    must(curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, bytes));
}

bool http_curl_set_request(CURL *easy, const struct http_curl_settings *settings,
                           const struct http_request *request, struct curl_slist **headers,
                           struct authorities **trusted, struct error *err)
{
    bool encrypted = is_encrypted(request);

    must(curl_easy_setopt(easy, CURLOPT_URL, request->url));
    set_connection(easy, settings, request->url, encrypted);
    set_patience(easy, settings, request);
    set_method(easy, request);
    set_headers(easy, request, headers);
    set_pieces(easy, encrypted);
    set_no_authorities(easy);
    *trusted = trust_find(settings->trust, NULL);
    return !encrypted || set_certificates(easy, settings, request->url, trusted, err);
}

/* --- settings ---------------------------------------------------------------------------- */

static char *copy_or_null(const char *string)
{
    return string ? memory_copy_string(string) : NULL;
}

/* What libcurl was built to look for may be another distribution's. */
static const char *system_ca_file(void)
{
    const char *usual = curl_version_info(CURLVERSION_NOW)->cainfo;

    return usual && file_exists(usual) ? usual
                                       : certificates_first_file(certificates_system_files);
}

void http_curl_settings_read(const struct http_curl_options *options,
                             struct http_curl_settings *out)
{
    static const char *const nothing[] = {NULL};
    const char *const *environment = options->environment ? options->environment : nothing;
    const char *ca_file =
        options->ca_file ? options->ca_file : environment_get(environment, "SSL_CERT_FILE");
    const char *ca_folder = curl_version_info(CURLVERSION_NOW)->capath;

    *out = (struct http_curl_settings){
        .user_agent = copy_or_null(options->user_agent),
        .trust = trust_new(ca_file ? ca_file : system_ca_file(), ca_folder),
        .certificate_folders = certificates_folders(environment),
        .connect_s = options->connect_s ? options->connect_s : CONNECT_S,
        .silence_s = options->silence_s ? options->silence_s : SILENCE_S,
    };
    http_proxies_read(environment, &out->proxies);
}

void http_curl_settings_release(struct http_curl_settings *settings)
{
    free(settings->user_agent);
    trust_free(settings->trust);
    free(settings->certificate_folders[0]);
    free(settings->certificate_folders);
    http_proxies_release(&settings->proxies);
}
