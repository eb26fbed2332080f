/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/serve.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "lambda/local/function_start.h"
#include "lambda/local/http_event.h"
#include "lambda/local/http_server.h"
#include "lambda/local/instance_pool.h"
#include "lambda/local/invocation.h"
#include "lambda/local/invoke_api.h"
#include "lambda/local/local_platform.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { JOBS_LIMIT = 1000 }; /* events that wait, of which many may be nobody's any more */

/* Many talk, one hears. */
struct shared_listener {
    struct log_listener listener;
    struct log_listener *inner;
    pthread_mutex_t mutex;
};

struct serve {
    struct serve_options options;
    struct local_function function;
    struct function_names names;
    struct shared_listener listener;
    struct instance_pool *pool;
    struct http_server *server;
    size_t job_count;
};

/* A request under way. */
struct serve_job {
    struct instance_job job;
    struct http_exchange *exchange; /* NULL: nobody waits for the answer */
    bool is_http;                   /* or Invoke */
    bool wants_log;
    char *request_id, *payload, *client_context; /* owned */
};

static void hear(struct log_listener *self, const char *lines, size_t count)
{
    struct shared_listener *shared = (struct shared_listener *)self;

    if (!shared->inner)
        return;
    pthread_mutex_lock(&shared->mutex);
    shared->inner->hear(shared->inner, lines, count);
    pthread_mutex_unlock(&shared->mutex);
}

static void job_free(struct serve *serve, struct serve_job *job)
{
    instance_result_release(&job->job.result);
    free(job->request_id);
    free(job->payload);
    free(job->client_context);
    free(job);
    serve->job_count--;
}

/* --- answers -------------------------------------------------------------------------------
 */

static void reply_json(struct http_exchange *exchange, int status, const char *fields,
                       const char *body, size_t count)
{
    const struct http_reply reply = {.status = status,
                                     .content_type = "application/json",
                                     .fields = fields,
                                     .body = body,
                                     .count = count};

    http_exchange_reply(exchange, &reply);
}

static void reply_refusal(struct http_exchange *exchange, const char *request_id,
                          const struct invoke_refusal *refusal)
{
    owned(memory) char *body = invoke_refusal_body(refusal);
    owned(memory) char *fields = invoke_refusal_fields(refusal, request_id);

    reply_json(exchange, refusal->status, fields, body, strlen(body));
}

static void reply_words(struct http_exchange *exchange, const char *request_id, int status,
                        const char *words)
{
    owned(memory) char *fields = invoke_id_fields(request_id);

    reply_json(exchange, status, fields, words, strlen(words));
}

static void reply_http(struct http_exchange *exchange, const struct instance_result *result)
{
    const struct invocation *invocation = &result->invocation;
    owned(http_answer) struct http_answer answer = {0};

    if (invocation->failed) {
        reply_words(exchange, invocation->request_id, 502, "Internal Server Error");
        return;
    }
    http_event_answer(invocation->payload, invocation->payload_count, result->content_type,
                      &answer);
    owned(memory) char *id = invoke_id_fields(invocation->request_id);
    text_add(&answer.fields, id);
    const struct http_reply reply = {.status = answer.status,
                                     .content_type = answer.content_type,
                                     .fields = answer.fields.bytes,
                                     .body = answer.body,
                                     .count = answer.count};
    http_exchange_reply(exchange, &reply);
}

static void reply_invoke(struct http_exchange *exchange, const struct instance_result *result,
                         bool wants_log)
{
    const struct invocation *invocation = &result->invocation;
    owned(memory) char *fields = invoke_answer_fields(invocation, wants_log);

    reply_json(exchange, 200, fields, invocation->payload, invocation->payload_count);
}

static void reply_trouble(const struct serve_job *job)
{
    const struct invoke_refusal refusal = {
        .status = 500,
        .type = "ServiceException",
        .message = "this machine could not run the function; skiff serve says why",
    };

    if (job->is_http)
        reply_words(job->exchange, job->request_id, 502, "Internal Server Error");
    else
        reply_refusal(job->exchange, job->request_id, &refusal);
}

static void finish_job(struct serve *serve, struct serve_job *job)
{
    const struct instance_result *result = &job->job.result;
    bool was_stopped = !job->job.succeeded && job->job.err.kind == ERROR_CONFLICT;

    if (job->job.succeeded)
        local_platform_keep_log(serve->options.platform, serve->options.name, result->log);
    else if (!was_stopped)
        progress_warn(serve->options.progress, "%s", job->job.err.text);

    if (!job->exchange)
        ; /* nobody asked to be told */
    else if (!job->job.succeeded)
        reply_trouble(job);
    else if (job->is_http)
        reply_http(job->exchange, result);
    else
        reply_invoke(job->exchange, result, job->wants_log);
    job_free(serve, job);
}

static void finish_jobs(struct serve *serve)
{
    struct instance_job *job;

    while ((job = instance_pool_take(serve->pool)))
        finish_job(serve, (struct serve_job *)job); /* it is its first member */
}

/* --- requests ------------------------------------------------------------------------------
 */

/* Takes the payload over. */
static struct serve_job *begin_job(struct serve *serve, const char *request_id, char *payload,
                                   size_t count)
{
    struct serve_job *job = memory_new(1, sizeof *job);

    job->request_id = memory_copy_string(request_id);
    job->payload = payload;
    job->job.event = (struct instance_event){
        .payload = payload, .count = count, .request_id = job->request_id};
    serve->job_count++;
    return job;
}

static void handle_invoke(struct serve *serve, struct http_exchange *exchange,
                          const char *request_id)
{
    const struct http_request *request = http_exchange_request(exchange);
    owned(invoke_call) struct invoke_call call = {0};
    struct invoke_refusal refusal;
    size_t count;

    if (!invoke_api_read(request, serve->options.name, serve->names.arn, &call, &refusal)) {
        reply_refusal(exchange, request_id, &refusal);
        return;
    }
    owned(memory) char *fields = invoke_id_fields(request_id);
    if (call.type == INVOKE_DRY) {
        http_exchange_reply(exchange, &(struct http_reply){.status = 204, .fields = fields});
        return;
    }
    char *payload = http_exchange_take_body(exchange, &count);
    if (count == 0) {
        free(payload);
        payload = memory_copy_string("{}");
        count = 2;
    }
    struct serve_job *job = begin_job(serve, request_id, payload, count);
    job->client_context = take(&call.client_context);
    job->job.event.client_context = job->client_context;
    job->wants_log = call.wants_log;
    if (call.type == INVOKE_ASYNC)
        http_exchange_reply(exchange, &(struct http_reply){.status = 202, .fields = fields});
    else
        job->exchange = exchange;
    instance_pool_add(serve->pool, &job->job);
}

static void handle_http(struct serve *serve, struct http_exchange *exchange,
                        const char *request_id)
{
    const struct http_event_place place = {
        .host = http_server_address(serve->server),
        .peer = http_exchange_peer(exchange),
        .request_id = request_id,
        .now = clock_now(serve->options.clock),
    };
    char *payload = http_event_make(http_exchange_request(exchange), &place);
    size_t count = strlen(payload);
    if (http_exchange_request(exchange)->body_size > LOCAL_PAYLOAD_LIMIT ||
        count > LOCAL_PAYLOAD_LIMIT) {
        free(payload);
        reply_words(exchange, request_id, 413, "{\"message\":\"Request Entity Too Large\"}");
        return;
    }
    struct serve_job *job = begin_job(serve, request_id, payload, count);
    job->exchange = exchange;
    job->is_http = true;
    instance_pool_add(serve->pool, &job->job);
}

static void handle(void *context, struct http_exchange *exchange)
{
    struct serve *serve = context;
    bool is_invoke = invoke_api_is_meant(http_exchange_request(exchange));
    owned(memory) char *request_id = NULL;
    struct error err;
    const struct invoke_refusal busy = {
        .status = 429, .type = "TooManyRequestsException", .message = "Rate Exceeded."};

    if (!invocation_new_id(&request_id, &err))
        reply_json(exchange, 500, NULL, "", 0);
    else if (serve->job_count >= JOBS_LIMIT)
        reply_refusal(exchange, request_id, &busy);
    else if (is_invoke)
        handle_invoke(serve, exchange, request_id);
    else
        handle_http(serve, exchange, request_id);
}

/* --- the service ---------------------------------------------------------------------------
 */

/* Sandboxes share this machine's ports, and a server wants its own: there is room for one. */
static bool count_instances(const struct serve *serve, size_t *out, struct error *err)
{
    int wanted = serve->options.instances;

    if (serve->function.record.is_server && wanted > 1)
        return error_set(
            err, ERROR_USAGE,
            "--concurrency %d: in mode http the function is a server, of which its "
            "port on this machine lets one run",
            wanted);
    if (wanted > 0)
        *out = (size_t)wanted;
    else
        *out = serve->function.record.is_server ? 1 : SERVE_INSTANCES;
    return true;
}

static bool open_parts(struct serve *serve, struct error *err)
{
    const struct serve_options *options = &serve->options;
    size_t instances = 0;
    const struct http_server_options server = {
        .address = options->address, .port = options->port, .handle = handle, .context = serve};

    if (!local_platform_function(options->platform, options->name, &serve->function, err) ||
        !count_instances(serve, &instances, err))
        return false;
    function_names_make(options->name, &serve->names);
    const struct instance_options instance = {
        .function = &serve->function.record,
        .image = serve->function.image,
        .place = &serve->function.place,
        .clock = options->clock,
        .listener = &serve->listener.listener,
    };
    return instance_pool_open(&instance, instances, &serve->pool, err) &&
           http_server_open(&server, &serve->server, err);
}

bool serve_open(const struct serve_options *options, struct serve **out, struct error *err)
{
    owned(serve) struct serve *serve = memory_new(1, sizeof *serve);

    serve->options = *options;
    serve->listener.listener.hear = hear;
    serve->listener.inner = options->listener;
    pthread_mutex_init(&serve->listener.mutex, NULL);
    if (!open_parts(serve, err))
        return false;
    *out = take(&serve);
    return true;
}

const char *serve_address(const struct serve *serve)
{
    return http_server_address(serve->server);
}

static void stop(struct serve *serve)
{
    if (!serve->pool)
        return;
    instance_pool_stop(serve->pool);
    finish_jobs(serve);
}

bool serve_run(struct serve *serve, int stop_fd, struct error *err)
{
    enum { STOP, DONE, WATCHED };
    bool is_stopped = false, quiet;

    while (!is_stopped) {
        struct pollfd watched[WATCHED] = {
            [STOP] = {.fd = stop_fd, .events = POLLIN},
            [DONE] = {.fd = instance_pool_fd(serve->pool), .events = POLLIN},
        };
        if (!http_server_wait(serve->server, watched, WATCHED, -1, &quiet, err))
            return false;
        if (watched[DONE].revents)
            finish_jobs(serve);
        is_stopped = watched[STOP].revents != 0;
    }
    stop(serve);
    return true;
}

void serve_free(struct serve *serve)
{
    if (!serve)
        return;
    stop(serve);
    http_server_free(serve->server);
    instance_pool_free(serve->pool);
    function_names_release(&serve->names);
    local_function_release(&serve->function);
    pthread_mutex_destroy(&serve->listener.mutex);
    free(serve);
}
