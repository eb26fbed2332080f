/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_keys.h"

#include <stdio.h>
#include <string.h>

enum {
    KEY_LENGTH = 64,    /* longer ones are nobody's typing error */
    LABEL_LENGTH = 160, /* "container.environment.Variables" */
};

enum key_type {
    KEY_ANYTHING,
    KEY_TEXT, /* any scalar, as written */
    KEY_NUMBER,
    KEY_FLAG,
    KEY_WORD,      /* text without blanks */
    KEY_WORDS,     /* a list of them */
    KEY_TEXTS,     /* a list of texts */
    KEY_VARIABLES, /* names with text */
    KEY_SECTION,   /* a mapping */
    KEY_SECTIONS,  /* a list of mappings */
};

enum key_use { KEY_USED, KEY_SILENT, KEY_WARNED };

struct key {
    const char *name;
    enum key_use use;
    enum key_type type;
    const char *words;       /* KEY_USED: what is expected; KEY_WARNED: why it has no effect */
    const char *harmless;    /* KEY_WARNED: the value that needs no warning */
    const struct key *inner; /* of a section; NULL: not looked into */
};

/* clang-format off */
#define USED(name, type, expected) {name, KEY_USED, type, expected, NULL, NULL}
#define SECTION(name, type, expected, inner) {name, KEY_USED, type, expected, NULL, inner}
#define WARNED(name, why, harmless) {name, KEY_WARNED, KEY_ANYTHING, why, harmless, NULL}
#define SILENT(name) {name, KEY_SILENT, KEY_ANYTHING, NULL, NULL, NULL}
/* clang-format on */

#define NOT_YET "not supported yet, so it has no effect"
#define NO_STORAGE "S3 and MinIO are the storages that are supported, so it has no effect"
#define NO_GATEWAY                                                                             \
    "skiff makes no API Gateway, so it has no effect; function_url: in the lambda section "    \
    "gives the function an address"
#define PROFILE "it has no effect; give --profile instead, or set AWS_PROFILE"

static const struct key environment_keys[] = {
    USED("Variables", KEY_VARIABLES, "names with values"),
    {0},
};

static const struct key copy_keys[] = {
    USED("src", KEY_TEXT, "the path of a folder or file"),
    USED("dest", KEY_TEXT, "a path in the image"),
    USED("mode", KEY_TEXT, "an octal mode such as 0644"),
    {0},
};

static const struct key container_keys[] = {
    USED("image", KEY_TEXT, "the name of an image"),
    USED("create_image", KEY_FLAG, "true or false"),
    SECTION("environment", KEY_SECTION, "a mapping", environment_keys),
    SECTION("copy", KEY_SECTIONS, "a list, its entries begin with '- src:'", copy_keys),
    USED("timeout_threshold", KEY_NUMBER, "a number of seconds"),
    USED("image_file", KEY_TEXT, "the name of a file"),
    SILENT("alpine"),
    SILENT("init_script"),
    SILENT("extra_payload"),
    {0},
};

static const struct key supervisor_keys[] = {
    USED("mode", KEY_TEXT, "scar, raw, http or none"),
    USED("port", KEY_NUMBER, "the number of a port"),
    USED("on_error", KEY_TEXT, "respond or fail"),
    SILENT("version"),
    SILENT("layer_name"),
    SILENT("license_info"),
    {0},
};

static const struct key vpc_keys[] = {
    USED("SubnetIds", KEY_WORDS, "a list of subnets, one to a line"),
    USED("SecurityGroupIds", KEY_WORDS, "a list of groups, one to a line"),
    USED("Ipv6AllowedForDualStack", KEY_FLAG, "true or false"),
    {0},
};

static const struct key file_system_keys[] = {
    USED("Arn", KEY_TEXT, "the ARN of an access point"),
    USED("LocalMountPath", KEY_TEXT, "a path such as /mnt/data"),
    {0},
};

static const struct key image_config_keys[] = {
    USED("entry_point", KEY_TEXTS, "a list of words"),
    USED("command", KEY_TEXTS, "a list of words"),
    USED("working_directory", KEY_TEXT, "a path in the image"),
    {0},
};

static const struct key logging_keys[] = {
    USED("format", KEY_TEXT, "Text or JSON"),
    USED("application_level", KEY_TEXT, "a level such as INFO"),
    USED("system_level", KEY_TEXT, "a level such as INFO"),
    USED("group", KEY_TEXT, "the name of a log group"),
    {0},
};

static const struct key cors_keys[] = {
    USED("allow_credentials", KEY_FLAG, "true or false"),
    USED("allow_headers", KEY_WORDS, "a list of headers"),
    USED("allow_methods", KEY_WORDS, "a list of methods"),
    USED("allow_origins", KEY_WORDS, "a list of origins"),
    USED("expose_headers", KEY_WORDS, "a list of headers"),
    USED("max_age", KEY_NUMBER, "a number of seconds"),
    {0},
};

static const struct key function_url_keys[] = {
    USED("auth", KEY_TEXT, "NONE or AWS_IAM"),
    USED("invoke_mode", KEY_TEXT, "BUFFERED or RESPONSE_STREAM"),
    SECTION("cors", KEY_SECTION, "a mapping", cors_keys),
    {0},
};

static const struct key input_keys[] = {
    USED("storage_provider", KEY_WORD, "s3, s3.NAME or minio.NAME"),
    USED("path", KEY_TEXT, "bucket/folder"),
    {0},
};

static const struct key output_keys[] = {
    USED("storage_provider", KEY_WORD, "s3, s3.NAME or minio.NAME"),
    USED("path", KEY_TEXT, "bucket/folder"),
    USED("prefix", KEY_ANYTHING, "a list of texts"),
    USED("suffix", KEY_ANYTHING, "a list of texts"),
    {0},
};

static const struct key lambda_keys[] = {
    USED("name", KEY_TEXT, "the name of the function"),
    USED("description", KEY_TEXT, "text"),
    USED("memory", KEY_NUMBER, "a number of MiB"),
    USED("timeout", KEY_NUMBER, "a number of seconds"),
    USED("init_script", KEY_TEXT, "the path of a script"),
    USED("extra_payload", KEY_TEXT, "the path of a folder"),
    SECTION("container", KEY_SECTION, "a mapping with image: in it", container_keys),
    SECTION("environment", KEY_SECTION, "a mapping", environment_keys),
    USED("architectures", KEY_WORDS, "a list of x86_64 and arm64"),
    USED("region", KEY_TEXT, "a region such as us-east-1"),
    USED("log_level", KEY_TEXT, "a level such as INFO"),
    USED("tags", KEY_VARIABLES, "names with values"),
    USED("file_stage_in", KEY_FLAG, "true or false"),
    USED("download_input", KEY_FLAG, "true or false"),
    SECTION("vpc", KEY_SECTION, "a mapping with SubnetIds: in it", vpc_keys),
    SECTION("input", KEY_SECTIONS, "a list, its entries begin with '- storage_provider:'",
            input_keys),
    SECTION("output", KEY_SECTIONS, "a list, its entries begin with '- storage_provider:'",
            output_keys),
    SECTION("file_system", KEY_SECTIONS, "a list, its entries begin with '- Arn:'",
            file_system_keys),
    SECTION("image_config", KEY_SECTION, "a mapping", image_config_keys),
    USED("ephemeral_storage", KEY_NUMBER, "a number of MiB"),
    USED("kms_key_arn", KEY_TEXT, "the ARN of a key"),
    USED("tracing", KEY_TEXT, "Active or PassThrough"),
    USED("dead_letter", KEY_TEXT, "the ARN of a queue or topic"),
    SECTION("logging", KEY_SECTION, "a mapping", logging_keys),
    USED("concurrency", KEY_NUMBER, "a number of runs at the same time"),
    SECTION("function_url", KEY_SECTION, "a mapping with auth: in it", function_url_keys),
    USED("publish", KEY_FLAG, "true or false"),
    USED("alias", KEY_TEXT, "the name of an alias"),

    WARNED("runtime", "skiff always makes images, so it has no effect", "image"),
    WARNED("execution_mode", NOT_YET, "lambda"),
    WARNED("boto_profile", PROFILE, "default"),
    WARNED("run_script", NOT_YET, NULL),
    WARNED("preheat", NOT_YET, NULL),

    SECTION("supervisor", KEY_SECTION, "a mapping", supervisor_keys),
    SILENT("layers"),
    SILENT("deployment"),
    SILENT("handler"),
    SILENT("invocation_type"),
    SILENT("log_type"),
    SILENT("asynchronous"),
    {0},
};

static const struct key iam_keys[] = {
    USED("role", KEY_TEXT, "the ARN of a role"),
    WARNED("boto_profile", PROFILE, "default"),
    {0},
};

static const struct key ecr_keys[] = {
    USED("delete_image", KEY_FLAG, "true or false"),
    {0},
};

static const struct key cloudwatch_keys[] = {
    USED("log_retention_policy_in_days", KEY_NUMBER, "a number of days"),
    WARNED("boto_profile", PROFILE, "default"),
    SILENT("region"),
    {0},
};

static const struct key api_gateway_keys[] = {
    WARNED("name", NO_GATEWAY, NULL),
    WARNED("boto_profile", PROFILE, "default"),
    SILENT("region"),
    SILENT("endpoint"),
    SILENT("request_parameters"),
    SILENT("http_method"),
    SILENT("method"),
    SILENT("integration"),
    SILENT("path_part"),
    SILENT("stage_name"),
    SILENT("service_id"),
    SILENT("source_arn_testing"),
    SILENT("source_arn_invocation"),
    {0},
};

static const struct key function_keys[] = {
    SECTION("lambda", KEY_SECTION, "a mapping with name: and container: in it", lambda_keys),
    SECTION("iam", KEY_SECTION, "a mapping with role: in it", iam_keys),
    SECTION("ecr", KEY_SECTION, "a mapping", ecr_keys),
    SECTION("cloudwatch", KEY_SECTION, "a mapping", cloudwatch_keys),
    SECTION("api_gateway", KEY_SECTION, "a mapping", api_gateway_keys),
    SILENT("s3"),
    SILENT("batch"),
    {0},
};

static const struct key functions_keys[] = {
    SECTION("aws", KEY_SECTIONS, "a list, its entries begin with '- lambda:'", function_keys),
    WARNED("oscar", NOT_YET, NULL),
    {0},
};

static const struct key storage_keys[] = {
    USED("s3", KEY_SECTION, "a mapping of names to accounts"),
    USED("minio", KEY_SECTION, "a mapping of names to accounts"),
    WARNED("onedata", NO_STORAGE, NULL),
    WARNED("webdav", NO_STORAGE, NULL),
    WARNED("rucio", NO_STORAGE, NULL),
    {0},
};

static const struct key file_keys[] = {
    SECTION("functions", KEY_SECTION, "a mapping with aws: in it", functions_keys),
    SECTION("storage_providers", KEY_SECTION, "a mapping with s3: or minio: in it",
            storage_keys),
    {0},
};

/* Where a key that stands in the wrong place may belong. */
static const struct {
    const char *prefix;
    const struct key *keys;
} sections[] = {
    {"lambda.", lambda_keys}, {"lambda.container.", container_keys},
    {"iam.", iam_keys},       {"ecr.", ecr_keys},
    {"", function_keys},      {"cloudwatch.", cloudwatch_keys},
};

struct checker {
    const char *path;
    struct progress *progress;
};

bool definition_keys_place(struct error *err, const char *path, const struct yaml_node *node,
                           const char *label)
{
    return error_wrap(err, "%.200s:%u:%u: %s", path, node->line, node->column, label);
}

/* --- the key that was probably meant --- */

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Typing errors between the two: letters missing, added, changed or swapped with their
 * neighbour. */
static size_t typing_errors(const char *a, const char *b)
{
    size_t rows[3][KEY_LENGTH + 1];
    size_t *before = rows[0], *above = rows[1], *row = rows[2];
    size_t width = strlen(b);

    for (size_t j = 0; j <= width; j++)
        above[j] = j;
    for (size_t i = 1; a[i - 1]; i++) {
        row[0] = i;
        for (size_t j = 1; j <= width; j++) {
            size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
            row[j] = least(changed, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least(row[j], before[j - 2] + 1);
        }
        size_t *oldest = before;
        before = above;
        above = row;
        row = oldest;
    }
    return above[width];
}

/* The key with fewer than `*fewest` typing errors, and fewest of all; NULL when there is none.
 */
static const struct key *find_nearer(const struct key *keys, const char *name, size_t *fewest)
{
    const struct key *nearest = NULL;

    for (; keys->name; keys++) {
        size_t errors = *fewest > 0 ? typing_errors(name, keys->name) : 0;
        if (errors >= *fewest)
            continue;
        *fewest = errors;
        nearest = keys;
    }
    return nearest;
}

static const struct key *find_key(const struct key *keys, const char *name)
{
    for (; keys->name; keys++)
        if (strcmp(keys->name, name) == 0)
            return keys;
    return NULL;
}

/* Misspelt, or right but in the wrong place: in doubt it was meant for this section. */
static void warn_of_unknown(const struct checker *checker, const struct key *keys,
                            const struct yaml_node *item)
{
    size_t length = strlen(item->key);
    size_t fewest = length > KEY_LENGTH ? 0 : length / 3 + 1; /* more, and it is another word */
    const char *prefix = "";
    const struct key *meant = find_nearer(keys, item->key, &fewest);

    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++) {
        const struct key *other = find_nearer(sections[i].keys, item->key, &fewest);
        if (!other)
            continue;
        meant = other;
        prefix = sections[i].prefix;
    }
    progress_warn(checker->progress, "%.200s:%u:%u: unknown key '%.80s'%s%s%s%s", checker->path,
                  item->key_line, item->key_column, item->key, meant ? "; did you mean '" : "",
                  prefix, meant ? meant->name : "", meant ? "'?" : "");
}

/* --- types --- */

static const struct yaml_node *find_culprit(enum key_type type, const struct yaml_node *node);

static const struct yaml_node *find_culprit_inside(enum yaml_kind kind, enum key_type inner,
                                                   const struct yaml_node *node)
{
    const struct yaml_node *culprit = node->kind == kind ? NULL : node;

    for (size_t i = 0; i < node->count && !culprit; i++)
        culprit = find_culprit(inner, &node->items[i]);
    return culprit;
}

/* The node that is not as the type wants it: this one, one inside, or none. */
static const struct yaml_node *find_culprit(enum key_type type, const struct yaml_node *node)
{
    bool fits = true;

    switch (type) {
    case KEY_ANYTHING:
        break;
    case KEY_TEXT:
        fits = yaml_is_scalar(node);
        break;
    case KEY_WORD:
        fits = yaml_is_scalar(node) && node->kind != YAML_NULL && !strchr(node->text, ' ');
        break;
    case KEY_NUMBER:
        fits = node->kind == YAML_INTEGER;
        break;
    case KEY_FLAG:
        fits = node->kind == YAML_BOOLEAN;
        break;
    case KEY_SECTION:
        fits = node->kind == YAML_MAPPING;
        break;
    case KEY_WORDS:
        return find_culprit_inside(YAML_SEQUENCE, KEY_WORD, node);
    case KEY_TEXTS:
        return find_culprit_inside(YAML_SEQUENCE, KEY_TEXT, node);
    case KEY_VARIABLES:
        return find_culprit_inside(YAML_MAPPING, KEY_TEXT, node);
    case KEY_SECTIONS:
        return find_culprit_inside(YAML_SEQUENCE, KEY_SECTION, node);
    }
    return fits ? NULL : node;
}

static bool check_type(const struct checker *checker, const struct key *key, const char *label,
                       const struct yaml_node *node, struct error *err)
{
    const struct yaml_node *culprit = find_culprit(key->type, node);

    if (!culprit)
        return true;
    if (culprit->kind == YAML_NULL)
        error_set(err, ERROR_USAGE, "expected %s, found nothing", key->words);
    else if (!yaml_is_scalar(culprit))
        error_set(err, ERROR_USAGE, "expected %s, found a %s", key->words,
                  culprit->kind == YAML_SEQUENCE ? "list" : "mapping");
    else if (key->type == KEY_VARIABLES || key->type == KEY_SECTION)
        error_set(err, ERROR_USAGE, "expected %s, found text", key->words); /* may be secret */
    else
        error_set(err, ERROR_USAGE, "expected %s, found %s'%.80s'", key->words,
                  culprit->is_quoted ? "the text " : "", culprit->text);
    return definition_keys_place(err, checker->path, culprit, label);
}

/* --- the walk --- */

/* Whether leaving the value unused changes nothing. */
static bool is_harmless(const struct key *key, const struct yaml_node *node)
{
    if (node->kind == YAML_BOOLEAN)
        return !node->truth;
    if (!yaml_is_scalar(node))
        return node->count == 0;
    return node->text[0] == '\0' || (key->harmless && strcmp(node->text, key->harmless) == 0);
}

static bool check_section(const struct checker *checker, const struct yaml_node *section,
                          const struct key *keys, const char *label, struct error *err);

static bool check_inside(const struct checker *checker, const struct key *key,
                         const char *label, const struct yaml_node *node, struct error *err)
{
    /* The frame, the same in every file, is not told. */
    bool is_frame = key->inner == functions_keys || key->inner == function_keys ||
                    key->inner == lambda_keys;
    const char *inside = is_frame ? "" : label;

    if (node->kind == YAML_MAPPING)
        return check_section(checker, node, key->inner, inside, err);
    for (size_t i = 0; i < node->count; i++)
        if (!check_section(checker, &node->items[i], key->inner, inside, err))
            return false;
    return true;
}

static bool check_value(const struct checker *checker, const struct key *key,
                        const char *section, const struct yaml_node *node, struct error *err)
{
    char label[LABEL_LENGTH];

    snprintf(label, sizeof label, "%s%s%s", section, section[0] ? "." : "", key->name);
    if (node->kind == YAML_NULL || key->use == KEY_SILENT)
        return true;
    if (key->use == KEY_USED)
        return check_type(checker, key, label, node, err) &&
               (!key->inner || check_inside(checker, key, label, node, err));
    if (!is_harmless(key, node))
        progress_warn(checker->progress, "%.200s:%u:%u: %s: %s", checker->path, node->key_line,
                      node->key_column, label, key->words);
    return true;
}

static bool check_section(const struct checker *checker, const struct yaml_node *section,
                          const struct key *keys, const char *label, struct error *err)
{
    for (size_t i = 0; i < section->count; i++) {
        const struct yaml_node *item = &section->items[i];
        const struct key *key = find_key(keys, item->key);

        if (!key)
            warn_of_unknown(checker, keys, item);
        else if (!check_value(checker, key, label, item, err))
            return false;
    }
    return true;
}

const struct yaml_node *definition_keys_functions(const struct yaml_node *root)
{
    return yaml_find(yaml_find(root, "functions"), "aws");
}

bool definition_keys_check(const char *path, const struct yaml_node *root,
                           struct progress *progress, struct error *err)
{
    const struct checker checker = {.path = path, .progress = progress};

    if (root->kind == YAML_MAPPING && !check_section(&checker, root, file_keys, "", err))
        return false;

    const struct yaml_node *functions = definition_keys_functions(root);
    const struct yaml_node *inside = yaml_find(root, "functions");
    if (functions && functions->count > 0)
        return true;
    error_set(err, ERROR_USAGE, "no function: a file begins with functions: aws: - lambda:");
    return error_wrap(err, "%.200s:%u:%u", path, inside ? inside->line : root->line,
                      inside ? inside->column : root->column);
}
