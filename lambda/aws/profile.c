/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/profile.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/environment.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* A piece of a line, without the blanks around it. */
struct piece {
    const char *start;
    size_t length;
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct piece trimmed(const char *start, size_t length)
{
    while (length > 0 && is_blank(*start)) {
        start++;
        length--;
    }
    while (length > 0 && is_blank(start[length - 1]))
        length--;
    return (struct piece){start, length};
}

static bool piece_is(struct piece piece, const char *text)
{
    return piece.length == strlen(text) && strncasecmp(piece.start, text, piece.length) == 0;
}

/* Which sections are looked for: those called "<kind> <name>", or just "<name>". */
struct section {
    const char *kind; /* NULL for none */
    const char *name;
};

static struct piece unquoted(struct piece name)
{
    bool quoted = name.length >= 2 && (*name.start == '"' || *name.start == '\'') &&
                  name.start[name.length - 1] == *name.start;

    return quoted ? (struct piece){name.start + 1, name.length - 2} : name;
}

/* "[ profile  work ]" is the same section as "[profile work]". */
static bool is_section(struct piece line, const struct section *section)
{
    const char *end = memchr(line.start, ']', line.length);
    if (!end)
        return false;

    struct piece name = trimmed(line.start + 1, (size_t)(end - line.start) - 1);
    if (section->kind) {
        size_t length = strlen(section->kind);
        if (name.length <= length || memcmp(name.start, section->kind, length) != 0 ||
            !is_blank(name.start[length]))
            return false;
        name = unquoted(trimmed(name.start + length, name.length - length));
    }
    return name.length == strlen(section->name) &&
           memcmp(name.start, section->name, name.length) == 0;
}

/* The value as it is meant: up to a comment, which a blank must precede. */
static struct piece value_of(const char *start, size_t length)
{
    for (size_t i = 1; i < length; i++)
        if ((start[i] == '#' || start[i] == ';') && is_blank(start[i - 1])) {
            length = i;
            break;
        }
    return trimmed(start, length);
}

/* What a line says, "key = value"; nothing for comments. */
struct setting {
    bool is_indented;
    struct piece key; /* empty: no setting */
    struct piece value;
};

static struct setting read_setting(const char *line, size_t length)
{
    const char *equals = memchr(line, '=', length);
    struct piece whole = trimmed(line, length);

    if (!equals || whole.length == 0 || *whole.start == '#' || *whole.start == ';')
        return (struct setting){0};
    return (struct setting){
        .is_indented = is_blank(*line),
        .key = trimmed(line, (size_t)(equals - line)),
        .value = value_of(equals + 1, length - (size_t)(equals + 1 - line)),
    };
}

/* What is looked for in a section. */
struct question {
    const char *group; /* the key it is indented under; NULL: none */
    const char *key;   /* NULL: the section itself */
};

/* Finds the section and in it the key; its value is "" for the section itself. Indented lines
 * belong to the key above them. */
static bool find(const char *text, struct section section, struct question question,
                 struct piece *out)
{
    bool inside = false;
    bool in_group = false;

    for (; text && *text; text += strcspn(text, "\n"), text += *text == '\n') {
        size_t length = strcspn(text, "\n");
        struct piece line = trimmed(text, length);
        if (line.length > 0 && *line.start == '[') {
            inside = is_section(line, &section);
            in_group = false;
            *out = (struct piece){text, 0};
            if (inside && !question.key)
                return true;
            continue;
        }
        struct setting setting = read_setting(text, length);
        if (!inside || !question.key || setting.key.length == 0)
            continue;
        *out = setting.value;
        if (setting.is_indented ? in_group : !question.group)
            if (piece_is(setting.key, question.key))
                return true;
        if (!setting.is_indented)
            in_group = question.group && piece_is(setting.key, question.group);
    }
    return false;
}

static bool read_file(const char *const *environment, const char *variable, const char *name,
                      char **path, char **text, struct error *err)
{
    const char *named = environment_get(environment, variable);
    const char *home = environment_get(environment, "HOME");
    struct error missing;
    size_t count;

    *path = named  ? memory_copy_string(named)
            : home ? text_format("%s/.aws/%s", home, name)
                   : memory_copy_string("");
    /* Naming /dev/null is how people say that there is no file. */
    bool nowhere = !**path || strcmp(*path, "/dev/null") == 0;
    if (!nowhere && file_read(*path, PROFILE_FILE_LIMIT, text, &count, &missing))
        return true;
    if (!nowhere && missing.kind != ERROR_NOT_FOUND) {
        *err = missing;
        return false;
    }
    *text = memory_copy_string("");
    return true;
}

bool profile_files_open(const char *const *environment, struct profile_files *out,
                        struct error *err)
{
    owned(profile_files) struct profile_files files = {0};

    if (!read_file(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials",
                   &files.credentials_path, &files.credentials, err) ||
        !read_file(environment, "AWS_CONFIG_FILE", "config", &files.config_path, &files.config,
                   err))
        return false;
    *out = files;
    files = (struct profile_files){0};
    return true;
}

static void forget(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}

void profile_files_release(struct profile_files *files)
{
    free(files->credentials_path);
    free(files->config_path);
    forget(files->credentials);
    forget(files->config);
    *files = (struct profile_files){0};
}

static bool find_in_credentials(const struct profile *profile, const char *key,
                                struct piece *out)
{
    return find(profile->files->credentials, (struct section){NULL, profile->name},
                (struct question){NULL, key}, out);
}

/* In the configuration file only the default profile goes without the word. */
static bool find_in_config(const struct profile *profile, const char *key, struct piece *out)
{
    const char *config = profile->files->config;
    struct question question = {NULL, key};

    return find(config, (struct section){"profile", profile->name}, question, out) ||
           (strcmp(profile->name, "default") == 0 &&
            find(config, (struct section){NULL, "default"}, question, out));
}

bool profile_exists(const struct profile *profile)
{
    struct piece nothing;

    return find_in_credentials(profile, NULL, &nothing) ||
           find_in_config(profile, NULL, &nothing);
}

bool profile_section_exists(const struct profile_files *files, const char *kind,
                            const char *name)
{
    struct piece nothing;

    return find(files->config, (struct section){kind, name}, (struct question){NULL, NULL},
                &nothing);
}

/* Nothing after the "=" is not set. */
static char *copy_piece(bool found, struct piece piece)
{
    return found && piece.length > 0 ? text_format("%.*s", (int)piece.length, piece.start)
                                     : NULL;
}

char *profile_get_from_credentials(const struct profile *profile, const char *key)
{
    struct piece value = {0};
    bool found = find_in_credentials(profile, key, &value);

    return copy_piece(found, value);
}

char *profile_get_from_config(const struct profile *profile, const char *key)
{
    struct piece value = {0};
    bool found = find_in_config(profile, key, &value);

    return copy_piece(found, value);
}

char *profile_get(const struct profile *profile, const char *key)
{
    char *value = profile_get_from_credentials(profile, key);

    return value ? value : profile_get_from_config(profile, key);
}

char *profile_section_get(const struct profile_files *files, const char *kind, const char *name,
                          const char *group, const char *key)
{
    struct piece value = {0};
    bool found = find(files->config, (struct section){kind, name},
                      (struct question){group, key}, &value);

    return copy_piece(found, value);
}
