/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_storage.h"

#include <string.h>

#include "lambda/definition_keys.h"
#include "lambda/definition_rules.h"
#include "lambda/signer/storage_path.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { PLACES_LIMIT = 100 }; /* as many notifications as a bucket of S3 has */

static const char *const kinds[] = {"s3", "minio"};

/* The node's place, and what it is, in front of the error. */
static bool blame(const struct reading *reading, const struct yaml_node *node,
                  const char *label, struct error *err)
{
    return definition_keys_place(err, reading->path, node, label);
}

static bool is_given(const struct yaml_node *node)
{
    return node && node->kind != YAML_NULL && !(yaml_is_scalar(node) && !node->text[0]);
}

/* --- accounts --- */

/* Fields as they are written: a key of digits is no number. Values are secret. */
static bool read_account(const struct reading *reading, const struct yaml_node *account,
                         const char *label, json_t *out, struct error *err)
{
    static const char *const needed[] = {"access_key", "secret_key"};

    if (account->kind != YAML_MAPPING) {
        error_set(err, ERROR_USAGE,
                  "expected a mapping with access_key: and secret_key: in it");
        return blame(reading, account, label, err);
    }
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        if (is_given(yaml_find(account, needed[i])))
            continue;
        error_set(err, ERROR_USAGE, "'%s' is missing", needed[i]);
        return blame(reading, account, label, err);
    }
    for (size_t i = 0; i < account->count; i++) {
        const struct yaml_node *field = &account->items[i];
        if (!yaml_is_scalar(field)) {
            error_set(err, ERROR_USAGE, "'%.80s' is not text", field->key);
            return blame(reading, field, label, err);
        }
        if (field->kind == YAML_BOOLEAN)
            json_object_set_new(out, field->key, json_boolean(field->truth));
        else if (field->kind != YAML_NULL)
            json_object_set_new(out, field->key, json_string(field->text));
    }
    return true;
}

static bool read_providers(const struct reading *reading, struct error *err)
{
    json_t *providers = definition_keep_value(reading->memory, json_object());

    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        const struct yaml_node *accounts = yaml_find(reading->providers, kinds[i]);
        if (!is_given(accounts))
            continue;
        json_t *kind = json_object();
        json_object_set_new(providers, kinds[i], kind);
        for (size_t j = 0; j < accounts->count; j++) {
            const struct yaml_node *account = &accounts->items[j];
            owned(memory) char *label =
                text_format("storage_providers.%s.%.80s", kinds[i], account->key);
            json_t *fields = json_object();
            json_object_set_new(kind, account->key, fields);
            if (!read_account(reading, account, label, fields, err))
                return false;
        }
    }
    if (json_object_size(providers) > 0)
        reading->out->storage_providers = providers;
    return true;
}

/* --- places --- */

/* One entry of input: or output:, or the option that means the same. */
struct place {
    struct setting setting; /* the path, and who gave it */
    bool is_s3;
    struct storage_path path;
};

struct places {
    struct place all[PLACES_LIMIT];
    size_t count;
};

static inline void places_cleanup(struct places *places)
{
    for (size_t i = 0; i < places->count; i++)
        storage_path_release(&places->all[i].path);
}

static bool add_place(const struct reading *reading, const char *provider,
                      const struct setting *setting, struct places *places, struct error *err)
{
    struct place *place = &places->all[places->count];

    if (places->count == PLACES_LIMIT) {
        error_set(err, ERROR_USAGE, "more than %d", PLACES_LIMIT);
        return setting_blame(reading, setting, err);
    }
    places->count++;
    place->setting = *setting;
    place->is_s3 = storage_path_is_s3(provider);
    storage_path_read(setting->text, &place->path);
    if (!*place->path.bucket)
        error_set(err, ERROR_USAGE, "'%.80s' names no bucket", setting->text);
    else if (!place->is_s3 || definition_rule_bucket(place->path.bucket, err))
        return true;
    return setting_blame(reading, setting, err);
}

static bool check_provider(const struct reading *reading, const char *provider,
                           struct error *err)
{
    const char *dot = strchr(provider, '.');
    const char *id = dot ? dot + 1 : "default";
    size_t length = strcspn(provider, ".");

    if (strcmp(provider, "s3") == 0)
        return true; /* as the function's role */
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strlen(kinds[i]) != length || strncmp(kinds[i], provider, length) != 0)
            continue;
        const json_t *accounts = json_object_get(reading->out->storage_providers, kinds[i]);
        return json_object_get(accounts, id) ||
               error_set(err, ERROR_USAGE, "storage_providers has no %s: %.80s:", kinds[i], id);
    }
    return error_set(err, ERROR_USAGE,
                     "'%.80s': S3 and MinIO are the storages that are "
                     "supported, as s3, s3.NAME and minio.NAME",
                     provider);
}

/* The supervisor takes texts alone: 2024 is a number, "2024" none. */
static bool check_text(const struct reading *reading, const struct yaml_node *node,
                       const char *label, struct error *err)
{
    if (node->kind == YAML_STRING)
        return true;
    error_set(err, ERROR_USAGE, "expected text%s",
              yaml_is_scalar(node) && node->kind != YAML_NULL ? ", which needs quotes here"
                                                              : "");
    return blame(reading, node, label, err);
}

static bool check_filter(const struct reading *reading, const struct yaml_node *output,
                         const char *name, const char *label, struct error *err)
{
    const struct yaml_node *filter = yaml_find(output, name);

    if (!filter || filter->kind == YAML_NULL)
        return true;
    if (filter->kind != YAML_SEQUENCE)
        return check_text(reading, filter, label, err);
    for (size_t i = 0; i < filter->count; i++)
        if (!check_text(reading, &filter->items[i], label, err))
            return false;
    return true;
}

/* `kind` is "input" or "output". */
static bool read_place(const struct reading *reading, const struct yaml_node *entry,
                       const char *kind, struct places *places, struct error *err)
{
    const struct yaml_node *provider = yaml_find(entry, "storage_provider");
    const struct yaml_node *path = yaml_find(entry, "path");
    bool is_output = strcmp(kind, "output") == 0;
    const struct setting setting = {.text = path ? path->text : NULL,
                                    .node = path,
                                    .label = is_output ? "output.path" : "input.path"};

    if (!is_given(provider) || !is_given(path)) {
        error_set(err, ERROR_USAGE, "'%s' is missing",
                  is_given(provider) ? "path" : "storage_provider");
        return blame(reading, entry, kind, err);
    }
    if (!check_provider(reading, provider->text, err)) {
        owned(memory) char *label = text_format("%s.storage_provider", kind);
        return blame(reading, provider, label, err);
    }
    return check_text(reading, path, setting.label, err) &&
           add_place(reading, provider->text, &setting, places, err) &&
           check_filter(reading, entry, "prefix", "output.prefix", err) &&
           check_filter(reading, entry, "suffix", "output.suffix", err);
}

static bool read_places(const struct reading *reading, const char *kind, const char *option,
                        const char *option_label, struct places *places, struct error *err)
{
    const struct yaml_node *entries = yaml_find(reading->lambda, kind);
    const struct setting setting = {.text = option, .label = option_label};

    for (size_t i = 0; entries && i < entries->count; i++)
        if (!read_place(reading, &entries->items[i], kind, places, err))
            return false;
    return !option || add_place(reading, "s3", &setting, places, err);
}

/* --- what goes round in circles --- */

static bool is_within(const struct place *inner, const struct place *outer)
{
    return inner->is_s3 && outer->is_s3 &&
           strcmp(inner->path.bucket, outer->path.bucket) == 0 &&
           strncmp(inner->path.folder, outer->path.folder, strlen(outer->path.folder)) == 0;
}

static bool check_inputs(const struct reading *reading, const struct places *inputs,
                         struct error *err)
{
    for (size_t i = 1; i < inputs->count; i++)
        for (size_t j = 0; j < i; j++) {
            const struct place *one = &inputs->all[i];
            if (!is_within(one, &inputs->all[j]) && !is_within(&inputs->all[j], one))
                continue;
            error_set(err, ERROR_USAGE,
                      "'%.80s' and the input '%.80s' have files in common, for which S3 calls "
                      "nobody twice",
                      one->setting.text, inputs->all[j].setting.text);
            return setting_blame(reading, &one->setting, err);
        }
    return true;
}

static bool check_circles(const struct reading *reading, const struct places *inputs,
                          const struct places *outputs, struct error *err)
{
    for (size_t i = 0; i < outputs->count; i++)
        for (size_t j = 0; j < inputs->count; j++) {
            const struct place *one = &outputs->all[i];
            if (!is_within(one, &inputs->all[j]))
                continue;
            error_set(err, ERROR_USAGE,
                      "'%.80s' is within the input '%.80s', so the function would call itself "
                      "without end",
                      one->setting.text, inputs->all[j].setting.text);
            return setting_blame(reading, &one->setting, err);
        }
    return true;
}

bool definition_read_storage(const struct reading *reading, struct error *err)
{
    const struct definition_options *options = reading->options;
    owned(places) struct places inputs = {0};
    owned(places) struct places outputs = {0};

    return read_providers(reading, err) &&
           read_places(reading, "input", options->input, "--input-bucket", &inputs, err) &&
           read_places(reading, "output", options->output, "--output-bucket", &outputs, err) &&
           check_inputs(reading, &inputs, err) &&
           check_circles(reading, &inputs, &outputs, err);
}
