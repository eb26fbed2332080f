/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/scripted_aws.h"

#include <pthread.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "tests/support/unit.h"

enum { BODY_LIMIT = 1024 * 1024, NOW = 1440938160, ANSWERS_LIMIT = 64 };

static char access_key[] = "AKIDEXAMPLE";
static char secret_key[] = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
static char session_token[] = "session-token";
static const char *const environment[] = {"AWS_ENDPOINT_URL=http://127.0.0.1:1", NULL};
static const struct aws_settings settings = {.environment = environment};

struct scripted_aws {
    struct http http;
    struct clock clock;
    struct progress progress;
    struct credentials_keeper credentials;
    struct aws_state state;
    struct aws aws;
    const struct scripted_answer *script;
    bool given[ANSWERS_LIMIT]; /* of the script, where it is in any order */
    bool any_order;
    const struct scripted_answer *next;
    pthread_mutex_t lock; /* for everything here */
    unsigned int waited_ms;
    struct text bodies;
    struct text told;
    struct text headers;
};

#define CONTAINER(pointer, member)                                                             \
    ((struct scripted_aws *)((char *)(pointer)-offsetof(struct scripted_aws, member)))

static char *read_body(const struct http_request *request)
{
    owned(text) struct text body = {0};
    struct error err = {0};
    char buffer[4096];
    size_t count = 0;

    while (request->body) {
        assert_ok(source_read(request->body, buffer, sizeof buffer, &count, &err));
        if (count == 0)
            break;
        text_add_bytes(&body, buffer, count);
        assert_true(body.length <= BODY_LIMIT);
    }
    assert_int_equal(body.length, request->body_size);
    return text_take(&body);
}

static const char *note_headers(struct scripted_aws *scripted,
                                const struct http_request *request)
{
    const char *target = "";

    text_release(&scripted->headers);
    for (size_t i = 0; i < HTTP_HEADERS_LIMIT && request->headers[i].name; i++) {
        text_addf(&scripted->headers, "%s: %s\n", request->headers[i].name,
                  request->headers[i].value);
        if (strcmp(request->headers[i].name, "X-Amz-Target") == 0)
            target = request->headers[i].value;
    }
    return target;
}

static void answer_with(const struct scripted_answer *answer, const char *url,
                        struct http_response *out)
{
    const char *body = answer->body ? answer->body : "";

    *out = (struct http_response){.status = answer->status, .url = memory_copy_string(url)};
    out->headers = memory_new(SCRIPTED_HEADERS_LIMIT, sizeof *out->headers);
    for (size_t i = 0; i < SCRIPTED_HEADERS_LIMIT && answer->headers[i].name; i++)
        out->headers[out->header_count++] = (struct http_response_header){
            .name = memory_copy_string(answer->headers[i].name),
            .value = memory_copy_string(answer->headers[i].value),
        };
    out->body = memory_source(body, strlen(body));
}

/* The script's next answer to `asked`. */
static const struct scripted_answer *choose(struct scripted_aws *scripted, const char *asked)
{
    for (size_t i = 0; scripted->any_order && scripted->script[i].asked; i++) {
        assert_true(i < ANSWERS_LIMIT);
        if (scripted->given[i] || !strstr(asked, scripted->script[i].asked))
            continue;
        scripted->given[i] = true;
        while (scripted->next->asked && scripted->given[scripted->next - scripted->script])
            scripted->next++;
        return &scripted->script[i];
    }
    const struct scripted_answer *answer = scripted->next;
    if (!answer->asked)
        fail_msg("the script has ended, but was asked: %s", asked);
    if (!strstr(asked, answer->asked))
        fail_msg("the script expects '%s', but was asked: %s", answer->asked, asked);
    scripted->next++;
    return answer;
}

static bool exchange_locked(struct http *self, const struct http_request *request,
                            struct http_response *out, struct error *err)
{
    struct scripted_aws *scripted = CONTAINER(self, http);
    owned(memory) char *body = read_body(request);
    const char *target = note_headers(scripted, request);
    const char *path = strchr(request->url + strlen("http://"), '/');
    owned(memory) char *asked = text_format("%s %s %s %s", request->method, path, target, body);

    const struct scripted_answer *answer = choose(scripted, asked);
    text_addf(&scripted->bodies, "%s\n", body);
    if (answer->status == 0)
        return error_set(err, ERROR_NETWORK, "connection refused");
    answer_with(answer, request->url, out);
    return true;
}

static bool exchange(struct http *self, const struct http_request *request,
                     struct http_response *out, struct error *err)
{
    struct scripted_aws *scripted = CONTAINER(self, http);

    pthread_mutex_lock(&scripted->lock);
    bool exchanged = exchange_locked(self, request, out, err);
    pthread_mutex_unlock(&scripted->lock);
    return exchanged;
}

static void free_nothing(struct http *self)
{
    (void)self;
}

static time_t now(struct clock *self)
{
    return NOW + (time_t)(CONTAINER(self, clock)->waited_ms / 1000);
}

static void sleep_not(struct clock *self, unsigned int wait_ms)
{
    CONTAINER(self, clock)->waited_ms += wait_ms;
}

static void step(struct progress *self, const char *text)
{
    text_addf(&CONTAINER(self, progress)->told, "%s\n", text);
}

static void warn(struct progress *self, const char *text)
{
    text_addf(&CONTAINER(self, progress)->told, "warning: %s\n", text);
}

static const struct http_ops http_ops = {.exchange = exchange, .free = free_nothing};
static const struct clock_ops clock_ops = {.now = now, .sleep = sleep_not};
static const struct progress_ops progress_ops = {.step = step, .warn = warn};

struct scripted_aws *scripted_aws_new(const struct scripted_answer *script)
{
    struct scripted_aws *scripted = memory_new(1, sizeof *scripted);

    scripted->http.ops = &http_ops;
    scripted->clock.ops = &clock_ops;
    scripted->progress.ops = &progress_ops;
    scripted->script = script;
    scripted->next = script;
    credentials_keeper_init(&scripted->credentials, NULL);
    scripted->credentials.current.keys =
        (struct aws_credentials){access_key, secret_key, session_token};
    pthread_mutex_init(&scripted->lock, NULL);
    scripted->aws = (struct aws){
        .http = &scripted->http,
        .credentials = &scripted->credentials,
        .state = &scripted->state,
        .region = "eu-west-1",
        .settings = &settings,
        .clock = &scripted->clock,
        .progress = &scripted->progress,
    };
    return scripted;
}

void scripted_aws_free(struct scripted_aws *scripted)
{
    if (scripted->next->asked)
        fail_msg("nobody asked for '%s'", scripted->next->asked);
    text_release(&scripted->bodies);
    text_release(&scripted->told);
    text_release(&scripted->headers);
    pthread_mutex_destroy(&scripted->lock);
    free(scripted);
}

void scripted_aws_in_any_order(struct scripted_aws *scripted)
{
    scripted->any_order = true;
}

struct aws *scripted_aws_ask(struct scripted_aws *scripted)
{
    return &scripted->aws;
}

const char *scripted_aws_bodies(const struct scripted_aws *scripted)
{
    return text_string(&scripted->bodies);
}

const char *scripted_aws_told(const struct scripted_aws *scripted)
{
    return text_string(&scripted->told);
}

const char *scripted_aws_headers(const struct scripted_aws *scripted)
{
    return text_string(&scripted->headers);
}

unsigned int scripted_aws_waited_ms(const struct scripted_aws *scripted)
{
    return scripted->waited_ms;
}
