/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "lambda/aws/credentials_read.h"
#include "lambda/aws/instance_metadata.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char FOLDER[] = "iam/security-credentials/";

static bool read_answer(const char *answer, struct credentials *out, struct error *err)
{
    json_owned json_t *json = NULL;
    struct error not_json;

    if (!json_parse(answer, strlen(answer), &json, &not_json))
        return error_set(err, ERROR_INVALID, "the answer is not JSON");
    const char *code = json_optional_string(json, "Code");
    if (code && strcmp(code, "Success") != 0)
        return error_set(err, ERROR_DENIED, "%.80s", code);
    return credentials_read_json(json, "Token", out, err);
}

bool credentials_from_instance(const struct credentials_sources *sources,
                               struct credentials *out, bool *found, struct error *err)
{
    owned(memory) char *role = NULL;
    owned(memory) char *answer = NULL;

    if (!instance_metadata_get(sources, FOLDER, &role, err))
        return false;
    if (!role)
        return true;
    role[strcspn(role, "\r\n")] = '\0';
    owned(text) struct text path = {0};
    text_add(&path, FOLDER);
    text_add_escaped(&path, role, "");
    if (!instance_metadata_get(sources, text_string(&path), &answer, err))
        return false;
    if (!answer)
        return error_set(err, ERROR_NETWORK,
                         "the instance's metadata service names the role '%.80s', but gives no "
                         "credentials for it",
                         role);
    if (!read_answer(answer, out, err))
        return error_wrap(err, "credentials of the instance's role '%.80s'", role);
    out->origin = text_format("the instance's role '%s'", role);
    *found = true;
    return true;
}
