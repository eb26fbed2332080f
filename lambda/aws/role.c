/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/role.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/signer/storage_path.h"
#include "lambda/signer/xml_text.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { NAME_LENGTH = 64, ARN_LENGTH = 256 };

static const char PATH[] = "/skiff/";
static const char POLICY[] = "skiff";
static const char TRUST[] =
    "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Principal\":{"
    "\"Service\":\"lambda.amazonaws.com\"},\"Action\":\"sts:AssumeRole\"}]}";

/* A name and its value for a form, ended by {0}. */
struct field {
    const char *name;
    const char *value;
};

static bool ask(const struct aws *aws, const char *operation, const struct field *fields,
                struct aws_answer *answer, struct error *err)
{
    owned(text) struct text form = {0};
    const struct aws_call call = {
        .service = "iam",
        .operation = operation,
        .content_type = "application/x-www-form-urlencoded; charset=utf-8",
    };

    text_addf(&form, "Action=%s&Version=2010-05-08", operation);
    for (; fields->name; fields++) {
        text_addf(&form, "&%s=", fields->name);
        text_add_escaped(&form, fields->value, "");
    }
    return aws_send(aws, &call, text_string(&form), form.length, answer, NULL, err);
}

static bool change(const struct aws *aws, const char *operation, const struct field *fields,
                   struct error *err)
{
    owned(aws_answer) struct aws_answer answer = {0};

    return ask(aws, operation, fields, &answer, err);
}

static char *role_name(const struct aws *aws, const char *function)
{
    return text_format("%s-%s", function, aws->region);
}

/* --- what it may do --- */

static void allow(json_t *statements, const char *const *actions, const char *resource)
{
    json_array_append_new(statements, json_pack("{s:s, s:o, s:s}", "Effect", "Allow", "Action",
                                                json_strings(actions), "Resource", resource));
}

static void allow_logging(json_t *statements, const char *arn, const char *region,
                          const struct definition *definition)
{
    static const char *const actions[] = {"logs:CreateLogStream", "logs:PutLogEvents", NULL};
    const char *given = json_optional_string(definition->logging, "LogGroup");
    owned(memory) char *usual = text_format("/aws/lambda/%s", definition->name);
    /* "arn:<partition>:iam::<account>:role/…" */
    const char *partition = arn + strlen("arn:");
    const char *account = strstr(arn, ":iam::");
    size_t account_length = account ? strcspn(account + 6, ":") : 0;
    owned(memory) char *group = text_format(
        "arn:%.*s:logs:%s:%.*s:log-group:%s:*", (int)strcspn(partition, ":"), partition, region,
        (int)account_length, account ? account + 6 : "", given ? given : usual);

    allow(statements, actions, group);
}

static void allow_network(json_t *statements, const struct definition *definition)
{
    static const char *const actions[] = {
        "ec2:AssignPrivateIpAddresses",
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSubnets",
        "ec2:UnassignPrivateIpAddresses",
        NULL,
    };
    static const char *const mounting[] = {"elasticfilesystem:ClientMount",
                                           "elasticfilesystem:ClientWrite", NULL};
    const json_t *files = json_array_get(definition->file_system, 0);
    const char *access_point = json_optional_string(files, "Arn");

    if (definition->vpc)
        allow(statements, actions, "*");
    if (!access_point)
        return;
    json_array_append_new(statements,
                          json_pack("{s:s, s:o, s:s, s:{s:{s:s}}}", "Effect", "Allow", "Action",
                                    json_strings(mounting), "Resource", "*", "Condition",
                                    "StringEquals", "elasticfilesystem:AccessPointArn",
                                    access_point));
}

static void allow_services(json_t *statements, const struct definition *definition)
{
    static const char *const tracing[] = {"xray:PutTelemetryRecords", "xray:PutTraceSegments",
                                          NULL};
    static const char *const sending[] = {"sqs:SendMessage", NULL};
    static const char *const publishing[] = {"sns:Publish", NULL};
    static const char *const decrypting[] = {"kms:Decrypt", NULL};
    const char *letters = definition->dead_letter;

    if (definition->tracing && strcmp(definition->tracing, "Active") == 0)
        allow(statements, tracing, "*");
    if (letters)
        allow(statements, strstr(letters, ":sqs:") ? sending : publishing, letters);
    if (definition->kms_key)
        allow(statements, decrypting, definition->kms_key);
}

/* Files of the places of one kind that are reached as the function itself. */
static void allow_places(json_t *statements, const char *arn, const json_t *places,
                         const char *const *actions)
{
    const char *partition = arn + strlen("arn:");
    const json_t *place = NULL;
    size_t i;

    json_array_foreach(places, i, place)
    {
        const char *provider = json_optional_string(place, "storage_provider");
        const char *path = json_optional_string(place, "path");
        owned(storage_path) struct storage_path read = {0};
        if (!provider || !path || strcmp(provider, "s3") != 0)
            continue;
        storage_path_read(path, &read);
        owned(memory) char *files =
            text_format("arn:%.*s:s3:::%s/%s*", (int)strcspn(partition, ":"), partition,
                        read.bucket, read.folder);
        allow(statements, actions, files);
    }
}

static void allow_storage(json_t *statements, const char *arn,
                          const struct definition *definition)
{
    static const char *const reading[] = {"s3:GetObject", NULL};
    static const char *const writing[] = {"s3:AbortMultipartUpload", "s3:PutObject", NULL};

    allow_places(statements, arn, json_object_get(definition->config, "input"), reading);
    allow_places(statements, arn, json_object_get(definition->config, "output"), writing);
}

json_t *role_policy(const char *arn, const char *region, const struct definition *definition)
{
    json_t *statements = json_array();

    allow_logging(statements, arn, region, definition);
    allow_network(statements, definition);
    allow_services(statements, definition);
    allow_storage(statements, arn, definition);
    return json_pack("{s:s, s:o}", "Version", "2012-10-17", "Statement", statements);
}

/* --- making and removing --- */

bool role_is_ours(const struct aws *aws, const char *arn, const char *function)
{
    owned(memory) char *name = role_name(aws, function);
    owned(memory) char *end = text_format(":role%s%s", PATH, name);
    size_t length = strlen(end);

    return arn && strlen(arn) > length && strcmp(arn + strlen(arn) - length, end) == 0;
}

bool role_allow(const struct aws *aws, const char *arn, const struct definition *definition,
                struct error *err)
{
    owned(memory) char *name = role_name(aws, definition->name);
    json_owned json_t *policy = role_policy(arn, aws->region, definition);
    owned(memory) char *document = json_text(policy);
    const struct field fields[] = {
        {"RoleName", name}, {"PolicyName", POLICY}, {"PolicyDocument", document}, {0}};

    return change(aws, "PutRolePolicy", fields, err);
}

static bool find_or_make(const struct aws *aws, const char *name, struct aws_answer *answer,
                         struct error *err)
{
    const struct field wanted[] = {
        {"RoleName", name},
        {"Path", PATH},
        {"AssumeRolePolicyDocument", TRUST},
        {"Description", "Made by skiff for one function"},
        {"Tags.member.1.Key", "createdby"},
        {"Tags.member.1.Value", "skiff"},
        {0},
    };
    const struct field known[] = {{"RoleName", name}, {0}};
    struct error refused = {0};

    if (ask(aws, "CreateRole", wanted, answer, &refused)) {
        progress_step(aws->progress, "Role '%s%s' successfully created.", PATH + 1, name);
        return true;
    }
    if (refused.kind == ERROR_CONFLICT)
        return ask(aws, "GetRole", known, answer, err);
    *err = refused;
    return false;
}

bool role_make(const struct aws *aws, const struct definition *definition, char **arn,
               struct error *err)
{
    owned(memory) char *name = role_name(aws, definition->name);
    owned(aws_answer) struct aws_answer answer = {0};
    char found[ARN_LENGTH];

    if (strlen(name) > NAME_LENGTH)
        return error_set(
            err, ERROR_USAGE,
            "--create-role: '%.100s' is longer than the %d characters a role's name "
            "has; set iam.role",
            name, NAME_LENGTH);
    if (!find_or_make(aws, name, &answer, err))
        return false;
    if (!xml_text(answer.bytes, "Arn", found, sizeof found) ||
        !role_is_ours(aws, found, definition->name))
        return error_set(err, ERROR_CONFLICT,
                         "--create-role: there is a role '%.100s' that skiff did not make; set "
                         "iam.role",
                         name);
    *arn = memory_copy_string(found);
    return role_allow(aws, found, definition, err);
}

static bool remove_or_missing(const struct aws *aws, const char *operation,
                              const struct field *fields, struct error *err)
{
    struct error refused = {0};

    if (change(aws, operation, fields, &refused) || refused.kind == ERROR_NOT_FOUND)
        return true;
    *err = refused;
    return false;
}

bool role_remove(const struct aws *aws, const char *function, struct error *err)
{
    owned(memory) char *name = role_name(aws, function);
    const struct field policy[] = {{"RoleName", name}, {"PolicyName", POLICY}, {0}};
    const struct field role[] = {{"RoleName", name}, {0}};

    if (!remove_or_missing(aws, "DeleteRolePolicy", policy, err) ||
        !remove_or_missing(aws, "DeleteRole", role, err))
        return false;
    progress_step(aws->progress, "Role '%s%s' successfully deleted.", PATH + 1, name);
    return true;
}

bool role_remove_left(const struct aws *aws, const char *function, bool *found,
                      struct error *err)
{
    owned(memory) char *name = role_name(aws, function);
    const struct field known[] = {{"RoleName", name}, {0}};
    owned(aws_answer) struct aws_answer answer = {0};
    char arn[ARN_LENGTH];
    struct error refused = {0};

    *found = false;
    if (!ask(aws, "GetRole", known, &answer, &refused)) {
        *err = refused;
        return refused.kind == ERROR_NOT_FOUND || refused.kind == ERROR_DENIED;
    }
    *found = xml_text(answer.bytes, "Arn", arn, sizeof arn) && role_is_ours(aws, arn, function);
    return !*found || role_remove(aws, function, err);
}
