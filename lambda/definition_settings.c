/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_settings.h"

#include <string.h>

#include "lambda/definition_rules.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    STORAGE_LEAST_MIB = 512,
    STORAGE_MOST_MIB = 10240,
    CONCURRENCY_MOST = 1000000,
    SUBNETS_LIMIT = 16,
    SECURITY_GROUPS_LIMIT = 5,
    FILE_SYSTEMS_LIMIT = 1,
    WORDS_LIMIT = 1500, /* of an entry point, and of a command */
    CORS_LIMIT = 100,   /* of each of its lists */
    CORS_AGE_MOST_S = 86400,
};

/* A key of a section and the member of Lambda's it becomes. */
struct member {
    const char *key;
    const char *name;
    bool (*rule)(const char *text, struct error *err);
};

static struct setting find(const struct yaml_node *section, const char *key, const char *label)
{
    return setting_choose(NULL, NULL, section, key, label);
}

static bool too_many(const struct reading *reading, const struct setting *list, int most,
                     struct error *err)
{
    error_set(err, ERROR_USAGE, "more than %d", most);
    return setting_blame(reading, list, err);
}

/* --- single values --- */

static bool read_text(const struct reading *reading, const char *key,
                      bool (*rule)(const char *text, struct error *err), const char **out,
                      struct error *err)
{
    const struct setting setting = find(reading->lambda, key, key);

    if (!setting.node)
        return true;
    if (!rule(setting.text, err))
        return setting_blame(reading, &setting, err);
    *out = definition_keep(reading->memory, memory_copy_string(setting.text));
    return true;
}

static bool read_number(const struct reading *reading, const char *key, int least, int most,
                        const char *unit, int *out, struct error *err)
{
    const struct setting setting = find(reading->lambda, key, key);

    if (!setting.node)
        return true;
    if (!definition_rule_range(setting.node->integer, least, most, unit, err))
        return setting_blame(reading, &setting, err);
    *out = (int)setting.node->integer;
    return true;
}

/* The members of `section` that are given, each by its rule, into `out`. */
static bool read_members(const struct reading *reading, const struct yaml_node *section,
                         const char *section_label, const struct member *members, json_t *out,
                         struct error *err)
{
    for (; members->key; members++) {
        owned(memory) char *label = text_format("%s.%s", section_label, members->key);
        const struct setting setting = find(section, members->key, label);
        if (!setting.node)
            continue;
        if (members->rule && !members->rule(setting.text, err))
            return setting_blame(reading, &setting, err);
        json_object_set_new(out, members->name, json_string(setting.text));
    }
    return true;
}

/* A list of texts; numbers in it are meant as they are written. */
static bool read_list(const struct reading *reading, const struct yaml_node *section,
                      const char *section_label, const struct member *member, int most,
                      json_t *out, struct error *err)
{
    owned(memory) char *label = text_format("%s.%s", section_label, member->key);
    const struct setting list = find(section, member->key, label);

    if (!list.node)
        return true;
    if (list.node->count > (size_t)most)
        return too_many(reading, &list, most, err);
    json_t *texts = json_array();
    for (size_t i = 0; i < list.node->count; i++)
        json_array_append_new(texts, json_string(list.node->items[i].text));
    json_object_set_new(out, member->name, texts);
    return true;
}

/* --- network and files --- */

static bool check_each(const struct reading *reading, const struct setting *list,
                       bool (*rule)(const char *text, struct error *err), struct error *err)
{
    for (size_t i = 0; i < list->node->count; i++) {
        const struct setting one = {.node = &list->node->items[i], .label = list->label};
        if (!rule(one.node->text, err))
            return setting_blame(reading, &one, err);
    }
    return true;
}

static bool read_vpc(const struct reading *reading, struct error *err)
{
    const struct setting vpc = find(reading->lambda, "vpc", "vpc");
    const struct setting subnets = find(vpc.node, "SubnetIds", "vpc.SubnetIds");
    const struct setting groups = find(vpc.node, "SecurityGroupIds", "vpc.SecurityGroupIds");

    if (!vpc.node)
        return true;
    if (subnets.node && subnets.node->count > SUBNETS_LIMIT)
        return too_many(reading, &subnets, SUBNETS_LIMIT, err);
    if (groups.node && groups.node->count > SECURITY_GROUPS_LIMIT)
        return too_many(reading, &groups, SECURITY_GROUPS_LIMIT, err);
    if (!subnets.node || !groups.node || subnets.node->count == 0 || groups.node->count == 0) {
        error_set(err, ERROR_USAGE,
                  "needs SubnetIds and SecurityGroupIds, one of each at least");
        return setting_blame(reading, &vpc, err);
    }
    if (!check_each(reading, &subnets, definition_rule_subnet, err) ||
        !check_each(reading, &groups, definition_rule_security_group, err))
        return false;
    reading->out->vpc = definition_keep_value(reading->memory, yaml_to_json(vpc.node));
    return true;
}

static bool read_file_system(const struct reading *reading, struct error *err)
{
    static const struct member members[] = {
        {"Arn", "Arn", definition_rule_access_point},
        {"LocalMountPath", "LocalMountPath", definition_rule_mount_path},
        {0},
    };
    const struct setting files = find(reading->lambda, "file_system", "file_system");

    if (!files.node || files.node->count == 0)
        return true;
    if (files.node->count > FILE_SYSTEMS_LIMIT) {
        error_set(err, ERROR_USAGE, "a function has %d at most", FILE_SYSTEMS_LIMIT);
        return setting_blame(reading, &files, err);
    }
    if (!reading->out->vpc) {
        error_set(err, ERROR_USAGE, "is only reached from a VPC, and vpc is missing");
        return setting_blame(reading, &files, err);
    }

    json_t *list = definition_keep_value(reading->memory, json_array());
    json_t *one = json_object();
    json_array_append_new(list, one);
    if (!read_members(reading, &files.node->items[0], files.label, members, one, err))
        return false;
    if (json_object_size(one) < 2) {
        error_set(err, ERROR_USAGE, "needs Arn and LocalMountPath");
        return setting_blame(reading, &files, err);
    }
    reading->out->file_system = list;
    return true;
}

/* --- how the image runs and logs --- */

static bool read_image_config(const struct reading *reading, struct error *err)
{
    static const struct member entry_point = {"entry_point", "EntryPoint", NULL};
    static const struct member command = {"command", "Command", NULL};
    static const struct member members[] = {
        {"working_directory", "WorkingDirectory", definition_rule_working_directory},
        {0},
    };
    const struct setting config = find(reading->lambda, "image_config", "image_config");

    if (!config.node || config.node->count == 0)
        return true;
    json_t *out = definition_keep_value(reading->memory, json_object());
    if (!read_list(reading, config.node, config.label, &entry_point, WORDS_LIMIT, out, err) ||
        !read_list(reading, config.node, config.label, &command, WORDS_LIMIT, out, err) ||
        !read_members(reading, config.node, config.label, members, out, err))
        return false;
    if (json_object_size(out) > 0)
        reading->out->image_config = out;
    return true;
}

static bool read_logging(const struct reading *reading, struct error *err)
{
    static const struct member members[] = {
        {"format", "LogFormat", definition_rule_log_format},
        {"application_level", "ApplicationLogLevel", definition_rule_application_level},
        {"system_level", "SystemLogLevel", definition_rule_system_level},
        {"group", "LogGroup", definition_rule_log_group},
        {0},
    };
    const struct setting logging = find(reading->lambda, "logging", "logging");

    if (!logging.node || logging.node->count == 0)
        return true;
    json_t *out =
        definition_keep_value(reading->memory, json_pack("{s:s}", "LogFormat", "Text"));
    if (!read_members(reading, logging.node, logging.label, members, out, err))
        return false;
    bool has_level =
        json_object_get(out, "ApplicationLogLevel") || json_object_get(out, "SystemLogLevel");
    bool is_text = strcmp(json_string_value(json_object_get(out, "LogFormat")), "Text") == 0;
    if (has_level && is_text) {
        error_set(err, ERROR_USAGE, "levels need 'format: JSON'");
        return setting_blame(reading, &logging, err);
    }
    reading->out->logging = out;
    return true;
}

/* --- how it is reached --- */

static bool read_cors(const struct reading *reading, const struct yaml_node *section,
                      json_t *out, struct error *err)
{
    static const struct member lists[] = {
        {"allow_headers", "AllowHeaders", NULL},
        {"allow_methods", "AllowMethods", NULL},
        {"allow_origins", "AllowOrigins", NULL},
        {"expose_headers", "ExposeHeaders", NULL},
        {0},
    };
    const struct yaml_node *credentials = yaml_find(section, "allow_credentials");
    const struct setting age = find(section, "max_age", "function_url.cors.max_age");

    for (const struct member *list = lists; list->key; list++)
        if (!read_list(reading, section, "function_url.cors", list, CORS_LIMIT, out, err))
            return false;
    if (credentials)
        json_object_set_new(out, "AllowCredentials", json_boolean(credentials->truth));
    if (!age.node)
        return true;
    if (!definition_rule_range(age.node->integer, 0, CORS_AGE_MOST_S, "seconds", err))
        return setting_blame(reading, &age, err);
    json_object_set_new(out, "MaxAge", json_integer(age.node->integer));
    return true;
}

static bool read_function_url(const struct reading *reading, struct error *err)
{
    static const struct member members[] = {
        {"auth", "AuthType", definition_rule_url_auth},
        {"invoke_mode", "InvokeMode", definition_rule_invoke_mode},
        {0},
    };
    const struct yaml_node *section = yaml_find(reading->lambda, "function_url");
    const struct yaml_node *cors = yaml_find(section, "cors");

    if (!section)
        return true;
    json_t *out =
        definition_keep_value(reading->memory, json_pack("{s:s, s:s}", "AuthType", "AWS_IAM",
                                                         "InvokeMode", "BUFFERED"));
    if (!read_members(reading, section, "function_url", members, out, err))
        return false;
    if (cors) {
        json_t *inner = json_object();
        json_object_set_new(out, "Cors", inner);
        if (!read_cors(reading, cors, inner, err))
            return false;
    }
    reading->out->function_url = out;
    return true;
}

static bool read_release(const struct reading *reading, struct error *err)
{
    const struct yaml_node *publish = yaml_find(reading->lambda, "publish");

    if (!read_text(reading, "alias", definition_rule_alias, &reading->out->alias, err))
        return false;
    /* An alias names a version, so there has to be one. */
    reading->out->publish = reading->out->alias || (publish && publish->truth);
    return true;
}

bool definition_read_settings(const struct reading *reading, struct error *err)
{
    struct definition *out = reading->out;

    out->ephemeral_storage_mib = STORAGE_LEAST_MIB;
    out->concurrency = CONCURRENCY_UNRESERVED;
    out->tracing = "PassThrough";
    return read_vpc(reading, err) && read_file_system(reading, err) &&
           read_image_config(reading, err) && read_logging(reading, err) &&
           read_function_url(reading, err) && read_release(reading, err) &&
           read_number(reading, "ephemeral_storage", STORAGE_LEAST_MIB, STORAGE_MOST_MIB, "MiB",
                       &out->ephemeral_storage_mib, err) &&
           read_number(reading, "concurrency", 0, CONCURRENCY_MOST, "at the same time",
                       &out->concurrency, err) &&
           read_text(reading, "kms_key_arn", definition_rule_key, &out->kms_key, err) &&
           read_text(reading, "tracing", definition_rule_tracing, &out->tracing, err) &&
           read_text(reading, "dead_letter", definition_rule_dead_letter, &out->dead_letter,
                     err);
}
