/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/context.h"
#include "cli/describe.h"
#include "lambda/aws/aws_checkup.h"
#include "lambda/definition.h"
#include "lambda/local/local_checkup.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { ROLES_LIMIT = 32 };

struct doctor_values {
    const char *file;
    const char *role;
};

static const struct option doctor_options[] = {
    OPTION_TEXT(struct doctor_values, file, "f", "conf-file", "FILE",
                "look also at the roles and base images of this definition"),
    OPTION_TEXT(struct doctor_values, role, "r", "iam-role", "ARN", "look also at this role"),
    OPTION_END,
};

/* What the roles are, each once; ended by NULL. */
struct roles {
    const char *arns[ROLES_LIMIT + 1];
    size_t count;
};

static void add_role(struct roles *roles, const char *arn)
{
    for (size_t i = 0; i < roles->count; i++)
        if (strcmp(roles->arns[i], arn) == 0)
            return;
    if (roles->count < ROLES_LIMIT)
        roles->arns[roles->count++] = arn;
}

static void check_image(struct context *context, const char *image, struct checkup *out)
{
    owned(location) struct location location = {0};
    owned(document) struct document document = {0};
    struct store *store;
    struct error err;

    if (location_parse(image, &location, &err) &&
        context_store(context, &location, false, &store, &err) &&
        store_resolve(store, location_name(&location), &document, &err))
        checkup_add(out, "base image", FINDING_OK, NULL, "%s is there", image);
    else
        checkup_add(out, "base image", FINDING_WRONG,
                    err.kind == ERROR_DENIED ? "log in with 'skiff login HOST', or name another"
                                             : "see whether its name is right, and the network",
                    "%s", err.text);
}

static void check_aws(struct context *context, const struct definition_file *file,
                      const char *role, struct checkup *out)
{
    struct aws_options options;
    struct roles roles = {0};
    struct error err;

    if (role)
        add_role(&roles, role);
    for (size_t i = 0; i < file->function_count; i++)
        if (file->functions[i].role)
            add_role(&roles, file->functions[i].role);
    const char *region = file->function_count > 0 ? file->functions[0].region : NULL;
    if (!context_aws(context, region, &options, &err))
        checkup_add(out, "region", FINDING_WRONG, "put the file right", "%s", err.text);
    else
        aws_checkup(&options, roles.arns, out);
    for (size_t i = 0; i < file->function_count; i++)
        check_image(context, file->functions[i].image, out);
}

static void print_json(const struct checkup *checkup)
{
    json_t *checks = json_array();

    for (size_t i = 0; i < checkup->count; i++) {
        const struct finding *finding = &checkup->findings[i];
        json_t *check = json_pack("{s:s, s:s}", "name", finding->name, "state",
                                  finding_state_name(finding->state));
        json_object_set_new(check, "text",
                            json_lossy_string(finding->text, strlen(finding->text)));
        if (finding->advice)
            json_object_set_new(check, "advice", json_string(finding->advice));
        json_array_append_new(checks, check);
    }
    describe_print_json(
        json_pack("{s:b, s:o}", "ok", checkup_count_wrong(checkup) == 0, "checks", checks),
        stdout);
}

static void print_lines(const struct checkup *checkup)
{
    for (size_t i = 0; i < checkup->count; i++) {
        const struct finding *finding = &checkup->findings[i];
        owned(memory) char *line = text_format(
            "%-16s %-8s %s", finding->name, finding_state_name(finding->state), finding->text);
        describe_print_line(line, stdout);
        if (finding->advice)
            printf("%-16s %-8s %s\n", "", "  do:", finding->advice);
    }
}

static bool doctor_run(struct context *context, const void *values, const char **arguments,
                       struct error *err)
{
    const struct doctor_values *doctor = values;
    const struct definition_options nothing = {.role = doctor->role};
    owned(definition_file) struct definition_file file = {0};
    owned(checkup) struct checkup checkup = {0};
    bool is_local = context_globals(context)->local;
    const char *folder;
    (void)arguments;

    if (doctor->file &&
        !definition_file_read(doctor->file, &nothing, context_progress(context), &file, err))
        return false;
    if (!is_local)
        check_aws(context, &file, doctor->role, &checkup);
    if (!context_workspace_folder(context, &folder, err))
        return false;
    local_checkup(folder, is_local, &checkup);
    if (context_globals(context)->json)
        print_json(&checkup);
    else
        print_lines(&checkup);

    size_t wrong = checkup_count_wrong(&checkup);
    return wrong == 0 || error_set(err, ERROR_SYSTEM,
                                   "doctor: %zu of %zu checks found something "
                                   "wrong",
                                   wrong, checkup.count);
}

const struct command doctor_command = {
    .name = "doctor",
    .summary = "look whether everything needed is there",
    .description =
        "Looks, in this order, at the region, the credentials and whose they are, ECR, the "
        "role\n"
        "and whether Lambda may assume it, ECR's registry, the base image, and whether this\n"
        "machine allows user namespaces, and says what to do about each. Nothing is changed.\n"
        "The exit status is 1 when something that is needed is wrong. With --local only this\n"
        "machine is looked at.",
    .examples =
        "skiff doctor\n"
        "skiff doctor -f function.yaml\n"
        "skiff doctor --profile work --iam-role arn:aws:iam::123456789012:role/lambda-basic\n"
        "skiff --local doctor",
    .options = doctor_options,
    .values_size = sizeof(struct doctor_values),
    .result_is_content = true,
    .run = doctor_run,
};
