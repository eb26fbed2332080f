/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/runtime_client.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/supervisor/curl_parts.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    CONNECT_TIMEOUT_S = 10,
    ANSWER_TIMEOUT_S = 60, /* asking for the next event has none */
    REQUEST_ID_LIMIT = 128,
};

struct runtime_client {
    CURL *curl;
    char *base; /* "http://host:port/2018-06-01/runtime" */
    char reason[CURL_ERROR_SIZE];
};

/* What one exchange brings back. */
struct reply {
    struct text body;
    struct invocation *invocation; /* NULL: its headers do not matter */
};

void invocation_release(struct invocation *invocation)
{
    free(invocation->request_id);
    free(invocation->trace_id);
    free(invocation->event);
    *invocation = (struct invocation){0};
}

static size_t take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;

    if (count > EVENT_LIMIT - reply->body.length)
        return CURL_WRITEFUNC_ERROR;
    text_add_bytes(&reply->body, bytes, size * count);
    return size * count;
}

static void replace(char **variable, char *value)
{
    if (!value)
        return;
    free(*variable);
    *variable = value;
}

static size_t take_header(char *bytes, size_t size, size_t count, void *context)
{
    struct invocation *invocation = ((struct reply *)context)->invocation;
    if (!invocation)
        return size * count;

    owned(memory) char *deadline =
        curl_parts_header(bytes, count, "Lambda-Runtime-Deadline-Ms");
    if (deadline)
        invocation->deadline_ms = strtoll(deadline, NULL, 10);
    replace(&invocation->request_id,
            curl_parts_header(bytes, count, "Lambda-Runtime-Aws-Request-Id"));
    replace(&invocation->trace_id, curl_parts_header(bytes, count, "Lambda-Runtime-Trace-Id"));
    return size * count;
}

struct runtime_client *runtime_client_new(const char *api)
{
    struct runtime_client *client = memory_new(1, sizeof *client);

    curl_global_init(CURL_GLOBAL_NOTHING);
    client->curl = curl_easy_init();
    if (!client->curl)
        abort(); /* out of memory is its only reason */
    client->base = text_format("http://%s/2018-06-01/runtime", api);
    return client;
}

void runtime_client_free(struct runtime_client *client)
{
    if (!client)
        return;
    curl_easy_cleanup(client->curl);
    free(client->base);
    free(client);
}

static void prepare(struct runtime_client *client, const char *url, struct reply *reply)
{
    CURL *curl = client->curl;

    curl_easy_reset(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the image's http_proxy says */
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, client->reason);
    curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, curl_parts_socket);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, reply);
    curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(curl, CURLOPT_HEADERDATA, reply);
    client->reason[0] = '\0';
}

/* Sends what was prepared. */
static bool perform(struct runtime_client *client, const char *path, const struct reply *reply,
                    struct error *err)
{
    CURLcode result = curl_easy_perform(client->curl);
    long status = 0;
    curl_easy_getinfo(client->curl, CURLINFO_RESPONSE_CODE, &status);

    if (result == CURLE_WRITE_ERROR)
        return error_set(err, ERROR_LIMIT, "Runtime API: %s: more than %d bytes", path,
                         EVENT_LIMIT);
    if (result != CURLE_OK)
        return error_set(err, ERROR_NETWORK, "Runtime API: %s%s: %s", client->base, path,
                         client->reason[0] ? client->reason : curl_easy_strerror(result));
    if (status / 100 != 2)
        /* Lambda's 4xx is about this answer; its 5xx means that nothing will work again. */
        return error_set(err, status / 100 == 4 ? ERROR_INVALID : ERROR_NETWORK,
                         "Runtime API: %s: status %ld: %.300s", path, status,
                         text_string(&reply->body));
    return true;
}

static bool request_id_is_plain(const char *id)
{
    size_t length = id ? strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                    "0123456789-")
                       : 0;

    return length > 0 && length <= REQUEST_ID_LIMIT && id[length] == '\0';
}

bool runtime_client_next(struct runtime_client *client, struct invocation *out,
                         struct error *err)
{
    static const char PATH[] = "/invocation/next";
    owned(invocation) struct invocation invocation = {0};
    struct reply reply = {.invocation = &invocation};
    owned(memory) char *url = text_format("%s%s", client->base, PATH);

    prepare(client, url, &reply);
    bool performed = perform(client, PATH, &reply, err);
    invocation.event_count = reply.body.length;
    invocation.event = text_take(&reply.body);
    if (!performed)
        return false;
    if (!request_id_is_plain(invocation.request_id))
        return error_set(err, ERROR_INVALID, "Runtime API: %s: '%.80s' is no request id", PATH,
                         invocation.request_id ? invocation.request_id : "");

    *out = invocation;
    invocation = (struct invocation){0};
    return true;
}

static bool post(struct runtime_client *client, const char *path, const char *error_type,
                 const char *json, size_t count, struct error *err)
{
    struct reply reply = {0};
    owned(memory) char *url = text_format("%s%s", client->base, path);
    owned(memory) char *type =
        text_format("Lambda-Runtime-Function-Error-Type: %s", error_type ? error_type : "");

    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:"); /* no second round trip for large bodies */
    if (error_type)
        headers = curl_slist_append(headers, type);
    prepare(client, url, &reply);
    curl_easy_setopt(client->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)count);
    curl_easy_setopt(client->curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(client->curl, CURLOPT_TIMEOUT, (long)ANSWER_TIMEOUT_S);
    bool posted = perform(client, path, &reply, err);
    curl_slist_free_all(headers);
    text_release(&reply.body);
    return posted;
}

bool runtime_client_respond(struct runtime_client *client, const char *request_id,
                            const char *json, size_t count, struct error *err)
{
    owned(memory) char *path = text_format("/invocation/%s/response", request_id);

    return post(client, path, NULL, json, count, err);
}

bool runtime_client_fail(struct runtime_client *client, const char *request_id,
                         const char *type, const char *message, struct error *err)
{
    owned(memory) char *path = request_id ? text_format("/invocation/%s/error", request_id)
                                          : memory_copy_string("/init/error");
    json_owned json_t *body = json_object();
    json_object_set_new(body, "errorMessage", json_lossy_string(message, strlen(message)));
    json_object_set_new(body, "errorType", json_string(type));
    json_object_set_new(body, "stackTrace", json_array());
    if (request_id)
        json_object_set_new(body, "requestId", json_string(request_id));
    owned(memory) char *json = json_text(body);

    return post(client, path, type, json, strlen(json), err);
}
