/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/yaml.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "oci/base/memory.h"

enum { NUMBER_LENGTH = 64 }; /* longer scalars are text */

enum number_form {
    FORM_BINARY,
    FORM_OCTAL,
    FORM_DECIMAL,
    FORM_HEXADECIMAL,
    FORM_BASE_60,
    FORM_REAL
};

/* PyYAML's patterns, in its order. Underscores are taken out before these meet the text, a
 * lone one cannot stand first. Reals in base 60, .inf and .nan stay text. */
static const struct {
    enum number_form form;
    const char *pattern;
} number_patterns[] = {
    {FORM_REAL, "^[-+]?[0-9][0-9_]*\\.[0-9_]*([eE][-+][0-9]+)?$"},
    {FORM_REAL, "^\\.[0-9][0-9_]*([eE][-+][0-9]+)?$"},
    {FORM_BINARY, "^[-+]?0b[01_]+$"},
    {FORM_OCTAL, "^[-+]?0[0-7_]+$"},
    {FORM_DECIMAL, "^[-+]?(0|[1-9][0-9_]*)$"},
    {FORM_HEXADECIMAL, "^[-+]?0x[0-9a-fA-F_]+$"},
    {FORM_BASE_60, "^[-+]?[1-9][0-9_]*(:[0-5]?[0-9])+$"},
};

enum { PATTERNS = sizeof number_patterns / sizeof *number_patterns };

struct reader {
    yaml_parser_t parser;
    regex_t numbers[PATTERNS];
    const char *name;
    const char *bytes;
    size_t count;
    size_t nodes;
};

static bool refuse(const struct reader *reader, yaml_mark_t at, const char *why,
                   struct error *err)
{
    return error_set(err, ERROR_USAGE, "%.200s:%zu:%zu: %s", reader->name, at.line + 1,
                     at.column + 1, why);
}

/* Bytes that are no text carry an offset instead of a line. */
static bool refuse_bytes(const struct reader *reader, struct error *err)
{
    size_t line = 1, column = 1;

    for (size_t i = 0; i < reader->parser.problem_offset; i++, column++)
        if (reader->bytes[i] == '\n') {
            line++;
            column = 0;
        }
    return error_set(err, ERROR_USAGE, "%.200s:%zu:%zu: not text: %s", reader->name, line,
                     column, reader->parser.problem);
}

/* The commonest slip, for which libyaml has no word. */
static bool is_indented_by_tab(const struct reader *reader, size_t line)
{
    const char *text = reader->bytes;
    const char *end = text + reader->count;

    for (; line > 0 && (text = memchr(text, '\n', (size_t)(end - text))); line--)
        text++;
    while (text && text < end && *text == ' ')
        text++;
    return text && text < end && *text == '\t';
}

static bool refuse_syntax(const struct reader *reader, struct error *err)
{
    const yaml_parser_t *parser = &reader->parser;

    if (parser->error == YAML_MEMORY_ERROR)
        abort();
    if (parser->error == YAML_READER_ERROR)
        return refuse_bytes(reader, err);

    if (is_indented_by_tab(reader, parser->problem_mark.line))
        return refuse(reader, parser->problem_mark, "a tab, where YAML is indented by spaces",
                      err);
    refuse(reader, parser->problem_mark, parser->problem, err);
    if (!parser->context || parser->context_mark.line == parser->problem_mark.line)
        return false;
    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, " %s that begins in line %zu",
             parser->context, parser->context_mark.line + 1);
    return false;
}

static bool next_event(struct reader *reader, yaml_event_t *event, struct error *err)
{
    if (!yaml_parser_parse(&reader->parser, event))
        return refuse_syntax(reader, err);
    return true;
}

static void event_cleanup(yaml_event_t *event)
{
    yaml_event_delete(event);
}

/* --- what plain scalars mean --- */

static bool is_one_of(const char *text, const char *const *words)
{
    for (; *words; words++)
        if (strcmp(text, *words) == 0)
            return true;
    return false;
}

static bool resolve_word(struct yaml_node *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    static const char *const yes[] = {"yes",  "Yes", "YES", "true", "True",
                                      "TRUE", "on",  "On",  "ON",   NULL};
    static const char *const no[] = {"no",    "No",  "NO",  "false", "False",
                                     "FALSE", "off", "Off", "OFF",   NULL};

    if (is_one_of(node->text, nulls)) {
        node->kind = YAML_NULL;
        return true;
    }
    node->truth = is_one_of(node->text, yes);
    if (!node->truth && !is_one_of(node->text, no))
        return false;
    node->kind = YAML_BOOLEAN;
    return true;
}

/* "1:30:00" is hours, minutes and seconds. */
static bool parse_base_60(const char *digits, int64_t *out)
{
    int64_t sum = 0;

    for (;;) {
        char *end;
        errno = 0;
        int64_t part = strtoll(digits, &end, 10);
        if (errno != 0 || __builtin_mul_overflow(sum, 60, &sum) ||
            __builtin_add_overflow(sum, part, &sum))
            return false;
        if (*end == '\0')
            break;
        digits = end + 1;
    }
    *out = sum;
    return true;
}

static bool parse_integer(const char *text, enum number_form form, int64_t *out)
{
    bool negative = text[0] == '-';
    const char *digits = text + (text[0] == '-' || text[0] == '+');
    static const int bases[] = {
        [FORM_BINARY] = 2, [FORM_OCTAL] = 8, [FORM_DECIMAL] = 10, [FORM_HEXADECIMAL] = 16};

    if (form == FORM_BASE_60) {
        if (!parse_base_60(digits, out))
            return false;
    } else {
        char *end;
        errno = 0;
        *out = strtoll(digits + (form == FORM_BINARY ? 2 : 0), &end, bases[form]);
        if (errno != 0 || *end != '\0')
            return false;
    }
    if (negative)
        *out = -*out;
    return true;
}

static void resolve_number(struct reader *reader, struct yaml_node *node)
{
    char digits[NUMBER_LENGTH + 1];
    size_t form = 0, length = 0;

    if (strlen(node->text) > NUMBER_LENGTH)
        return;
    while (form < PATTERNS && regexec(&reader->numbers[form], node->text, 0, NULL, 0) != 0)
        form++;
    if (form == PATTERNS)
        return;
    for (const char *from = node->text; *from; from++)
        if (*from != '_')
            digits[length++] = *from;
    digits[length] = '\0';

    if (number_patterns[form].form == FORM_REAL) {
        node->real = strtod(digits, NULL);
        if (__builtin_isfinite(node->real))
            node->kind = YAML_REAL;
    } else if (parse_integer(digits, number_patterns[form].form, &node->integer)) {
        node->kind = YAML_INTEGER;
    }
}

/* --- events into nodes --- */

static bool check_tag(const struct reader *reader, const yaml_event_t *event,
                      const yaml_char_t *tag, struct error *err)
{
    if (!tag || strcmp((const char *)tag, YAML_STR_TAG) == 0 ||
        strcmp((const char *)tag, "!") == 0)
        return true;
    return refuse(reader, event->start_mark, "tags are not understood; leave it out", err);
}

static bool check_scalar(const struct reader *reader, const yaml_event_t *event,
                         struct error *err)
{
    if (strlen((const char *)event->data.scalar.value) != event->data.scalar.length)
        return refuse(reader, event->start_mark, "text with a NUL in it", err);
    return check_tag(reader, event, event->data.scalar.tag, err);
}

static bool read_scalar(struct reader *reader, const yaml_event_t *event,
                        struct yaml_node *node, struct error *err)
{
    if (!check_scalar(reader, event, err))
        return false;
    node->kind = YAML_STRING;
    node->text = memory_copy_string((const char *)event->data.scalar.value);
    node->is_quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (!node->is_quoted && !event->data.scalar.tag && !resolve_word(node))
        resolve_number(reader, node);
    return true;
}

static struct yaml_node *add_item(struct yaml_node *node)
{
    /* Room grows in powers of two. */
    if ((node->count & (node->count - 1)) == 0)
        node->items =
            memory_resize(node->items, node->count ? 2 * node->count : 1, sizeof *node->items);
    node->items[node->count] = (struct yaml_node){0};
    return &node->items[node->count++];
}

static bool read_node(struct reader *reader, const yaml_event_t *event, int depth,
                      struct yaml_node *node, struct error *err);

static bool read_sequence(struct reader *reader, int depth, struct yaml_node *node,
                          struct error *err)
{
    for (;;) {
        owned(event) yaml_event_t event = {0};
        if (!next_event(reader, &event, err))
            return false;
        if (event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        if (!read_node(reader, &event, depth, add_item(node), err))
            return false;
    }
}

static bool read_key(struct reader *reader, const yaml_event_t *event,
                     struct yaml_node *mapping, struct error *err)
{
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reader, event->start_mark, "a key must be a plain word", err);
    if (!check_scalar(reader, event, err))
        return false;

    const char *key = (const char *)event->data.scalar.value;
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->items[i].key, key) == 0)
            return error_set(err, ERROR_USAGE,
                             "%.200s:%zu:%zu: '%.80s' stands here a second time, after line %u",
                             reader->name, event->start_mark.line + 1,
                             event->start_mark.column + 1, key, mapping->items[i].key_line);

    struct yaml_node *item = add_item(mapping);
    item->key = memory_copy_string(key);
    item->key_line = (unsigned int)event->start_mark.line + 1;
    item->key_column = (unsigned int)event->start_mark.column + 1;
    return true;
}

static bool read_mapping(struct reader *reader, int depth, struct yaml_node *node,
                         struct error *err)
{
    for (;;) {
        owned(event) yaml_event_t key = {0};
        if (!next_event(reader, &key, err))
            return false;
        if (key.type == YAML_MAPPING_END_EVENT)
            return true;
        owned(event) yaml_event_t value = {0};
        if (!read_key(reader, &key, node, err) || !next_event(reader, &value, err) ||
            !read_node(reader, &value, depth, &node->items[node->count - 1], err))
            return false;
    }
}

static bool read_node(struct reader *reader, const yaml_event_t *event, int depth,
                      struct yaml_node *node, struct error *err)
{
    if (depth == YAML_DEPTH_LIMIT)
        return refuse(reader, event->start_mark, "nested too deeply", err);
    if (reader->nodes++ == YAML_NODES_LIMIT)
        return refuse(reader, event->start_mark, "too many values for one file", err);
    node->line = (unsigned int)event->start_mark.line + 1;
    node->column = (unsigned int)event->start_mark.column + 1;

    switch (event->type) {
    case YAML_SCALAR_EVENT:
        return read_scalar(reader, event, node, err);
    case YAML_SEQUENCE_START_EVENT:
        node->kind = YAML_SEQUENCE;
        return check_tag(reader, event, event->data.sequence_start.tag, err) &&
               read_sequence(reader, depth + 1, node, err);
    case YAML_MAPPING_START_EVENT:
        node->kind = YAML_MAPPING;
        return check_tag(reader, event, event->data.mapping_start.tag, err) &&
               read_mapping(reader, depth + 1, node, err);
    default:
        return refuse(reader, event->start_mark,
                      "aliases ('*name') are not understood; write the value out", err);
    }
}

/* An empty file is a null document. */
static bool read_document(struct reader *reader, struct yaml_node *root, struct error *err)
{
    for (bool begun = false;;) {
        owned(event) yaml_event_t event = {0};
        if (!next_event(reader, &event, err))
            return false;
        switch (event.type) {
        case YAML_STREAM_START_EVENT:
        case YAML_DOCUMENT_END_EVENT:
            break;
        case YAML_STREAM_END_EVENT:
            return true;
        case YAML_DOCUMENT_START_EVENT:
            if (begun)
                return refuse(reader, event.start_mark,
                              "a second document begins here; one is all a file may have", err);
            begun = true;
            break;
        default:
            if (!read_node(reader, &event, 0, root, err))
                return false;
        }
    }
}

bool yaml_parse(const char *name, const char *bytes, size_t count, struct yaml_node *root,
                struct error *err)
{
    struct reader reader = {.name = name, .bytes = bytes, .count = count};

    *root = (struct yaml_node){.line = 1, .column = 1};
    if (count > YAML_FILE_LIMIT)
        return error_set(err, ERROR_LIMIT, "%.200s: larger than %d bytes", name,
                         YAML_FILE_LIMIT);
    if (!yaml_parser_initialize(&reader.parser))
        abort();
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)bytes, count);
    for (size_t i = 0; i < PATTERNS; i++)
        if (regcomp(&reader.numbers[i], number_patterns[i].pattern, REG_EXTENDED | REG_NOSUB))
            abort();

    bool read = read_document(&reader, root, err);

    for (size_t i = 0; i < PATTERNS; i++)
        regfree(&reader.numbers[i]);
    yaml_parser_delete(&reader.parser);
    if (!read)
        yaml_release(root);
    return read;
}

void yaml_release(struct yaml_node *root)
{
    for (size_t i = 0; i < root->count; i++)
        yaml_release(&root->items[i]);
    free(root->items);
    free(root->text);
    free(root->key);
    *root = (struct yaml_node){0};
}

/* --- questions --- */

const struct yaml_node *yaml_find(const struct yaml_node *mapping, const char *key)
{
    if (!mapping || mapping->kind != YAML_MAPPING)
        return NULL;
    for (size_t i = 0; i < mapping->count; i++)
        if (strcmp(mapping->items[i].key, key) == 0)
            return mapping->items[i].kind == YAML_NULL ? NULL : &mapping->items[i];
    return NULL;
}

bool yaml_is_scalar(const struct yaml_node *node)
{
    return node->kind != YAML_SEQUENCE && node->kind != YAML_MAPPING;
}

json_t *yaml_to_json(const struct yaml_node *node)
{
    json_t *json;

    switch (node->kind) {
    case YAML_NULL:
        return json_null();
    case YAML_BOOLEAN:
        return json_boolean(node->truth);
    case YAML_INTEGER:
        return json_integer(node->integer);
    case YAML_REAL:
        return json_real(node->real);
    case YAML_STRING:
        return json_string(node->text);
    case YAML_SEQUENCE:
        json = json_array();
        for (size_t i = 0; i < node->count; i++)
            json_array_append_new(json, yaml_to_json(&node->items[i]));
        return json;
    case YAML_MAPPING:
        json = json_object();
        for (size_t i = 0; i < node->count; i++)
            json_object_set_new(json, node->items[i].key, yaml_to_json(&node->items[i]));
        return json;
    }
    return NULL;
}
