/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "lambda/aws/token_service.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* What credential_source may say. */
static const struct {
    const char *name;
    credentials_provider *ask;
} machine_sources[] = {
    {"Environment", credentials_from_environment},
    {"EcsContainer", credentials_from_container},
    {"Ec2InstanceMetadata", credentials_from_instance},
};

/* All owned; NULL where it is not set. */
struct role {
    char *arn;
    char *source_profile;
    char *credential_source;
    char *external_id;
    char *duration_seconds;
    char *session_name;
    char *mfa_serial;
};

static void role_cleanup(struct role *role)
{
    free(role->arn);
    free(role->source_profile);
    free(role->credential_source);
    free(role->external_id);
    free(role->duration_seconds);
    free(role->session_name);
    free(role->mfa_serial);
}

static struct role read_role(const struct profile *profile)
{
    return (struct role){
        .arn = profile_get(profile, "role_arn"),
        .source_profile = profile_get(profile, "source_profile"),
        .credential_source = profile_get(profile, "credential_source"),
        .external_id = profile_get(profile, "external_id"),
        .duration_seconds = profile_get(profile, "duration_seconds"),
        .session_name = profile_get(profile, "role_session_name"),
        .mfa_serial = profile_get(profile, "mfa_serial"),
    };
}

static bool check_role(const struct role *role, struct error *err)
{
    const char *duration = role->duration_seconds;

    if (role->source_profile && role->credential_source)
        return error_set(err, ERROR_DENIED,
                         "source_profile and credential_source are both set: keep one");
    if (!role->source_profile && !role->credential_source)
        return error_set(err, ERROR_DENIED,
                         "role_arn needs a source_profile or a credential_source, which says "
                         "who is to assume the role");
    if (duration && (strspn(duration, "0123456789") != strlen(duration)))
        return error_set(err, ERROR_DENIED, "duration_seconds '%.40s' is no number", duration);
    return true;
}

static bool ask_machine(const struct credentials_sources *sources, const char *name,
                        struct credentials *out, struct error *err)
{
    for (size_t i = 0; i < sizeof machine_sources / sizeof *machine_sources; i++) {
        bool found = false;
        if (strcmp(machine_sources[i].name, name) != 0)
            continue;
        if (!machine_sources[i].ask(sources, out, &found, err))
            return false;
        return found || error_set(err, ERROR_DENIED,
                                  "credential_source '%.40s' has no credentials", name);
    }
    return error_set(err, ERROR_DENIED,
                     "credential_source '%.40s' is not one of Environment, EcsContainer and "
                     "Ec2InstanceMetadata",
                     name);
}

static bool find_source(const struct credentials_sources *sources, const struct role *role,
                        struct credentials *out, struct error *err)
{
    struct credentials_sources named = *sources;

    if (role->credential_source)
        return ask_machine(sources, role->credential_source, out, err);
    named.profile.name = role->source_profile;
    named.asked_by = sources;
    return credentials_find_in_profile(&named, out, err);
}

/* The code the device shows; NULL where none is needed. */
static bool ask_code(const struct credentials_sources *sources, const struct role *role,
                     char **out, struct error *err)
{
    if (!role->mfa_serial)
        return true;
    if (!sources->ask)
        return error_set(
            err, ERROR_DENIED,
            "the role wants a code of the MFA device '%.200s', and there is no "
            "terminal to ask for it: run skiff in one, or put credentials into the "
            "environment with aws configure export-credentials",
            role->mfa_serial);
    owned(memory) char *question = text_format("MFA code of %.200s: ", role->mfa_serial);
    return sources->ask(question, out, err);
}

static bool assume(const struct credentials_sources *sources, const struct role *role,
                   struct credentials *out, struct error *err)
{
    owned(credentials) struct credentials source = {0};
    owned(memory) char *code = NULL;
    owned(memory) char *usual_name = token_service_session_name(sources);

    if (!check_role(role, err) || !find_source(sources, role, &source, err) ||
        !ask_code(sources, role, &code, err))
        return false;
    const struct token_service_field fields[TOKEN_SERVICE_FIELDS_LIMIT] = {
        {"RoleArn", role->arn},
        {"RoleSessionName", role->session_name ? role->session_name : usual_name},
        {"DurationSeconds", role->duration_seconds},
        {"ExternalId", role->external_id},
        {"SerialNumber", role->mfa_serial},
        {"TokenCode", code},
    };
    return token_service_ask(sources, "AssumeRole", fields, &source, out, err);
}

bool credentials_from_role(const struct credentials_sources *sources, struct credentials *out,
                           bool *found, struct error *err)
{
    const struct profile *profile = &sources->profile;
    owned(role) struct role role = read_role(profile);
    owned(memory) char *token_file = profile_get(profile, "web_identity_token_file");

    if (!role.arn || token_file)
        return true;
    if (!assume(sources, &role, out, err))
        return error_wrap(err, "profile '%.80s'", profile->name);
    out->origin = text_format("profile '%s', which assumes %s", profile->name, role.arn);
    *found = true;
    return true;
}
