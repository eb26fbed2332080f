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

/* "[profile  work]" is the same section as "[profile work]". */
static bool is_section(struct piece line, const char *section)
{
    const char *end = memchr(line.start, ']', line.length);
    if (!end)
        return false;

    struct piece name = trimmed(line.start + 1, (size_t)(end - line.start) - 1);
    while (name.length > 0 && *section) {
        if (is_blank(*name.start) != (*section == ' '))
            return false;
        if (!is_blank(*name.start) && *name.start != *section)
            return false;
        size_t skip = 1;
        while (is_blank(*name.start) && is_blank(name.start[skip]))
            skip++;
        name.start += skip;
        name.length -= skip;
        section++;
    }
    return name.length == 0 && !*section;
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

/* Finds the section and in it the key; with `key` NULL the section alone, as "". Indented lines
 * belong to the key above them and are nobody's key. */
static bool find(const char *text, const char *section, const char *key, struct piece *out)
{
    bool inside = false;
    bool found = false;

    while (*text && !found) {
        size_t length = strcspn(text, "\n");
        struct piece line = trimmed(text, length);
        const char *equals = memchr(text, '=', length);
        if (line.length > 0 && *line.start == '[') {
            inside = is_section(line, section);
            found = inside && !key;
            *out = (struct piece){text, 0};
        } else if (inside && key && equals && !is_blank(*text) && *text != '#' &&
                   *text != ';' && piece_is(trimmed(text, (size_t)(equals - text)), key)) {
            *out = value_of(equals + 1, length - (size_t)(equals + 1 - text));
            found = true;
        }
        text += length + (text[length] == '\n');
    }
    return found;
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

bool profile_open(const char *const *environment, struct profile *out, struct error *err)
{
    owned(profile) struct profile profile = {0};
    const char *name = environment_get(environment, "AWS_PROFILE");

    if (!name)
        name = environment_get(environment, "AWS_DEFAULT_PROFILE");
    profile.name = memory_copy_string(name ? name : "default");
    if (!read_file(environment, "AWS_SHARED_CREDENTIALS_FILE", "credentials",
                   &profile.credentials_path, &profile.credentials, err) ||
        !read_file(environment, "AWS_CONFIG_FILE", "config", &profile.config_path,
                   &profile.config, err))
        return false;
    *out = profile;
    profile = (struct profile){0};
    return true;
}

void profile_release(struct profile *profile)
{
    if (profile->credentials)
        explicit_bzero(profile->credentials, strlen(profile->credentials));
    free(profile->name);
    free(profile->credentials_path);
    free(profile->config_path);
    free(profile->credentials);
    free(profile->config);
    *profile = (struct profile){0};
}

/* In the configuration file only the default profile goes without the word. */
static bool find_in_files(const struct profile *profile, const char *key, struct piece *out)
{
    owned(memory) char *section = text_format("profile %s", profile->name);
    bool is_default = strcmp(profile->name, "default") == 0;

    return find(profile->credentials, profile->name, key, out) ||
           find(profile->config, section, key, out) ||
           (is_default && find(profile->config, "default", key, out));
}

bool profile_exists(const struct profile *profile)
{
    struct piece nothing;

    return find_in_files(profile, NULL, &nothing);
}

static char *copy_piece(struct piece piece)
{
    return text_format("%.*s", (int)piece.length, piece.start);
}

char *profile_get(const struct profile *profile, const char *key)
{
    struct piece value;

    if (!find_in_files(profile, key, &value) || value.length == 0)
        return NULL;
    return copy_piece(value);
}

char *profile_find(const char *text, const char *section, const char *key)
{
    struct piece value;

    return find(text, section, key, &value) ? copy_piece(value) : NULL;
}
