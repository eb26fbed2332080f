/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/ignore.h"

#include <ctype.h>
#include <string.h>

#include "oci/base/memory.h"
#include "oci/base/text.h"

struct ignore_pattern {
    char *text;
    bool is_exception;
};

/* --- matching --- */

/* What a "[…]" at `pattern` says to one character; `*end` is after it. Complete: it was
 * checked. */
static bool class_has(const char *pattern, char wanted, const char **end)
{
    const char *at = pattern + 1;
    bool negated = *at == '^';
    bool found = false;
    const char *first = at += negated;

    while (*at != ']' || at == first) {
        at += *at == '\\';
        char low = *at++;
        char high = low;
        if (at[0] == '-' && at[1] != ']') {
            at += 1 + (at[1] == '\\');
            high = *at++;
        }
        found |= low <= wanted && wanted <= high;
    }
    *end = at + 1;
    return found != negated;
}

/* A pattern takes `count` characters; every position of the path it may then be at is tried at
 * once, so the time is their product and no pattern makes it explode. */
struct state {
    bool *here;
    bool *next;
    const char *path;
    size_t length;
};

static void step_any(struct state *state, bool crosses_folders)
{
    bool open = false;

    for (size_t i = 0; i <= state->length; i++) {
        if (i > 0 && state->path[i - 1] == '/' && !crosses_folders)
            open = false;
        open |= state->here[i];
        state->next[i] = open;
    }
}

/* "(.*" "/)?": nothing, or anything that ends with a folder. */
static void step_folders(struct state *state)
{
    bool open = false;

    for (size_t i = 0; i <= state->length; i++) {
        state->next[i] = state->here[i] || (open && i > 0 && state->path[i - 1] == '/');
        open |= state->here[i];
    }
}

/* Where the character of UTF-8 at `position` ends. */
static size_t after_character(const struct state *state, size_t position)
{
    bool is_long = (unsigned char)state->path[position++] >= 0xc0;

    while (is_long && position < state->length &&
           ((unsigned char)state->path[position] & 0xc0) == 0x80)
        position++;
    return position;
}

static const char *step_one(struct state *state, const char *pattern)
{
    const char *end = pattern + 1;
    char literal = *pattern;

    if (*pattern == '\\') {
        literal = pattern[1];
        end = pattern + 2;
    }
    memset(state->next, false, state->length + 1);
    for (size_t i = 0; i < state->length; i++) {
        char found = state->path[i];
        bool is_wild = *pattern == '?' || *pattern == '[';
        bool fits = *pattern == '?'   ? found != '/'
                    : *pattern == '[' ? class_has(pattern, found, &end)
                                      : found == literal;
        if (state->here[i] && fits)
            state->next[is_wild ? after_character(state, i) : i + 1] = true;
    }
    return end;
}

static const char *step(struct state *state, const char *pattern, bool is_first)
{
    if (pattern[0] != '*')
        return step_one(state, pattern);
    if (pattern[1] != '*') {
        step_any(state, false);
        return pattern + 1;
    }
    pattern += 2;
    bool whole_names = *pattern == '/';
    pattern += whole_names;
    if (*pattern == '\0')
        step_any(state, true);
    else if (is_first && !whole_names && !strpbrk(pattern, "*?[\\"))
        step_any(state, true); /* "**.c" is whatever ends in ".c" */
    else
        step_folders(state);
    return pattern;
}

static bool fits(const char *pattern, const char *path, size_t length)
{
    owned(memory) bool *here = memory_new(length + 1, sizeof *here);
    owned(memory) bool *next = memory_new(length + 1, sizeof *next);
    struct state state = {here, next, path, length};
    const char *at = pattern;

    if (length == 0)
        return false;
    state.here[0] = true;
    while (*at) {
        at = step(&state, at, at == pattern);
        bool *before = state.here;
        state.here = state.next;
        state.next = before;
    }
    return state.here[length];
}

/* The path itself or a folder it is in. */
static bool fits_path(const char *pattern, const char *path)
{
    for (const char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/'))
        if (fits(pattern, path, (size_t)(slash - path)))
            return true;
    return fits(pattern, path, strlen(path));
}

bool ignore_matches(const struct ignore *ignore, const char *path)
{
    bool matched = false;

    for (size_t i = 0; i < ignore->count; i++) {
        const struct ignore_pattern *pattern = &ignore->patterns[i];
        if (pattern->is_exception == matched && fits_path(pattern->text, path))
            matched = !pattern->is_exception;
    }
    return matched;
}

/* --- reading --- */

/* Resolves "." and ".." and drops needless slashes, as Go's filepath.Clean() does. A ".." in
 * front stays, and then the pattern fits nothing. */
static char *clean(const char *text)
{
    struct text out = {0};

    while (*text) {
        size_t length = strcspn(text, "/");
        bool is_up = length == 2 && memcmp(text, "..", 2) == 0;
        const char *slash = strrchr(text_string(&out), '/');
        const char *last = slash ? slash + 1 : text_string(&out);
        if (is_up && *last && strcmp(last, "..") != 0) {
            out.length = slash ? (size_t)(slash - out.bytes) : 0;
            out.bytes[out.length] = '\0';
        } else if (length > 0 && !(length == 1 && *text == '.')) {
            text_add(&out, out.length ? "/" : "");
            text_add_bytes(&out, text, length);
        }
        text += length + (text[length] == '/');
    }
    return text_take(&out);
}

/* Every "[" has its "]" and every "\" something to stand before. */
static bool check_pattern(const char *pattern, struct error *err)
{
    for (const char *at = pattern; *at; at++) {
        if (*at == '[') {
            const char *first = at + 1 + (at[1] == '^');
            for (at = first; *at && (*at != ']' || at == first); at++)
                at += *at == '\\' && at[1];
        } else if (*at == '\\') {
            at++;
        }
        if (*at == '\0')
            return error_set(err, ERROR_INVALID, "'%.80s' is no pattern: it is not complete",
                             pattern);
    }
    return true;
}

static bool add_pattern(struct ignore *ignore, const char *line, struct error *err)
{
    bool is_exception = line[0] == '!';

    line += is_exception;
    line += strspn(line, " \t");
    if (is_exception && *line == '\0')
        return error_set(err, ERROR_INVALID, "'!' alone brings back nothing");
    owned(memory) char *text = clean(line);
    if (*text == '\0')
        return true; /* "." or "/": Docker takes it for nothing, too */
    if (strlen(text) > IGNORE_PATTERN_LENGTH || ignore->count == IGNORE_PATTERNS_LIMIT)
        return error_set(err, ERROR_LIMIT,
                         "more than %d patterns, or one of more than %d bytes",
                         IGNORE_PATTERNS_LIMIT, IGNORE_PATTERN_LENGTH);
    if (!check_pattern(text, err))
        return false;
    ignore->patterns =
        memory_resize(ignore->patterns, ignore->count + 1, sizeof *ignore->patterns);
    ignore->patterns[ignore->count++] = (struct ignore_pattern){take(&text), is_exception};
    ignore->has_exceptions |= is_exception;
    return true;
}

/* The line without the blanks around it, a new string; NULL for a comment or an empty one. */
static char *read_line(const char *line, size_t length)
{
    if (length > 0 && *line == '#')
        return NULL;
    while (length > 0 && isspace((unsigned char)*line)) {
        line++;
        length--;
    }
    while (length > 0 && isspace((unsigned char)line[length - 1]))
        length--;
    return length ? text_format("%.*s", (int)length, line) : NULL;
}

bool ignore_parse(const char *text, struct ignore *out, struct error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors put it in front of UTF-8 */
    owned(ignore) struct ignore ignore = {0};
    unsigned int number = 1;

    if (strncmp(text, mark, strlen(mark)) == 0)
        text += strlen(mark);
    for (; *text; number++) {
        size_t length = strcspn(text, "\n");
        owned(memory) char *line = read_line(text, length);
        if (line && !add_pattern(&ignore, line, err))
            return error_wrap(err, "line %u", number);
        text += length + (text[length] == '\n');
    }
    *out = ignore;
    ignore = (struct ignore){0};
    return true;
}

void ignore_release(struct ignore *ignore)
{
    for (size_t i = 0; i < ignore->count; i++)
        free(ignore->patterns[i].text);
    free(ignore->patterns);
    *ignore = (struct ignore){0};
}
