/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_export.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* --- YAML, of which JSON's texts, numbers and lists are a part --- */

static void add_members(struct text *out, const json_t *object, int depth)
{
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)object, name, value)
    {
        text_addf(out, "%*s%s:", 2 * depth, "", name);
        if (json_object_size(value) > 0) {
            text_add(out, "\n");
            add_members(out, value, depth + 1);
        } else {
            owned(memory) char *text = json_text(value);
            text_addf(out, " %s\n", text);
        }
    }
}

/* --- the template --- */

static void copy_members(json_t *out, const json_t *from)
{
    static const char *const members[] = {
        "FunctionName",     "PackageType",  "Role",        "Description",
        "MemorySize",       "Timeout",      "ImageConfig", "Architectures",
        "Environment",      "VpcConfig",    "Tags",        "FileSystemConfigs",
        "EphemeralStorage", "LoggingConfig"};

    for (size_t i = 0; i < sizeof members / sizeof *members; i++) {
        json_t *value = json_object_get(from, members[i]);
        if (value)
            json_object_set_new(out, members[i], json_deep_copy(value));
    }
}

/* SAM has other names for these, and says of a target what it is. */
static void add_renamed(json_t *out, const json_t *request)
{
    json_t *code = json_object_get(request, "Code");
    const char *key = json_optional_string(request, "KMSKeyArn");
    const char *mode = json_optional_string(json_object_get(request, "TracingConfig"), "Mode");
    const char *letters =
        json_optional_string(json_object_get(request, "DeadLetterConfig"), "TargetArn");

    json_object_set(out, "ImageUri", json_object_get(code, "ImageUri"));
    if (key && *key)
        json_object_set_new(out, "KmsKeyArn", json_string(key));
    if (mode)
        json_object_set_new(out, "Tracing", json_string(mode));
    if (letters && *letters)
        json_object_set_new(out, "DeadLetterQueue",
                            json_pack("{s:s, s:s}", "Type",
                                      strstr(letters, ":sqs:") ? "SQS" : "SNS", "TargetArn",
                                      letters));
}

static json_t *properties_of(const struct function_export *function)
{
    json_t *out = json_object();

    copy_members(out, function->request);
    add_renamed(out, function->request);
    if (function->has_secrets)
        json_object_set_new(json_object_get(json_object_get(out, "Environment"), "Variables"),
                            "FDL", json_pack("{s:s}", "Ref", "FDL"));
    if (function->concurrency != CONCURRENCY_UNRESERVED)
        json_object_set_new(out, "ReservedConcurrentExecutions",
                            json_integer(function->concurrency));
    if (function->alias)
        json_object_set_new(out, "AutoPublishAlias", json_string(function->alias));
    if (function->url)
        json_object_set(out, "FunctionUrlConfig", function->url);
    return out;
}

static json_t *resources_of(const struct function_export *function)
{
    const char *name = json_optional_string(function->request, "FunctionName");
    json_t *resource = json_pack("{s:s}", "Type", "AWS::Serverless::Function");
    json_t *out = json_object();

    if (function->log_retention_days > 0) {
        json_object_set_new(out, "LogGroup",
                            json_pack("{s:s, s:{s:o, s:i}}", "Type", "AWS::Logs::LogGroup",
                                      "Properties", "LogGroupName",
                                      json_sprintf("/aws/lambda/%s", name), "RetentionInDays",
                                      function->log_retention_days));
        json_object_set_new(resource, "DependsOn", json_string("LogGroup"));
    }
    json_object_set_new(resource, "Properties", properties_of(function));
    json_object_set_new(out, "Function", resource);
    return out;
}

char *function_export_sam(const struct function_export *function)
{
    struct text out = {0};
    json_owned json_t *template =
        json_pack("{s:s, s:s}", "AWSTemplateFormatVersion", "2010-09-09", "Transform",
                  "AWS::Serverless-2016-10-31");

    if (function->has_secrets)
        json_object_set_new(
            template, "Parameters",
            json_pack("{s:{s:s, s:b, s:s}}", "FDL", "Type", "String", "NoEcho", 1,
                      "Description",
                      "the definition with the accounts of its storage, in base64: FDL of "
                      "skiff export --format json"));
    json_object_set_new(template, "Resources", resources_of(function));
    add_members(&out, template, 0);
    return text_take(&out);
}
