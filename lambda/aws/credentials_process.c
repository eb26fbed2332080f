/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lambda/aws/credentials_read.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/program.h"
#include "oci/base/text.h"

enum {
    WORDS_LIMIT = 64,
    PROCESS_LIMIT_MS = 120 * 1000, /* it may be asking the user for something */
    PROCESS_VERSION = 1,
};

/* A command line, cut where a shell would cut it; nothing in it is expanded. */
struct words {
    char *list[WORDS_LIMIT + 1]; /* owned, ended by NULL */
    size_t count;
};

static void words_cleanup(struct words *words)
{
    for (size_t i = 0; i < words->count; i++)
        free(words->list[i]);
}

/* Adds what is in quotes, up to their end; NULL where they do not end. */
static const char *add_quoted(struct text *word, const char *at)
{
    char quote = *at++;

    for (; *at && *at != quote; at++) {
        if (quote == '"' && *at == '\\' && (at[1] == '"' || at[1] == '\\'))
            at++;
        text_add_bytes(word, at, 1);
    }
    return *at ? at + 1 : NULL;
}

static bool split_words(const char *line, struct words *out, struct error *err)
{
    static const char blanks[] = " \t\r\n";

    for (const char *at = line + strspn(line, blanks); *at; at += strspn(at, blanks)) {
        owned(text) struct text word = {0};
        if (out->count == WORDS_LIMIT)
            return error_set(err, ERROR_LIMIT, "more than %d words", WORDS_LIMIT);
        while (*at && !strchr(blanks, *at)) {
            if (*at == '\'' || *at == '"') {
                at = add_quoted(&word, at);
                if (!at)
                    return error_set(err, ERROR_INVALID, "a quotation mark is missing");
                continue;
            }
            at += *at == '\\' && at[1];
            text_add_bytes(&word, at++, 1);
        }
        out->list[out->count++] = memory_copy_string(text_string(&word));
    }
    return out->count > 0 || error_set(err, ERROR_INVALID, "it names no program");
}

static bool run(const struct aws_settings *settings, struct words *words, char **output,
                size_t *count, struct error *err)
{
    static const char *const nothing[] = {NULL};
    const char *const *environment = settings->environment ? settings->environment : nothing;
    const char *name = words->list[0];
    owned(memory) char *path =
        strchr(name, '/') ? memory_copy_string(name) : program_find(environment, name);
    int status;

    if (!path)
        return error_set(err, ERROR_NOT_FOUND, "no program '%.80s' in PATH", name);
    const struct program program = {
        .path = path,
        .arguments = (const char *const *)words->list,
        .environment = environment,
        .output_limit = CREDENTIALS_ANSWER_LIMIT,
        .limit_ms = PROCESS_LIMIT_MS,
    };
    if (!program_run(&program, output, count, &status, err))
        return false;
    return status == 0 ||
           error_set(err, ERROR_DENIED,
                     "'%.80s' ended with status %d; run it by hand to see why", name, status);
}

static bool read_output(const char *output, size_t count, struct credentials *out,
                        struct error *err)
{
    json_owned json_t *json = NULL;
    struct error not_json;
    uint64_t version;

    /* What it is instead may have a secret in it. */
    if (!json_parse(output, count, &json, &not_json))
        return error_set(err, ERROR_INVALID, "the answer is not JSON");
    if (!json_field_size(json, "Version", &version, err))
        return false;
    if (version != PROCESS_VERSION)
        return error_set(err, ERROR_INVALID, "the answer has version %llu, not %d",
                         (unsigned long long)version, PROCESS_VERSION);
    return credentials_read_json(json, "SessionToken", out, err);
}

static void forget(char **output)
{
    if (*output)
        explicit_bzero(*output, strlen(*output));
    free(*output);
}

bool credentials_from_process(const struct credentials_sources *sources,
                              struct credentials *out, bool *found, struct error *err)
{
    const struct profile *profile = &sources->profile;
    owned(memory) char *line = profile_get(profile, "credential_process");
    owned(words) struct words words = {0};
    char *output __attribute__((cleanup(forget))) = NULL;
    size_t count = 0;

    if (!line)
        return true;
    if (!split_words(line, &words, err) ||
        !run(sources->settings, &words, &output, &count, err) ||
        !read_output(output, count, out, err)) {
        err->kind = ERROR_DENIED;
        return error_wrap(err, "credential_process of profile '%.80s'", profile->name);
    }
    out->origin = text_format("credential_process of profile '%s'", profile->name);
    *found = true;
    return true;
}
