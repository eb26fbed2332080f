/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/definition_rules.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lambda/definition.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum {
    NAME_LENGTH = 64,
    DESCRIPTION_LENGTH = 256,
    REGION_LENGTH = 32,
    TAG_NAME_LENGTH = 128,
    TAG_VALUE_LENGTH = 256,
    ARN_LENGTH = 500,
    ACCOUNT_LENGTH = 12,
    MOUNT_PATH_LENGTH = 160,
    WORKING_DIRECTORY_LENGTH = 1000,
    LOG_GROUP_LENGTH = 512,
    ALIAS_LENGTH = 128,
    BUCKET_LENGTH_LEAST = 3,
    BUCKET_LENGTH_NEW = 63,
    BUCKET_LENGTH = 255, /* of those made before 2018 */
};

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* Whether `text` is `least` to `most` of `characters`. */
static bool consists_of(const char *text, const char *characters, size_t least, size_t most)
{
    size_t length = strlen(text);

    return length >= least && length <= most && strspn(text, characters) == length;
}

static bool is_utf8(const char *text)
{
    json_t *string = json_string(text);

    json_decref(string);
    return string != NULL;
}

/* Of text in UTF-8, as AWS counts it. */
static size_t count_characters(const char *text)
{
    size_t count = 0;

    for (; *text; text++)
        count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static bool is_below(const char *path, const char *folder)
{
    size_t length = strlen(folder);

    return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

bool definition_check_name(const char *name, struct error *err)
{
    if (!consists_of(name, LOWER UPPER DIGITS "-_", 1, NAME_LENGTH))
        return error_set(err, ERROR_USAGE,
                         "a function is called 1 to %d of a-z, A-Z, 0-9, '-' and '_', "
                         "found '%.80s'",
                         NAME_LENGTH, name);
    return true;
}

bool definition_rule_range(int64_t value, int least, int most, const char *unit,
                           struct error *err)
{
    if (value < least || value > most)
        return error_set(err, ERROR_USAGE, "expected %d to %d %s, found %" PRId64, least, most,
                         unit, value);
    return true;
}

bool definition_rule_region(const char *text, struct error *err)
{
    if (!consists_of(text, LOWER DIGITS "-", 1, REGION_LENGTH))
        return error_set(err, ERROR_USAGE, "expected a region such as us-east-1, found '%.80s'",
                         text);
    return true;
}

/* What is behind the next ':' when `least` to `most` of `characters` are before it, else NULL.
 */
static const char *skip_part(const char *text, const char *characters, size_t least,
                             size_t most)
{
    size_t length = strspn(text, characters);

    return length >= least && length <= most && text[length] == ':' ? text + length + 1 : NULL;
}

/* arn:PARTITION:SERVICE:REGION:ACCOUNT:REST, where more than `rest` begins with it. */
static bool is_arn(const char *text, const char *service, const char *rest)
{
    bool is_global = strcmp(service, "iam") == 0;
    size_t length = strlen(service);

    if (strncmp(text, "arn:aws", 7) != 0 ||
        !consists_of(text, LOWER UPPER DIGITS ":/_+=,.@-", 1, ARN_LENGTH))
        return false;
    const char *part = skip_part(text + strlen("arn:"), LOWER "-", 1, ARN_LENGTH);
    if (!part || strncmp(part, service, length) != 0 || part[length] != ':')
        return false;
    part = skip_part(part + length + 1, LOWER DIGITS "-", !is_global,
                     is_global ? 0 : REGION_LENGTH);
    part = part ? skip_part(part, DIGITS, ACCOUNT_LENGTH, ACCOUNT_LENGTH) : NULL;
    return part && strncmp(part, rest, strlen(rest)) == 0 && part[strlen(rest)];
}

bool definition_rule_role(const char *text, struct error *err)
{
    if (!is_arn(text, "iam", "role/"))
        return error_set(
            err, ERROR_USAGE,
            "expected the ARN of a role such as arn:aws:iam::123456789012:role/name, "
            "found '%.80s'",
            text);
    return true;
}

bool definition_rule_description(const char *text, struct error *err)
{
    if (count_characters(text) > DESCRIPTION_LENGTH)
        return error_set(err, ERROR_USAGE, "longer than %d characters", DESCRIPTION_LENGTH);
    if (!is_utf8(text))
        return error_set(err, ERROR_USAGE, "not UTF-8: '%.80s'", text);
    return true;
}

bool definition_rule_log_retention(int64_t days, struct error *err)
{
    static const int accepted[] = {1,    3,    5,    7,    14,   30,  60,  90,
                                   120,  150,  180,  365,  400,  545, 731, 1096,
                                   1827, 2192, 2557, 2922, 3288, 3653};

    for (size_t i = 0; i < sizeof accepted / sizeof *accepted; i++)
        if (accepted[i] == days)
            return true;
    return error_set(
        err, ERROR_USAGE,
        "CloudWatch keeps logs 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365 days "
        "or some larger numbers, found %" PRId64,
        days);
}

/* --- words and ARNs of Lambda's own --- */

/* One of `words`, which end with NULL; `expected` is how people read them. */
static bool check_word(const char *text, const char *const *words, const char *expected,
                       struct error *err)
{
    for (; *words; words++)
        if (strcmp(*words, text) == 0)
            return true;
    return error_set(err, ERROR_USAGE, "expected %s, found '%.80s'", expected, text);
}

bool definition_rule_access_point(const char *text, struct error *err)
{
    if (!is_arn(text, "elasticfilesystem", "access-point/fsap-"))
        return error_set(
            err, ERROR_USAGE,
            "expected the ARN of an access point such as arn:aws:elasticfilesystem:"
            "us-east-1:123456789012:access-point/fsap-…, found '%.80s'",
            text);
    return true;
}

static bool check_id(const char *text, const char *of, const char *prefix,
                     const char *characters, struct error *err)
{
    size_t length = strlen(prefix);

    if (strncmp(text, prefix, length) != 0 ||
        !consists_of(text + length, characters, 1, SIZE_MAX))
        return error_set(err, ERROR_USAGE,
                         "expected the id of a %s such as %s0123456789abcdef0, found '%.80s'",
                         of, prefix, text);
    return true;
}

bool definition_rule_subnet(const char *text, struct error *err)
{
    return check_id(text, "subnet", "subnet-", LOWER DIGITS, err);
}

bool definition_rule_security_group(const char *text, struct error *err)
{
    return check_id(text, "security group", "sg-", LOWER UPPER DIGITS, err);
}

bool definition_rule_mount_path(const char *text, struct error *err)
{
    if (strncmp(text, "/mnt/", 5) != 0 ||
        !consists_of(text + 5, LOWER UPPER DIGITS "-_.", 1, MOUNT_PATH_LENGTH - 5))
        return error_set(err, ERROR_USAGE,
                         "Lambda mounts at /mnt/ and one name of a-z, A-Z, 0-9, '-', '_' and "
                         "'.', found '%.80s'",
                         text);
    return true;
}

bool definition_rule_working_directory(const char *text, struct error *err)
{
    if (text[0] != '/' || count_characters(text) > WORKING_DIRECTORY_LENGTH || !is_utf8(text))
        return error_set(err, ERROR_USAGE,
                         "expected an absolute path of %d characters at most, found '%.80s'",
                         WORKING_DIRECTORY_LENGTH, text);
    return true;
}

bool definition_rule_key(const char *text, struct error *err)
{
    if (!is_arn(text, "kms", "key/"))
        return error_set(err, ERROR_USAGE,
                         "expected the ARN of a key such as arn:aws:kms:us-east-1:123456789012:"
                         "key/…, found '%.80s'",
                         text);
    return true;
}

bool definition_rule_dead_letter(const char *text, struct error *err)
{
    if (!is_arn(text, "sqs", "") && !is_arn(text, "sns", ""))
        return error_set(err, ERROR_USAGE,
                         "expected the ARN of an SQS queue or SNS topic, found '%.80s'", text);
    return true;
}

bool definition_rule_tracing(const char *text, struct error *err)
{
    static const char *const words[] = {"Active", "PassThrough", NULL};

    return check_word(text, words, "Active or PassThrough", err);
}

bool definition_rule_log_format(const char *text, struct error *err)
{
    static const char *const words[] = {"Text", "JSON", NULL};

    return check_word(text, words, "Text or JSON", err);
}

bool definition_rule_application_level(const char *text, struct error *err)
{
    static const char *const words[] = {"TRACE", "DEBUG", "INFO", "WARN",
                                        "ERROR", "FATAL", NULL};

    return check_word(text, words, "TRACE, DEBUG, INFO, WARN, ERROR or FATAL", err);
}

bool definition_rule_system_level(const char *text, struct error *err)
{
    static const char *const words[] = {"DEBUG", "INFO", "WARN", NULL};

    return check_word(text, words, "DEBUG, INFO or WARN", err);
}

bool definition_rule_log_group(const char *text, struct error *err)
{
    if (!consists_of(text, LOWER UPPER DIGITS "._/#-", 1, LOG_GROUP_LENGTH))
        return error_set(err, ERROR_USAGE,
                         "a log group is called 1 to %d of a-z, A-Z, 0-9, '.', '_', '-', '/' "
                         "and '#', found '%.80s'",
                         LOG_GROUP_LENGTH, text);
    return true;
}

bool definition_rule_url_auth(const char *text, struct error *err)
{
    static const char *const words[] = {"NONE", "AWS_IAM", NULL};

    return check_word(text, words, "NONE (anybody may call it) or AWS_IAM", err);
}

bool definition_rule_invoke_mode(const char *text, struct error *err)
{
    static const char *const words[] = {"BUFFERED", "RESPONSE_STREAM", NULL};

    return check_word(text, words, "BUFFERED or RESPONSE_STREAM", err);
}

bool definition_rule_alias(const char *text, struct error *err)
{
    if (!consists_of(text, LOWER UPPER DIGITS "-_", 1, ALIAS_LENGTH) ||
        strspn(text, DIGITS) == strlen(text))
        return error_set(err, ERROR_USAGE,
                         "an alias is called 1 to %d of a-z, A-Z, 0-9, '-' and '_', not digits "
                         "alone, found '%.80s'",
                         ALIAS_LENGTH, text);
    return true;
}

bool definition_rule_log_level(const char *text, const char **level, struct error *err)
{
    static const char *const levels[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};

    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
        if (strcasecmp(levels[i], text) == 0) {
            *level = levels[i];
            return true;
        }
    return error_set(err, ERROR_USAGE,
                     "expected DEBUG, INFO, WARNING, ERROR or CRITICAL, found '%.80s'", text);
}

bool definition_rule_on_error(const char *text, struct error *err)
{
    if (strcmp(text, "respond") != 0 && strcmp(text, "fail") != 0)
        return error_set(err, ERROR_USAGE, "expected respond or fail, found '%.80s'", text);
    return true;
}

bool definition_rule_architecture(const char *text, struct platform_spec *out,
                                  struct error *err)
{
    if (strcmp(text, "x86_64") != 0 && strcmp(text, "arm64") != 0)
        return error_set(err, ERROR_USAGE, "expected x86_64 or arm64, found '%.80s'", text);
    return platform_spec_parse(text[0] == 'x' ? "linux/amd64" : "linux/arm64", out, err);
}

bool definition_rule_script_name(const char *name, struct error *err)
{
    if (strcmp(name, "supervisor") == 0 || strcmp(name, "function_config.yaml") == 0)
        return error_set(err, ERROR_USAGE,
                         "'%s' is the name of a file of skiff's own; call the script otherwise",
                         name);
    if (!is_utf8(name))
        return error_set(err, ERROR_USAGE, "the file's name is not UTF-8: '%.80s'", name);
    return true;
}

/* Folders that are not what they seem in many images or in a running function. */
static bool check_top_folder(const char *path, struct error *err)
{
    static const struct {
        const char *name, *leads_to;
    } links[] = {
        {"bin", "usr/bin"},     {"sbin", "usr/sbin"},     {"lib", "usr/lib"},
        {"lib32", "usr/lib32"}, {"lib64", "usr/lib64"},   {"libx32", "usr/libx32"},
        {"var/run", "run"},     {"var/lock", "run/lock"},
    };
    static const char *const mounts[] = {"dev", "proc", "sys", "tmp"};

    for (size_t i = 0; i < sizeof links / sizeof *links; i++)
        if (is_below(path, links[i].name))
            return error_set(err, ERROR_USAGE,
                             "/%s is a link to /%s in many images, and a folder would take its "
                             "place; say /%s",
                             links[i].name, links[i].leads_to, links[i].leads_to);
    for (size_t i = 0; i < sizeof mounts / sizeof *mounts; i++)
        if (is_below(path, mounts[i]))
            return error_set(err, ERROR_USAGE,
                             "/%s is made anew for every function, so what is copied there is "
                             "never seen",
                             mounts[i]);
    return true;
}

bool definition_rule_destination(const char *text, const char *file_name, char **path,
                                 struct error *err)
{
    owned(text) struct text out = {0};
    const char *last = strrchr(text, '/');
    bool is_folder = !last || last[1] != '\0' ? strcmp(last ? last + 1 : text, ".") == 0 : true;

    if (!is_utf8(text))
        return error_set(err, ERROR_USAGE, "not UTF-8: '%.80s'", text);
    if (text[0] == '\0')
        return error_set(err, ERROR_USAGE, "expected a path in the image, found nothing");
    text_add(&out, text[0] == '/' ? "" : "var/task");
    for (const char *part = text; *part;) {
        size_t length = strcspn(part, "/");
        if (length == 2 && memcmp(part, "..", 2) == 0)
            return error_set(err, ERROR_USAGE, "'..' has no place in '%.200s'", text);
        if (length > 0 && !(length == 1 && part[0] == '.'))
            text_addf(&out, "%s%.*s", out.length ? "/" : "", (int)length, part);
        part += length + (part[length] == '/');
    }
    if (file_name && is_folder)
        text_addf(&out, "%s%s", out.length ? "/" : "", file_name);
    if (!check_top_folder(text_string(&out), err))
        return false;
    *path = memory_copy_string(text_string(&out));
    return true;
}

bool definition_rule_bucket(const char *text, struct error *err)
{
    if (!consists_of(text, LOWER UPPER DIGITS "._-", BUCKET_LENGTH_LEAST, BUCKET_LENGTH))
        return error_set(err, ERROR_USAGE,
                         "a bucket of S3 is called %d to %d of a-z, 0-9, '-' and '.', found "
                         "'%.80s'",
                         BUCKET_LENGTH_LEAST, BUCKET_LENGTH_NEW, text);
    return true;
}

bool definition_rule_mode(const char *text, unsigned int *mode, struct error *err)
{
    unsigned int value = 0;

    if (!consists_of(text, "01234567", 3, 4))
        return error_set(err, ERROR_USAGE, "expected an octal mode such as 0644, found '%.80s'",
                         text);
    for (; *text; text++)
        value = value * 8 + (unsigned int)(*text - '0');
    if ((value & 0444) != 0444 || value > 0777)
        return error_set(err, ERROR_USAGE,
                         "functions run as a user nobody knows, so everybody must be able to "
                         "read the files: 0444 to 0777, found %04o",
                         value);
    *mode = value;
    return true;
}

bool definition_rule_variable(const char *name, const char *value, struct error *err)
{
    if (!consists_of(name, LOWER UPPER DIGITS "_", 1, SIZE_MAX) || strchr(DIGITS, name[0]))
        return error_set(err, ERROR_USAGE,
                         "a variable is called letters, digits and '_', found '%.80s'", name);
    if (!is_utf8(value)) /* which may be secret */
        return error_set(err, ERROR_USAGE, "the value of %.80s is not UTF-8", name);
    return true;
}

bool definition_rule_function_variable(const char *name, const char *value, struct error *err)
{
    static const char *const reserved[] = {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "_HANDLER",
        "_X_AMZN_TRACE_ID",
    };

    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++)
        if (strcmp(reserved[i], name) == 0)
            return error_set(err, ERROR_USAGE,
                             "Lambda keeps the variable %s for itself; one of the container's "
                             "environment may be called so",
                             name);
    if (!definition_rule_variable(name, value, err))
        return false;
    if (name[0] == '_' || name[1] == '\0')
        return error_set(err, ERROR_USAGE,
                         "Lambda wants a variable to begin with a letter and to have two "
                         "characters at least, found '%.80s'",
                         name);
    return true;
}

bool definition_rule_tag(const char *name, const char *value, struct error *err)
{
    if (name[0] == '\0' || count_characters(name) > TAG_NAME_LENGTH ||
        strncasecmp(name, "aws:", 4) == 0)
        return error_set(err, ERROR_USAGE,
                         "a tag is called up to %d characters and does not begin with 'aws:', "
                         "found '%.80s'",
                         TAG_NAME_LENGTH, name);
    if (count_characters(value) > TAG_VALUE_LENGTH)
        return error_set(err, ERROR_USAGE, "the value of '%.80s' is longer than %d characters",
                         name, TAG_VALUE_LENGTH);
    return true;
}
