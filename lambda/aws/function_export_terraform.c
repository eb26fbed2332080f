/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_export.h"

#include <ctype.h>
#include <string.h>

#include "lambda/aws/hcl.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Members of AWS's objects and what the provider calls them; ended by {0}. */
struct name_pair {
    const char *aws;
    const char *terraform;
};

static void rename_members(json_t *out, const json_t *from, const struct name_pair *names)
{
    for (; names->aws; names++) {
        json_t *value = json_object_get(from, names->aws);
        if (value)
            json_object_set(out, names->terraform, value);
    }
}

static const struct name_pair image_names[] = {{"EntryPoint", "entry_point"},
                                               {"Command", "command"},
                                               {"WorkingDirectory", "working_directory"},
                                               {0}};
static const struct name_pair vpc_names[] = {
    {"SubnetIds", "subnet_ids"},
    {"SecurityGroupIds", "security_group_ids"},
    {"Ipv6AllowedForDualStack", "ipv6_allowed_for_dual_stack"},
    {0}};
static const struct name_pair file_names[] = {
    {"Arn", "arn"}, {"LocalMountPath", "local_mount_path"}, {0}};
static const struct name_pair storage_names[] = {{"Size", "size"}, {0}};
static const struct name_pair tracing_names[] = {{"Mode", "mode"}, {0}};
static const struct name_pair letter_names[] = {{"TargetArn", "target_arn"}, {0}};
static const struct name_pair logging_names[] = {
    {"LogFormat", "log_format"},
    {"ApplicationLogLevel", "application_log_level"},
    {"SystemLogLevel", "system_log_level"},
    {"LogGroup", "log_group"},
    {0}};
static const struct name_pair cors_names[] = {{"AllowCredentials", "allow_credentials"},
                                              {"AllowHeaders", "allow_headers"},
                                              {"AllowMethods", "allow_methods"},
                                              {"AllowOrigins", "allow_origins"},
                                              {"ExposeHeaders", "expose_headers"},
                                              {"MaxAge", "max_age"},
                                              {0}};
static const struct name_pair function_names[] = {{"FunctionName", "function_name"},
                                                  {"PackageType", "package_type"},
                                                  {"Role", "role"},
                                                  {"Description", "description"},
                                                  {"MemorySize", "memory_size"},
                                                  {"Timeout", "timeout"},
                                                  {"Architectures", "architectures"},
                                                  {"KMSKeyArn", "kms_key_arn"},
                                                  {"Publish", "publish"},
                                                  {0}};
static const struct {
    const char *aws;
    const char *terraform;
    const struct name_pair *names;
} function_blocks[] = {
    {"ImageConfig", "image_config", image_names},
    {"VpcConfig", "vpc_config", vpc_names},
    {"FileSystemConfigs", "file_system_config", file_names},
    {"EphemeralStorage", "ephemeral_storage", storage_names},
    {"TracingConfig", "tracing_config", tracing_names},
    {"DeadLetterConfig", "dead_letter_config", letter_names},
    {"LoggingConfig", "logging_config", logging_names},
};

/* Identifiers do not begin with a digit or a hyphen. */
static char *label_of(const struct function_export *function)
{
    const char *name = json_optional_string(function->request, "FunctionName");

    return text_format("%s%s", isalpha((unsigned char)*name) ? "" : "f_", name);
}

static void add_resource(struct text *out, const char *type, const char *label, json_t *body)
{
    json_owned json_t *owned_body = body;
    owned(memory) char *head = text_format("resource \"%s\" \"%s\"", type, label);

    hcl_add_block(out, head, owned_body);
}

/* What is there already becomes Terraform's with the first `terraform apply`. */
static void add_import(struct text *out, const char *type, const char *label, const char *id)
{
    json_owned json_t *body =
        json_pack("{s:{s:o}, s:s}", "to", "$", json_sprintf("%s.%s", type, label), "id", id);

    hcl_add_block(out, "import", body);
}

static void add_repository(struct text *out, const struct function_export *function,
                           const char *label)
{
    if (!function->repository)
        return;
    add_import(out, "aws_ecr_repository", label, function->repository);
    add_resource(out, "aws_ecr_repository", label,
                 json_pack("{s:s, s:{s:{s:s}}}", "name", function->repository, "tags", "=",
                           "createdby", "skiff"));
}

static json_t *image_uri(const struct function_export *function, const char *label)
{
    const char *uri =
        json_optional_string(json_object_get(function->request, "Code"), "ImageUri");

    if (!function->repository)
        return json_string(uri);
    owned(memory) char *expression =
        text_format("\"${aws_ecr_repository.%s.repository_url}%s\"", label, strchr(uri, '@'));
    return json_pack("{s:s}", "$", expression);
}

static json_t *environment(const struct function_export *function)
{
    json_t *variables = json_copy(
        json_object_get(json_object_get(function->request, "Environment"), "Variables"));

    if (function->has_secrets)
        json_object_set_new(variables, "FDL", json_pack("{s:s}", "$", "var.fdl"));
    return json_pack("{s:{s:o}}", "variables", "=", variables);
}

static json_t *function_body(const struct function_export *function, const char *label)
{
    const json_t *request = function->request;
    json_t *body = json_object();

    rename_members(body, request, function_names);
    json_object_set_new(body, "image_uri", image_uri(function, label));
    if (function->concurrency != CONCURRENCY_UNRESERVED)
        json_object_set_new(body, "reserved_concurrent_executions",
                            json_integer(function->concurrency));
    if (json_object_get(request, "Tags"))
        json_object_set_new(body, "tags",
                            json_pack("{s:O}", "=", json_object_get(request, "Tags")));
    if (json_object_get(request, "Environment"))
        json_object_set_new(body, "environment", environment(function));
    for (size_t i = 0; i < sizeof function_blocks / sizeof *function_blocks; i++) {
        const json_t *value = json_object_get(request, function_blocks[i].aws);
        /* A function has one file system at most. */
        const json_t *one = json_is_array(value) ? json_array_get(value, 0) : value;
        json_t *block = json_object();
        rename_members(block, one, function_blocks[i].names);
        if (json_object_size(block) > 0)
            json_object_set(body, function_blocks[i].terraform, block);
        json_decref(block);
    }
    return body;
}

/* An expression. */
static json_t *reference(const char *label, const char *attribute)
{
    return json_pack("{s:o}", "$", json_sprintf("aws_lambda_function.%s.%s", label, attribute));
}

static bool is_public(const struct function_export *function)
{
    const char *auth = json_optional_string(function->url, "AuthType");

    return auth && strcmp(auth, "NONE") == 0;
}

/* A URL for everybody needs two; the provider makes the other one with the URL. */
static void add_permission(struct text *out, const char *label)
{
    add_resource(out, "aws_lambda_permission", label,
                 json_pack("{s:s, s:o, s:s, s:s, s:b}", "statement_id",
                           "FunctionURLInvokeAllowPublicAccess", "function_name",
                           reference(label, "function_name"), "action", "lambda:InvokeFunction",
                           "principal", "*", "invoked_via_function_url", 1));
}

static void add_url(struct text *out, const struct function_export *function, const char *label)
{
    static const struct name_pair names[] = {
        {"AuthType", "authorization_type"}, {"InvokeMode", "invoke_mode"}, {0}};
    json_t *body = json_object();
    const json_t *cors = json_object_get(function->url, "Cors");

    if (function->is_deployed)
        add_import(out, "aws_lambda_function_url", label,
                   json_optional_string(function->request, "FunctionName"));
    json_object_set_new(body, "function_name", reference(label, "function_name"));
    rename_members(body, function->url, names);
    if (json_object_size(cors) > 0) {
        json_t *block = json_object();
        rename_members(block, cors, cors_names);
        json_object_set_new(body, "cors", block);
    }
    add_resource(out, "aws_lambda_function_url", label, body);
    if (is_public(function))
        add_permission(out, label);
}

static void add_alias(struct text *out, const struct function_export *function,
                      const char *label)
{
    owned(memory) char *id = text_format(
        "%s/%s", json_optional_string(function->request, "FunctionName"), function->alias);

    if (function->is_deployed)
        add_import(out, "aws_lambda_alias", label, id);
    add_resource(out, "aws_lambda_alias", label,
                 json_pack("{s:s, s:o, s:o}", "name", function->alias, "function_name",
                           reference(label, "function_name"), "function_version",
                           reference(label, "version")));
}

/* The oldest provider that knows all of it. */
static void add_head(struct text *out, const struct function_export *function)
{
    const char *version = is_public(function) ? ">= 6.28" : ">= 5.32";
    json_owned json_t *settings = json_pack("{s:s, s:{s:{s:{s:s, s:s}}}}", "required_version",
                                            ">= 1.5", "required_providers", "aws", "=",
                                            "source", "hashicorp/aws", "version", version);
    json_owned json_t *fdl = json_pack(
        "{s:{s:s}, s:b, s:s}", "type", "$", "string", "sensitive", 1, "description",
        "the definition with the accounts of its storage, in base64: FDL of skiff export "
        "--format json");

    hcl_add_block(out, "terraform", settings);
    if (function->has_secrets)
        hcl_add_block(out, "variable \"fdl\"", fdl);
}

char *function_export_terraform(const struct function_export *function)
{
    struct text out = {0};
    owned(memory) char *label = label_of(function);
    const char *name = json_optional_string(function->request, "FunctionName");

    add_head(&out, function);
    add_repository(&out, function, label);
    if (function->log_retention_days > 0)
        add_resource(&out, "aws_cloudwatch_log_group", label,
                     json_pack("{s:o, s:i}", "name", json_sprintf("/aws/lambda/%s", name),
                               "retention_in_days", function->log_retention_days));
    if (function->is_deployed)
        add_import(&out, "aws_lambda_function", label, name);
    add_resource(&out, "aws_lambda_function", label, function_body(function, label));
    if (function->url)
        add_url(&out, function, label);
    if (function->alias)
        add_alias(&out, function, label);
    return text_take(&out);
}
