/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/server_client.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lambda/supervisor/runtime_client.h"
#include "oci/base/memory.h"

bool server_client_can_connect(int port)
{
    const struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected =
        fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) == 0;

    if (fd >= 0)
        close(fd);
    return connected;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct server_answer *answer = context;

    if (count > RESPONSE_LIMIT - answer->body.length)
        return CURL_WRITEFUNC_ERROR;
    text_add_bytes(&answer->body, bytes, size * count);
    return size * count;
}

static size_t take_line(char *bytes, size_t size, size_t count, void *context)
{
    server_answer_add_line(context, bytes, size * count);
    return size * count;
}

static struct curl_slist *add_line(struct curl_slist *lines, const char *name,
                                   const char *value)
{
    /* libcurl's way to write a header with nothing in it. */
    owned(memory) char *line =
        text_format("%s%s%s", name, *value ? ": " : ";", *value ? value : "");

    return curl_slist_append(lines, line);
}

/* All of them, and none of libcurl's own. */
static struct curl_slist *list_headers(const struct request *request)
{
    static const char *const own[] = {"Accept", "Content-Type"};
    struct curl_slist *lines = curl_slist_append(NULL, "Expect:");

    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        owned(memory) char *none = text_format("%s:", own[i]);
        if (!request_header(request, own[i]))
            lines = curl_slist_append(lines, none);
    }
    for (size_t i = 0; i < request->header_count; i++)
        lines = add_line(lines, request->headers[i].name, request->headers[i].value);
    return lines;
}

/* A load balancer's GET has a body, an empty one. */
static bool has_body(const struct request *request)
{
    static const char *const methods[] = {"POST", "PUT", "PATCH"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (strcmp(request->method, methods[i]) == 0)
            return true;
    return request->body_count > 0;
}

static void prepare(CURL *curl, int port, const struct request *request,
                    struct server_answer *answer)
{
    owned(memory) char *url = text_format("http://127.0.0.1:%d/", port);

    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_REQUEST_TARGET, request->target);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the image's http_proxy says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_line);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, answer);
    if (strcmp(request->method, "HEAD") == 0) {
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L); /* else it waits for one in the answer */
    } else if (has_body(request)) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body_count);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, request->body ? request->body : "");
    }
    curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, request->method);
}

static bool explain(const struct request *request, CURLcode result, const char *reason,
                    enum server_silence *why, struct error *err)
{
    *why = result == CURLE_OPERATION_TIMEDOUT ? SERVER_TOO_SLOW
           : result == CURLE_WRITE_ERROR      ? SERVER_TOO_MUCH
                                              : SERVER_BROKE_OFF;
    if (*why == SERVER_TOO_MUCH)
        return error_set(err, ERROR_NETWORK,
                         "%s %.200s: the answer has more than the %d bytes Lambda takes",
                         request->method, request->target, RESPONSE_LIMIT);
    return error_set(err, ERROR_NETWORK, "%s %.200s: %.200s", request->method, request->target,
                     *reason ? reason : curl_easy_strerror(result));
}

bool server_client_exchange(int port, const struct request *request, int64_t limit_ms,
                            struct server_answer *answer, enum server_silence *why,
                            struct error *err)
{
    char reason[CURL_ERROR_SIZE] = "";
    CURL *curl = curl_easy_init();
    if (!curl)
        abort(); /* out of memory is its only reason */

    struct curl_slist *headers = list_headers(request);
    prepare(curl, port, request, answer);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)limit_ms);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, reason);
    CURLcode result = curl_easy_perform(curl);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    answer->status = (int)status;
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return result == CURLE_OK || explain(request, result, reason, why, err);
}
