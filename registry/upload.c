/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/upload.h"

#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Some registries move a large blob to its place before they answer. */
enum { PUT_SILENCE_S = 300 };

static bool is_url(const char *text)
{
    return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

/* RFC 3986, section 5.2, less its dots. */
static char *resolve_location(const char *base, const char *location)
{
    owned(memory) char *origin = http_url_origin(base);

    if (is_url(location))
        return memory_copy_string(location);
    if (strncmp(location, "//", 2) == 0)
        return text_format("%.*s%s", (int)(strchr(base, ':') + 1 - base), base, location);
    if (*location == '/')
        return text_format("%s%s", origin, location);

    size_t length = strcspn(base, "?#");
    while (length > 0 && base[length - 1] != '/')
        length--;
    return text_format("%.*s%s", (int)length, base, location);
}

static bool read_location(const struct http_request *request,
                          const struct http_response *response, char **out, struct error *err)
{
    owned(memory) char *people = http_url_for_people(request->url);
    const char *location = http_header(response, "Location");

    if (!location || !*location)
        return error_set(err, ERROR_INVALID,
                         "POST %.300s: opened an upload and did not say where", people);
    owned(memory) char *url = resolve_location(request->url, location);
    if (strncmp(request->url, "https:", 6) == 0 && strncmp(url, "https:", 6) != 0)
        return error_set(err, ERROR_INVALID,
                         "POST %.300s: opened an upload that is not reached by https", people);
    *out = take(&url);
    return true;
}

bool upload_open(const struct upload_target *target, const struct descriptor *blob,
                 const char *from, char **location, struct error *err)
{
    owned(text) struct text path = {0};

    text_addf(&path, "/v2/%s/blobs/uploads/", target->repository);
    if (from) {
        text_addf(&path, "?mount=%s&from=", digest_format(&blob->digest).text);
        text_add_escaped(&path, from, "/");
    }
    owned(memory) char *url = session_url(target->session, text_string(&path));
    owned(http_response) struct http_response response = {0};
    struct http_request request = {.method = "POST", .url = url};

    *location = NULL;
    if (!session_exchange(target->session, target->scope, &request, NULL, 0, &response, err))
        return false;
    if (from && response.status == 201)
        return true;
    if (response.status != 202)
        return session_error(target->session, &request, &response, err);
    return read_location(&request, &response, location, err);
}

bool upload_send(const struct upload_target *target, const struct descriptor *blob,
                 const char *location, struct source *bytes, struct error *err)
{
    owned(memory) char *url =
        text_format("%s%sdigest=%s", location, strchr(location, '?') ? "&" : "?",
                    digest_format(&blob->digest).text);
    owned(http_response) struct http_response response = {0};
    struct http_request request = {
        .method = "PUT",
        .url = url,
        .body = bytes,
        .body_size = blob->size,
        .silence_s = PUT_SILENCE_S,
    };

    http_add_header(&request, "Content-Type", "application/octet-stream");
    if (!session_exchange(target->session, target->scope, &request, NULL, 0, &response, err))
        return false;
    if (response.status != 201)
        return session_error(target->session, &request, &response, err);
    return true;
}
