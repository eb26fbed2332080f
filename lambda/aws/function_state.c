/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_state.h"

#include <string.h>

#include "lambda/aws/functions.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { POLL_PAUSE_S = 1 };

/* What somebody can do, by the beginning of the code; the first row that fits wins. */
static const struct {
    const char *code;
    const char *hint;
} hints[] = {
    {"InvalidImage",
     "the layer it names has to be gzip and to have folders before their files; "
     "'skiff deploy' makes the image anew"},
    {"ImageDeleted", "the image is no longer in ECR; 'skiff deploy' pushes it again"},
    {"ImageAccessDenied", "Lambda may not read the repository: its policy has to allow "
                          "lambda.amazonaws.com ecr:BatchGetImage and "
                          "ecr:GetDownloadUrlForLayer"},
    {"EniLimitExceeded", "use fewer subnets and security groups, or ask for a higher quota of "
                         "network interfaces per VPC"},
    {"SubnetOutOfIPAddresses", "free addresses, or name another subnet in vpc.SubnetIds"},
    {"InvalidSubnet", "look at vpc.SubnetIds: they are of this account and region"},
    {"InvalidSecurityGroup", "look at vpc.SecurityGroupIds: they are of the subnets' VPC"},
    {"InsufficientRolePermissions", "for a VPC the role needs the policy "
                                    "AWSLambdaVPCAccessExecutionRole"},
    {"KMSKeyAccessDenied", "the role has to be allowed kms:Decrypt with the key"},
    {"KMSKeyNotFound", "look at kms_key_arn: there is no such key"},
    {"DisabledKMSKey", "the key of kms_key_arn is disabled"},
    {"InvalidStateKMSKey", "the key of kms_key_arn is not in use"},
    {"EFS", "the file system needs a mount target in each zone of vpc.SubnetIds, with TCP 2049 "
            "open, and the role elasticfilesystem:ClientMount"},
    {"InvalidConfiguration", "look at the definition: what Lambda names does not go together"},
    {"FunctionError.InvalidEntryPoint",
     "look at image_config.entry_point and the image's own: an absolute path of a program for "
     "the function's architecture"},
    {"FunctionError.InvalidWorkingDirectory",
     "look at image_config.working_directory and the image's own: a folder of the image"},
    {"FunctionError.PermissionDenied",
     "everybody has to be allowed to run the program, and to look into the folders above it"},
    {"FunctionError.TooManyExtensions", "the image has too many programs in /opt/extensions"},
    {"FunctionError", "its program does not start; 'skiff --local run' shows the same here"},
    {"ServiceQuotaExceeded", "ask for a higher quota, or make room"},
    {"DisallowedByVpcEncryptionControl",
     "the VPC wants all traffic encrypted, which its owner can "
     "exclude Lambda from"},
    {"EC2RequestLimitExceeded", "EC2 was asked too often, try again"},
    {"InsufficientCapacity", "AWS has no room at present, try again"},
    {"InvalidRuntime", "an image has no runtime, so that is AWS's own trouble, try again"},
    {"InternalError", "that is AWS's own trouble, try again"},
};

enum state { STATE_READY, STATE_CHANGING, STATE_FAILED };

static bool is(const char *text, const char *expected)
{
    return text && strcmp(text, expected) == 0;
}

bool function_state_is_broken(const json_t *configuration)
{
    /* An image that went away later breaks a function, too, but that is mended by a new one. */
    const char *code = json_optional_string(configuration, "StateReasonCode");

    return is(json_optional_string(configuration, "State"), "Failed") &&
           !is(code, "ImageDeleted") && !is(code, "ImageAccessDenied");
}

static enum state read_state(const json_t *configuration)
{
    const char *state = json_optional_string(configuration, "State");
    const char *update = json_optional_string(configuration, "LastUpdateStatus");

    if (is(update, "InProgress") || is(state, "Pending"))
        return STATE_CHANGING;
    return is(state, "Failed") || is(update, "Failed") ? STATE_FAILED : STATE_READY;
}

bool function_state_is_changing(const json_t *configuration)
{
    return read_state(configuration) == STATE_CHANGING;
}

bool function_state_has_failed(const json_t *configuration)
{
    return read_state(configuration) == STATE_FAILED;
}

static const char *find_hint(const char *code)
{
    for (size_t i = 0; i < sizeof hints / sizeof *hints; i++)
        if (strncmp(code, hints[i].code, strlen(hints[i].code)) == 0)
            return hints[i].hint;
    return NULL;
}

static bool failed(const char *name, const json_t *configuration, struct error *err)
{
    bool itself = is(json_optional_string(configuration, "State"), "Failed");
    const char *reason =
        json_optional_string(configuration, itself ? "StateReason" : "LastUpdateStatusReason");
    const char *code = json_optional_string(
        configuration, itself ? "StateReasonCode" : "LastUpdateStatusReasonCode");
    const char *hint = code ? find_hint(code) : NULL;

    return error_set(err, ERROR_INVALID, "function '%.80s' %s: %.400s (%.80s)%s%s", name,
                     itself ? "failed to start" : "could not be changed and is as it was",
                     reason ? reason : "no reason given", code ? code : "no code",
                     hint ? "; " : "", hint ? hint : "");
}

/* "Pending: The function is being created."; a new string. */
static char *describe(const json_t *configuration)
{
    bool itself = is(json_optional_string(configuration, "State"), "Pending");
    const char *state =
        json_optional_string(configuration, itself ? "State" : "LastUpdateStatus");
    const char *reason =
        json_optional_string(configuration, itself ? "StateReason" : "LastUpdateStatusReason");

    if (!configuration)
        return memory_copy_string("not known everywhere yet");
    return text_format("%.40s%s%.200s", state, reason ? ": " : "", reason ? reason : "");
}

/* Tells where the function stands, once for each news. */
static void tell(const struct aws *aws, const json_t *configuration, char **told)
{
    owned(memory) char *news = describe(configuration);

    if (!*told)
        progress_step(aws->progress, "Wait function to be 'Active'");
    if (!*told || strcmp(*told, news) != 0)
        progress_step(aws->progress, "Function is %s", news);
    free(*told);
    *told = take(&news);
}

static bool too_long(const char *name, int limit_s, const char *told, struct error *err)
{
    return error_set(err, ERROR_NETWORK,
                     "function '%.80s' is not active after %d s (%.300s); it may still become "
                     "so, --wait SECONDS waits longer",
                     name, limit_s, told);
}

bool function_state_wait(const struct aws *aws, const char *name, int limit_s, json_t **answer,
                         struct error *err)
{
    owned(memory) char *told = NULL;

    for (int waited_s = 0;; waited_s += POLL_PAUSE_S) {
        json_owned json_t *found = NULL;
        struct error refused = {0};
        if (!functions_get(aws, name, &found, &refused) &&
            (refused.kind != ERROR_NOT_FOUND || waited_s >= FUNCTION_MISSING_WAIT_S)) {
            *err = refused;
            return false;
        }
        const json_t *configuration = json_object_get(found, "Configuration");
        enum state state = found ? read_state(configuration) : STATE_CHANGING;
        if (state == STATE_FAILED)
            return failed(name, configuration, err);
        if (state == STATE_READY) {
            if (told)
                progress_step(aws->progress, "Function 'Active'");
            *answer = take(&found);
            return true;
        }
        tell(aws, configuration, &told);
        if (waited_s >= limit_s)
            return too_long(name, limit_s, told, err);
        clock_sleep(aws->clock, POLL_PAUSE_S * 1000);
    }
}
