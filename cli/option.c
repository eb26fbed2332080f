/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/option.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"

enum { HELP_COLUMN = 34 };

/* An option as it was found in argv. */
struct found {
    const struct option *option;
    void *values;
    const char *value; /* joined to the option's word; NULL when it is not */
};

static void *field(const struct found *found)
{
    return (char *)found->values + found->option->offset;
}

static void set_found(struct found *out, const struct option *option, void *values,
                      const char *value)
{
    *out = (struct found){option, values, value};
}

/* "name" or "name=value"; a beginning of the name will do where only one option has it. */
static bool find_long(const struct option_set *sets, const char *word, struct found *out,
                      struct error *err)
{
    size_t length = strcspn(word, "=");
    const char *value = word[length] ? word + length + 1 : NULL;
    int candidates = 0;

    for (; sets->options; sets++)
        for (const struct option *each = sets->options; each->kind != OPTION_KIND_END; each++) {
            if (strncmp(each->name, word, length) != 0)
                continue;
            bool is_whole = each->name[length] == '\0';
            if (each->kind == OPTION_KIND_REFUSED && !is_whole)
                continue;
            set_found(out, each, sets->values, value);
            if (is_whole)
                return true;
            candidates++;
        }
    if (candidates == 1 && length > 0)
        return true;
    return error_set(err, ERROR_USAGE,
                     candidates > 1 ? "option '--%.80s' is the beginning of several"
                                    : "unknown option '--%.80s'",
                     word);
}

/* "f", "fvalue" or "rt": two letters win over one letter and its value. */
static bool find_short(const struct option_set *sets, const char *word, struct found *out,
                       struct error *err)
{
    const struct option_set *first = sets;

    for (; sets->options; sets++)
        for (const struct option *each = sets->options; each->kind != OPTION_KIND_END; each++)
            if (each->letter && strcmp(each->letter, word) == 0) {
                set_found(out, each, sets->values, NULL);
                return true;
            }
    for (sets = first; sets->options; sets++)
        for (const struct option *each = sets->options; each->kind != OPTION_KIND_END; each++)
            if (each->letter && each->letter[0] == word[0] && !each->letter[1] && word[1] &&
                each->kind != OPTION_KIND_FLAG) {
                set_found(out, each, sets->values, word + 1);
                return true;
            }
    return error_set(err, ERROR_USAGE, "unknown option '-%.80s'", word);
}

static bool parse_number(const struct option *option, const char *text, int *out,
                         struct error *err)
{
    char *end;

    errno = 0;
    long number = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || number < 1 || number > INT_MAX)
        return error_set(err, ERROR_USAGE, "--%s: '%.80s' is not a number from 1", option->name,
                         text);
    *out = (int)number;
    return true;
}

static void add_to_list(struct option_list *list, const char *value)
{
    list->values = memory_resize(list->values, list->count + 2, sizeof *list->values);
    list->values[list->count++] = value;
    list->values[list->count] = NULL;
}

static bool store_value(const struct found *found, struct error *err)
{
    switch (found->option->kind) {
    case OPTION_KIND_TEXT:
        *(const char **)field(found) = found->value;
        return true;
    case OPTION_KIND_NUMBER:
        return parse_number(found->option, found->value, field(found), err);
    case OPTION_KIND_LIST:
        add_to_list(field(found), found->value);
        return true;
    case OPTION_KIND_FLAG:
    case OPTION_KIND_REFUSED:
    case OPTION_KIND_END:
        break;
    }
    abort(); /* those without a value are dealt with before, and the finders stop at the end */
}

bool option_parse(const struct option_set *sets, bool stop_at_word, int argc, const char **argv,
                  int *count, struct error *err)
{
    int kept = 0;

    for (int i = 0; i < argc; i++) {
        const char *word = argv[i];
        struct found found = {0};

        bool is_word = word[0] != '-' || word[1] == '\0';
        if (is_word && !stop_at_word) {
            argv[kept++] = word;
            continue;
        }
        bool ends_options = strcmp(word, "--") == 0;
        if (is_word || ends_options) {
            for (i += ends_options; i < argc; i++)
                argv[kept++] = argv[i];
            break;
        }
        bool known = word[1] == '-' ? find_long(sets, word + 2, &found, err)
                                    : find_short(sets, word + 1, &found, err);
        if (!known)
            return false;
        if (found.option->kind == OPTION_KIND_REFUSED)
            return error_set(err, ERROR_USAGE, "--%s: %s", found.option->name,
                             found.option->help);
        if (found.option->kind == OPTION_KIND_FLAG) {
            if (found.value)
                return error_set(err, ERROR_USAGE, "--%s takes no value", found.option->name);
            *(bool *)field(&found) = true;
            continue;
        }
        if (!found.value && ++i == argc)
            return error_set(err, ERROR_USAGE, "--%s needs %s", found.option->name,
                             found.option->argument);
        if (!found.value)
            found.value = argv[i];
        if (!store_value(&found, err))
            return false;
    }
    *count = kept;
    return true;
}

void option_release(const struct option *options, void *values)
{
    for (; options->kind != OPTION_KIND_END; options++)
        if (options->kind == OPTION_KIND_LIST)
            free(((struct option_list *)((char *)values + options->offset))->values);
}

void option_print_help(const struct option *options, FILE *out)
{
    for (const struct option *each = options; each->kind != OPTION_KIND_END; each++) {
        if (each->kind == OPTION_KIND_REFUSED)
            continue;
        int width = fprintf(out, "  ");
        width += each->letter ? fprintf(out, "-%s, ", each->letter) : fprintf(out, "    ");
        width += fprintf(out, "--%s%s%s", each->name, each->argument ? " " : "",
                         each->argument ? each->argument : "");
        if (width + 2 > HELP_COLUMN) {
            fputc('\n', out);
            width = 0;
        }
        fprintf(out, "%*s%s\n", HELP_COLUMN - width, "", each->help);
    }
}
