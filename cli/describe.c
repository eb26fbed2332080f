/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/describe.h"

#include <stdlib.h>
#include <string.h>

#include "cli/size.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/printable.h"
#include "oci/base/text.h"
#include "oci/manifest.h"

json_t *describe_image(const struct image *image)
{
    struct platform_text text = platform_spec_format(image_platform(image));
    const char *platform = text.text;
    json_t *json = descriptor_write(&image_document(image)->descriptor);
    json_t *config = descriptor_write(image_config_descriptor(image));
    json_t *layers = json_array();

    json_object_set_new(json, "platform", json_string(platform));
    json_object_set_new(config, "platform", json_string(platform));
    for (size_t i = 0; i < image_layer_count(image); i++) {
        const struct layer *layer = image_layer(image, i);
        json_t *each = descriptor_write(&layer->blob);
        json_object_set_new(each, "platform", json_string(platform));
        json_object_set_new(each, "diffId", json_string(digest_format(&layer->diff_id).text));
        json_array_append_new(layers, each);
    }
    json_object_set_new(json, "config", config);
    json_object_set_new(json, "layers", layers);
    return json;
}

/* --- for people --- */

enum { LABEL_COLUMNS = 14, BAR_COLUMNS = 20, ELLIPSIS_COLUMNS = 3 };

static bool begins_character(char byte)
{
    return ((unsigned char)byte & 0xc0) != 0x80;
}

/* The bytes of the first `columns` characters. */
static size_t clip(const char *text, size_t columns)
{
    size_t length = 0;

    while (text[length] && (columns > 0 || !begins_character(text[length])))
        columns -= begins_character(text[length++]);
    return length;
}

static size_t columns_of(const struct describe_look *look)
{
    return look->columns < DESCRIBE_COLUMNS_LEAST ? DESCRIBE_COLUMNS_LEAST : look->columns;
}

void describe_print_line(const char *text, FILE *out)
{
    owned(memory) char *safe = memory_copy_string(text);

    printable_make(safe);
    fprintf(out, "%s\n", safe);
}

/* A label and its text, on as many lines as that takes. */
static void print_field(const char *label, const char *text, const struct describe_look *look,
                        FILE *out)
{
    do {
        size_t length = clip(text, columns_of(look) - LABEL_COLUMNS);
        owned(memory) char *line = text_format("%.*s", (int)length, text);
        printable_make(line);
        fprintf(out, "  %-11s %s\n", label, line);
        label = "";
        text += length;
    } while (*text);
}

static void print_words(const char *label, const char **words, const struct describe_look *look,
                        FILE *out)
{
    owned(memory) const char **list = words;
    owned(text) struct text line = {0};

    for (const char **word = list; *word; word++)
        text_addf(&line, "%s%s", word > list ? " " : "", *word);
    if (line.length > 0)
        print_field(label, text_string(&line), look, out);
}

static void print_environment(const struct image *image, const struct describe_look *look,
                              FILE *out)
{
    owned(memory) const char **variables = image_environment(image);

    for (size_t i = 0; variables[i]; i++)
        print_field(i == 0 ? "environment" : "", variables[i], look, out);
}

/* ExposedPorts and Volumes are objects whose names count. */
static void print_names(const char *label, const json_t *object,
                        const struct describe_look *look, FILE *out)
{
    owned(text) struct text line = {0};
    const char *name;
    json_t *ignored;

    json_object_foreach((json_t *)object, name, ignored)
    {
        text_addf(&line, "%s%s", line.length ? " " : "", name);
    }
    if (line.length > 0)
        print_field(label, text_string(&line), look, out);
}

static void print_labels(const json_t *labels, const struct describe_look *look, FILE *out)
{
    const char *label = "labels";
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)labels, name, value)
    {
        const char *string = json_string_value(value);
        owned(memory) char *line = text_format("%s=%s", name, string ? string : "");
        print_field(label, line, look, out);
        label = "";
    }
}

static void print_config(const struct image *image, const struct describe_look *look, FILE *out)
{
    const json_t *run = json_object_get(image_config(image), "config");
    const char *created = json_optional_string(image_config(image), "created");
    const char *user = json_optional_string(run, "User");
    const char *folder = image_working_directory(image);

    if (created)
        print_field("created", created, look, out);
    print_words("entrypoint", image_entrypoint(image), look, out);
    print_words("command", image_command(image), look, out);
    if (folder)
        print_field("directory", folder, look, out);
    if (user && *user)
        print_field("user", user, look, out);
    print_names("ports", json_object_get(run, "ExposedPorts"), look, out);
    print_names("volumes", json_object_get(run, "Volumes"), look, out);
    print_labels(json_object_get(run, "Labels"), look, out);
    print_environment(image, look, out);
}

/* A bar as long as `size` is beside `largest`, and blanks up to its end. */
static void print_bar(uint64_t size, uint64_t largest, const struct describe_look *look,
                      FILE *out)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    double share = largest > 0 ? (double)size / (double)largest : 0;
    unsigned int length = (unsigned int)(share * BAR_COLUMNS * 8 + 0.5);
    unsigned int columns = 0;

    if (length == 0 && size > 0)
        length = 1;
    if (!look->unicode)
        length = (length + 7) / 8 * 8;
    for (; columns < length / 8; columns++)
        fputs(look->unicode ? "█" : "#", out);
    if (length % 8 > 0) {
        fputs(eighths[length % 8], out);
        columns++;
    }
    fprintf(out, "%*s", (int)(BAR_COLUMNS - columns), "");
}

/* What a line of the history says, in one line and without what builders put around it. */
static char *tidy_step(const char *created_by)
{
    static const char nop[] = "/bin/sh -c #(nop)";
    owned(text) struct text line = {0};

    if (strncmp(created_by, nop, sizeof nop - 1) == 0)
        created_by += sizeof nop - 1;
    for (; *created_by; created_by++) {
        bool blank = strchr(" \t\r\n", *created_by) != NULL;
        if (!blank)
            text_add_bytes(&line, created_by, 1);
        else if (line.length > 0 && line.bytes[line.length - 1] != ' ')
            text_add(&line, " ");
    }
    char *tidy = memory_copy_string(text_string(&line));
    printable_make(tidy);
    return tidy;
}

static void print_step(const char *created_by, const struct describe_look *look, FILE *out)
{
    owned(memory) char *step = tidy_step(created_by);
    size_t columns =
        columns_of(look) - strlen("  sha256:0123456789ab  999.9 MB  ") - BAR_COLUMNS - 2;
    size_t length = clip(step, columns);

    if (step[length]) {
        length = clip(step, columns - ELLIPSIS_COLUMNS);
        fprintf(out, "  %.*s...\n", (int)length, step);
    } else {
        fprintf(out, "%s%s\n", *step ? "  " : "", step);
    }
}

static void print_layer(const struct image *image, size_t position, uint64_t largest,
                        const char *created_by, const struct describe_look *look, FILE *out)
{
    const struct descriptor *blob = &image_layer(image, position)->blob;

    fprintf(out, "  %s  %8s  ", digest_format_short(&blob->digest).text,
            size_format(blob->size).text);
    print_bar(blob->size, largest, look, out);
    print_step(created_by, look, out);
}

/* The steps in order: those that made a layer have it in front of them. */
static void print_history(const struct image *image, const struct describe_look *look,
                          FILE *out)
{
    const json_t *history = json_object_get(image_config(image), "history");
    size_t layers = image_layer_count(image);
    size_t shown = 0;
    uint64_t largest = 0;
    uint64_t total = 0;
    size_t i;
    const json_t *line;

    for (i = 0; i < layers; i++) {
        uint64_t size = image_layer(image, i)->blob.size;
        largest = size > largest ? size : largest;
        total += size;
    }
    fprintf(out, "  %-11s %zu, %s\n", "layers", layers, size_format(total).text);
    json_array_foreach(history, i, line)
    {
        const char *text = json_optional_string(line, "created_by");
        if (json_is_true(json_object_get(line, "empty_layer"))) {
            fprintf(out, "%*s", (int)strlen("  sha256:0123456789ab  999.9 MB  ") + BAR_COLUMNS,
                    "");
            print_step(text ? text : "", look, out);
        } else if (shown < layers) {
            print_layer(image, shown++, largest, text ? text : "", look, out);
        }
    }
    for (; shown < layers; shown++)
        print_layer(image, shown, largest, "", look, out);
}

void describe_print_image(const struct image *image, const struct describe_look *look,
                          FILE *out)
{
    fprintf(out, "\n%s %s\n", platform_spec_format(image_platform(image)).text,
            digest_format(&image_document(image)->descriptor.digest).text);
    print_config(image, look, out);
    print_history(image, look, out);
}

bool describe_print_artifact(const struct document *document, const char *type, FILE *out,
                             struct error *err)
{
    owned(memory) struct descriptor *files = NULL;
    struct descriptor config;
    uint64_t total = 0;
    size_t count;

    if (!manifest_read(document, &config, &files, &count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        total += files[i].size;
    owned(memory) char *line =
        text_format("  %-11s %.200s, %s", "artifact", type, size_format(total).text);
    describe_print_line(line, out);
    return true;
}

static const char *entry_name(const struct index_entry *entry, struct platform_text *text)
{
    *text = platform_spec_format(&entry->platform);
    if (entry->has_platform)
        return text->text;
    return media_type_is_index(entry->descriptor.media_type) ? "an index" : "unnamed";
}

void describe_print_platforms(const struct index_entry *entries, size_t count,
                              const struct describe_look *look, FILE *out)
{
    owned(text) struct text line = {0};
    struct platform_text name;
    size_t attestations = 0;

    for (size_t i = 0; i < count; i++) {
        attestations += entries[i].is_attestation;
        if (!entries[i].is_attestation)
            text_addf(&line, "%s%s", line.length ? ", " : "", entry_name(&entries[i], &name));
    }
    if (attestations > 0)
        text_addf(&line, ", and %zu attestation%s", attestations, attestations > 1 ? "s" : "");
    print_field("platforms", text_string(&line), look, out);
}

void describe_print_json(json_t *json, FILE *out)
{
    json_dumpf(json, out, JSON_INDENT(2) | JSON_SORT_KEYS);
    fputc('\n', out);
    json_decref(json);
}
