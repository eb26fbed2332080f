/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_storage.h"

#include <string.h>

#include "lambda/definition_keys.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

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

/* --- accounts ------------------------------------------------------------------------------
 */

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

/* --- outputs ---------------------------------------------------------------------------------
 */

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

static bool check_output(const struct reading *reading, const struct yaml_node *output,
                         struct error *err)
{
    const struct yaml_node *provider = yaml_find(output, "storage_provider");
    const struct yaml_node *path = yaml_find(output, "path");

    if (!is_given(provider) || !is_given(path)) {
        error_set(err, ERROR_USAGE, "'%s' is missing",
                  is_given(provider) ? "path" : "storage_provider");
        return blame(reading, output, "output", err);
    }
    if (!check_provider(reading, provider->text, err))
        return blame(reading, provider, "output.storage_provider", err);
    if (!check_text(reading, path, "output.path", err))
        return false;
    if (path->text[strspn(path->text, "/")] == '\0') {
        error_set(err, ERROR_USAGE, "'%.80s' names no bucket", path->text);
        return blame(reading, path, "output.path", err);
    }
    return check_filter(reading, output, "prefix", "output.prefix", err) &&
           check_filter(reading, output, "suffix", "output.suffix", err);
}

bool definition_read_storage(const struct reading *reading, struct error *err)
{
    const struct yaml_node *outputs = yaml_find(reading->lambda, "output");

    if (!read_providers(reading, err))
        return false;
    for (size_t i = 0; outputs && i < outputs->count; i++)
        if (!check_output(reading, &outputs->items[i], err))
            return false;
    return true;
}
