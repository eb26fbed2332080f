/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/log_events.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/functions.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    PAGES_LIMIT = 100000,
    FOLLOW_PAUSE_MS = 2000,
    FOLLOW_WINDOW_MS = 30 * 1000, /* so late a line may come */
};

/* One reading under way. All borrowed but for what says otherwise. */
struct reading {
    const struct aws *aws;
    const struct platform_log_wish *wish;
    const char *function;
    char *group; /* owned */
    char
        *streams; /* owned: in the names of the function's, in a group of more; NULL: all are */
    json_int_t since_ms;
    json_t *seen; /* owned: times by event id, where following; else NULL */
};

static inline void reading_cleanup(struct reading *reading)
{
    free(reading->group);
    free(reading->streams);
    json_decref(reading->seen);
}

static json_int_t time_of(const json_t *event)
{
    return json_integer_value(json_object_get(event, "timestamp"));
}

static const char *text_of(const json_t *event, const char *name)
{
    const char *text = json_optional_string(event, name);

    return text ? text : "";
}

/* --- asking --- */

static bool ask_page(const struct reading *reading, const json_t *question, const char *token,
                     json_t **page, struct error *err)
{
    const struct aws_call call = {
        .service = "logs",
        .operation = "FilterLogEvents",
        .target = "Logs_20140328",
    };
    json_owned json_t *body = json_copy((json_t *)question);

    json_object_set_new(body, "logGroupName", json_string(reading->group));
    if (token)
        json_object_set_new(body, "nextToken", json_string(token));
    if (aws_ask(reading->aws, &call, body, page, NULL, err))
        return true;
    if (err->kind == ERROR_NOT_FOUND)
        return error_set(err, ERROR_NOT_FOUND,
                         "function '%.80s' has no log group '%.200s' in region %s, or no such "
                         "stream in it",
                         reading->function, reading->group, reading->aws->region);
    return false;
}

/* Lambda begins with the day: "2026/01/31/[$LATEST]…", "2026/01/31/name[$LATEST]…" in a group
 * of the user's own. */
static bool is_of_function(const struct reading *reading, const json_t *event)
{
    return !reading->streams ||
           strstr(text_of(event, "logStreamName"), reading->streams) != NULL;
}

/* Pages may be empty, and the last one has no token. */
static bool each_event(const struct reading *reading, const json_t *question,
                       bool (*visit)(void *context, const json_t *event, struct error *err),
                       void *context, struct error *err)
{
    owned(memory) char *token = NULL;

    for (int pages = 0; pages < PAGES_LIMIT; pages++) {
        json_owned json_t *page = NULL;
        json_t *events = NULL;
        const json_t *event = NULL;
        size_t i;
        if (!ask_page(reading, question, token, &page, err) ||
            !json_field_array(page, "events", &events, err))
            return false;
        json_array_foreach(events, i, event)
        {
            if (is_of_function(reading, event) && !visit(context, event, err))
                return false;
        }
        const char *next = json_optional_string(page, "nextToken");
        if (!next || !*next)
            return true;
        free(token);
        token = memory_copy_string(next);
    }
    return error_set(err, ERROR_LIMIT, "more than %d pages of log: say --since", PAGES_LIMIT);
}

static bool tell(const struct reading *reading, const json_t *event, struct error *err)
{
    const struct platform_log_event told = {
        .time_ms = time_of(event),
        .stream = text_of(event, "logStreamName"),
        .message = text_of(event, "message"),
    };

    return reading->wish->listen(reading->wish->context, &told, err);
}

static json_t *question_of(const struct reading *reading)
{
    json_t *question = json_pack("{s:I}", "startTime", reading->since_ms);

    if (reading->wish->stream)
        json_object_set_new(question, "logStreamNames",
                            json_pack("[s]", reading->wish->stream));
    return question;
}

/* --- all of it, and what comes --- */

static bool tell_new(void *context, const json_t *event, struct error *err)
{
    struct reading *reading = context;
    const char *id = text_of(event, "eventId");

    if (reading->seen && json_object_get(reading->seen, id))
        return true;
    if (reading->seen)
        json_object_set_new(reading->seen, id, json_integer(time_of(event)));
    return tell(reading, event, err);
}

/* What is older is not asked for again. */
static void forget_old(struct reading *reading)
{
    const char *id;
    json_t *time;
    void *next;
    json_int_t newest = 0;

    json_object_foreach(reading->seen, id, time) if (json_integer_value(time) > newest) newest =
        json_integer_value(time);
    if (newest - FOLLOW_WINDOW_MS > reading->since_ms)
        reading->since_ms = newest - FOLLOW_WINDOW_MS;
    json_object_foreach_safe(reading->seen, next, id,
                             time) if (json_integer_value(time) < reading->since_ms)
        json_object_del(reading->seen, id);
}

static bool read_all(struct reading *reading, struct error *err)
{
    for (;;) {
        json_owned json_t *question = question_of(reading);
        if (!each_event(reading, question, tell_new, reading, err))
            return false;
        if (!reading->seen)
            return true;
        forget_old(reading);
        clock_sleep(reading->aws->clock, FOLLOW_PAUSE_MS);
    }
}

/* --- one invocation --- */

/* The events that name it, first and last; owned. */
struct span {
    json_t *first;
    json_t *last;
    const struct reading *reading;
    bool is_within;
    bool is_over;
};

static inline void span_cleanup(struct span *span)
{
    json_decref(span->first);
    json_decref(span->last);
}

static bool note_naming(void *context, const json_t *event, struct error *err)
{
    struct span *span = context;
    (void)err;

    if (!span->first)
        span->first = json_incref((json_t *)event);
    json_decref(span->last);
    span->last = json_incref((json_t *)event);
    return true;
}

static bool is_same(const json_t *a, const json_t *b)
{
    return strcmp(text_of(a, "eventId"), text_of(b, "eventId")) == 0;
}

static bool tell_within(void *context, const json_t *event, struct error *err)
{
    struct span *span = context;

    span->is_within = span->is_within || is_same(event, span->first);
    if (!span->is_within || span->is_over)
        return true;
    span->is_over = is_same(event, span->last);
    return tell(span->reading, event, err);
}

static bool read_invocation(const struct reading *reading, struct error *err)
{
    owned(span) struct span span = {.reading = reading};
    json_owned json_t *naming = question_of(reading);

    json_object_set_new(naming, "filterPattern",
                        json_sprintf("\"%s\"", reading->wish->request_id));
    if (!each_event(reading, naming, note_naming, &span, err))
        return false;
    if (!span.first)
        return error_set(err, ERROR_NOT_FOUND,
                         "no line in '%.200s' names request '%.80s'; it takes a few seconds "
                         "for one to arrive",
                         reading->group, reading->wish->request_id);
    json_owned json_t *within = json_pack("{s:I, s:I, s:[s]}", "startTime", time_of(span.first),
                                          "endTime", time_of(span.last) + 1, "logStreamNames",
                                          text_of(span.first, "logStreamName"));
    return each_event(reading, within, tell_within, &span, err);
}

bool log_events_read(const struct aws *aws, const char *name,
                     const struct platform_log_wish *wish, struct error *err)
{
    json_owned json_t *function = NULL;

    if (!functions_get(aws, name, &function, err))
        return false;
    const json_t *configuration = json_object_get(function, "Configuration");
    const char *given =
        json_optional_string(json_object_get(configuration, "LoggingConfig"), "LogGroup");
    char *usual = text_format("/aws/lambda/%s", name);
    bool is_shared = given && strcmp(given, usual) != 0;
    owned(reading) struct reading reading = {
        .aws = aws,
        .wish = wish,
        .function = name,
        .group = is_shared ? memory_copy_string(given) : usual,
        .streams = is_shared ? text_format("/%s[", name) : NULL,
        .since_ms = (json_int_t)wish->since * 1000,
        .seen = wish->follow ? json_object() : NULL,
    };
    if (is_shared)
        free(usual);
    return wish->request_id ? read_invocation(&reading, err) : read_all(&reading, err);
}
