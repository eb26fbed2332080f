/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/invocation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/wait.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

bool invocation_new_id(char **out, struct error *err)
{
    unsigned char random[16];
    char hex[2 * sizeof random + 1];

    if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
        return error_set_errno(err, "get random bytes");
    random[6] = (unsigned char)(0x40 | (random[6] & 0x0f)); /* RFC 9562: a random UUID */
    random[8] = (unsigned char)(0x80 | (random[8] & 0x3f));
    hex_encode(random, sizeof random, hex);
    *out = text_format("%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
    return true;
}

/* --- what went wrong -----------------------------------------------------------------------
 */

/* Lambda's name for it; NULL: nothing that Lambda would say something about. */
static const char *error_type(const struct invocation_end *end)
{
    if (end->entry_point_error)
        return "Runtime.InvalidEntrypoint";
    switch (end->outcome->end) {
    case RUNTIME_EXITED:
        return "Runtime.ExitError";
    case RUNTIME_TIMED_OUT:
        return "Sandbox.Timedout";
    case RUNTIME_READY:
    case RUNTIME_RESPONDED:
    case RUNTIME_FAILED:
    case RUNTIME_INIT_FAILED:
        break;
    }
    return NULL;
}

static char *exit_reason(int status)
{
    if (!WIFSIGNALED(status) && WEXITSTATUS(status) == 0)
        return memory_copy_string("Runtime exited without providing a reason");
    if (!WIFSIGNALED(status))
        return text_format("Runtime exited with error: exit status %d", WEXITSTATUS(status));
    char *reason =
        text_format("Runtime exited with error: signal: %s", strsignal(WTERMSIG(status)));
    char *name = strrchr(reason, ':') + 2;
    *name = (char)tolower((unsigned char)*name);
    return reason;
}

static char *error_reason(const struct invocation_end *end)
{
    if (end->entry_point_error)
        return memory_copy_string(end->entry_point_error);
    if (end->outcome->end == RUNTIME_TIMED_OUT)
        return text_format("Task timed out after %d.00 seconds", end->timeout_s);
    return exit_reason(end->wait_status);
}

static void log_trouble(const struct invocation_end *end, const char *request_id,
                        const char *reason, struct function_log *log)
{
    char when[32];
    struct tm parts;

    if (end->outcome->end == RUNTIME_TIMED_OUT) {
        gmtime_r(&end->now, &parts);
        strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &parts);
        function_log_addf(log, "%s.000Z %s %s\n\n", when, request_id, reason);
    } else {
        function_log_addf(log, "RequestId: %s Error: %s\n%s\n", request_id, reason,
                          error_type(end));
    }
}

void invocation_answer(const struct invocation_end *end, const char *request_id,
                       struct function_log *log, struct invocation *out)
{
    const struct runtime_outcome *outcome = end->outcome;
    const char *type = error_type(end);

    out->failed = type || outcome->end != RUNTIME_RESPONDED;
    if (!type) {
        out->payload = memory_new(outcome->count + 1, 1);
        if (outcome->count > 0)
            memcpy(out->payload, outcome->body, outcome->count);
        out->payload_count = outcome->count;
        return;
    }
    owned(memory) char *reason = error_reason(end);
    owned(memory) char *message = text_format("RequestId: %s Error: %s", request_id, reason);
    json_owned json_t *json = json_pack("{s:s, s:o}", "errorType", type, "errorMessage",
                                        json_lossy_string(message, strlen(message)));
    log_trouble(end, request_id, reason, log);
    out->payload = json_text(json);
    out->payload_count = strlen(out->payload);
}

/* --- the log's own lines -------------------------------------------------------------------
 */

/* How it ended, for those lines that tell; "" when well, or as the function says itself. */
static char *status_words(const struct invocation_end *end)
{
    const char *type = error_type(end);

    if (!end->entry_point_error && end->outcome->end == RUNTIME_TIMED_OUT)
        return memory_copy_string("\tStatus: timeout");
    if (!type && end->outcome->end == RUNTIME_INIT_FAILED)
        type = end->outcome->error_type ? end->outcome->error_type : "Runtime.Unknown";
    return type ? text_format("\tStatus: error\tError Type: %.100s", type)
                : memory_copy_string("");
}

void invocation_log_init(const struct invocation_end *end, const char *phase,
                         struct function_log *log)
{
    owned(memory) char *status = status_words(end);

    function_log_addf(log, "INIT_REPORT Init Duration: %.2f ms\tPhase: %s%s\n",
                      end->outcome->duration_ms, phase, status);
}

void invocation_log_start(const char *request_id, struct function_log *log)
{
    function_log_addf(log, "START RequestId: %s Version: $LATEST\n", request_id);
}

void invocation_log_end(const struct invocation_end *end, const char *request_id,
                        const struct invocation_report *report, struct function_log *log)
{
    owned(memory) char *status = status_words(end);
    owned(memory) char *init = report->init_ms < 0
                                   ? memory_copy_string("")
                                   : text_format("\tInit Duration: %.2f ms", report->init_ms);
    double billed_ms = report->duration_ms + (report->init_ms > 0 ? report->init_ms : 0);

    function_log_addf(log,
                      "END RequestId: %s\n"
                      "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %lld ms\t"
                      "Memory Size: %d MB\tMax Memory Used: %ld MB%s%s\n",
                      request_id, request_id, report->duration_ms, (long long)billed_ms + 1,
                      report->memory_mib, (report->peak_kib + 1023) / 1024, init, status);
}

char *invocation_log_tail(const char *log)
{
    size_t length = strlen(log);
    if (length <= INVOCATION_LOG_TAIL)
        return memory_copy_string(log);

    const char *tail = log + length - INVOCATION_LOG_TAIL;
    const char *line_end = strchr(tail, '\n');
    return memory_copy_string(line_end && line_end[1] ? line_end + 1 : tail);
}
