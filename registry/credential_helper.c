/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/credential_helper.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/printable.h"
#include "oci/base/program.h"
#include "oci/base/text.h"

enum {
    OUTPUT_LIMIT = 64 * 1024, /* bytes */
    LIMIT_MS = 120 * 1000,    /* it may be asking the user for something */
    NAME_LIMIT = 100,
};

/* What the user's name is when the secret is an identity token. */
static const char TOKEN_USER[] = "<token>";

static const struct registry_login nobody;

/* A file's name and nothing that leads elsewhere. */
static bool is_name(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789._-");

    return length > 0 && length <= NAME_LIMIT && !name[length];
}

struct answer {
    char *text; /* owned */
    size_t count;
    int status;
};

static void answer_cleanup(struct answer *answer)
{
    free(answer->text);
}

static bool ask(const char *const *environment, const char *name, const char *verb,
                const char *input, struct answer *out, struct error *err)
{
    if (!is_name(name))
        return error_set(err, ERROR_INVALID, "'%.80s' is no name of a credential helper", name);

    owned(memory) char *program_name = text_format("docker-credential-%s", name);
    owned(memory) char *path = program_find(environment, program_name);
    if (!path)
        return error_set(err, ERROR_SYSTEM,
                         "the logins are kept by %s, which is not in PATH: install it, or take "
                         "'%.80s' out of credsStore and credHelpers",
                         program_name, name);
    const char *const arguments[] = {program_name, verb, NULL};
    const struct program program = {
        .path = path,
        .arguments = arguments,
        .environment = environment,
        .input = input,
        .output_limit = OUTPUT_LIMIT,
        .limit_ms = LIMIT_MS,
    };
    return program_run(&program, &out->text, &out->count, &out->status, err);
}

static bool knows_none(const struct answer *answer)
{
    return answer->status != 0 && strstr(answer->text, "credentials not found");
}

/* The first line it said, unless that looks like what it keeps. */
static bool refusal(const char *name, const char *verb, const struct answer *answer,
                    const struct registry_login *login, struct error *err)
{
    char *line = answer->text;
    line[strcspn(line, "\r\n")] = '\0';
    printable_make(line);

    bool is_quotable = *line && !strchr(line, '{') && !registry_login_tells(login, line);
    return error_set(err, ERROR_DENIED,
                     "docker-credential-%.80s %s ended with status %d%s%.200s; run it by hand "
                     "to see why",
                     name, verb, answer->status, is_quotable ? ": " : "",
                     is_quotable ? line : "");
}

static bool read_login(const char *answer, size_t count, struct registry_login *out,
                       struct error *err)
{
    owned(registry_login) struct registry_login login = {0};
    json_owned json_t *json = NULL;
    const char *user;
    const char *secret;

    if (!json_parse(answer, count, &json, err) ||
        !json_field_string(json, "Username", &user, err) ||
        !json_field_string(json, "Secret", &secret, err))
        return false;
    if (!*secret)
        return true;
    if (strcmp(user, TOKEN_USER) == 0) {
        login.identity_token = memory_copy_string(secret);
    } else if (*user) {
        login.user = memory_copy_string(user);
        login.password = memory_copy_string(secret);
    }
    if (!registry_login_check(&login, err))
        return false;
    *out = login;
    login = (struct registry_login){0};
    return true;
}

bool credential_helper_get(const char *const *environment, const char *name, const char *server,
                           struct registry_login *out, struct error *err)
{
    owned(answer) struct answer answer = {0};

    if (!ask(environment, name, "get", server, &answer, err))
        return false;
    if (knows_none(&answer))
        return true;
    if (answer.status != 0)
        return refusal(name, "get", &answer, &nobody, err);
    if (!read_login(answer.text, answer.count, out, err))
        return error_wrap(err, "answer of docker-credential-%.80s", name);
    return true;
}

bool credential_helper_store(const char *const *environment, const char *name,
                             const char *server, const struct registry_login *login,
                             struct error *err)
{
    json_owned json_t *json = json_pack("{s:s, s:s, s:s}", "ServerURL", server, "Username",
                                        login->user, "Secret", login->password);
    owned(answer) struct answer answer = {0};

    if (!json)
        return error_set(err, ERROR_INVALID,
                         "the login is not UTF-8, and helpers take nothing "
                         "else");
    owned(memory) char *input = json_text(json);
    if (!ask(environment, name, "store", input, &answer, err))
        return false;
    return answer.status == 0 || refusal(name, "store", &answer, login, err);
}

bool credential_helper_erase(const char *const *environment, const char *name,
                             const char *server, bool *erased, struct error *err)
{
    owned(answer) struct answer answer = {0};

    if (!ask(environment, name, "erase", server, &answer, err))
        return false;
    *erased = answer.status == 0;
    return answer.status == 0 || knows_none(&answer) ||
           refusal(name, "erase", &answer, &nobody, err);
}
