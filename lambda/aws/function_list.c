/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_list.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { DIGEST_DIGITS = 64 };

static bool ask_page(const struct aws *aws, bool versions, const char *marker, json_t **page,
                     struct error *err)
{
    owned(text) struct text path = {0};

    /* The query in order, as the signature has it. */
    text_add(&path, "/2015-03-31/functions");
    text_add(&path, versions ? "?FunctionVersion=ALL" : "");
    if (marker) {
        text_addf(&path, "%sMarker=", versions ? "&" : "?");
        text_add_escaped(&path, marker, "");
    }
    const struct aws_call call = {
        .service = "lambda",
        .operation = "ListFunctions",
        .method = "GET",
        .path = text_string(&path),
    };
    return aws_ask(aws, &call, NULL, page, NULL, err);
}

bool function_list_each(const struct aws *aws, bool versions,
                        void (*visit)(void *context, const json_t *configuration),
                        void *context, struct error *err)
{
    owned(memory) char *marker = NULL;

    for (int pages = 0; pages < FUNCTION_PAGES_LIMIT; pages++) {
        json_owned json_t *page = NULL;
        json_t *functions = NULL;
        const json_t *each = NULL;
        size_t i;
        if (!ask_page(aws, versions, marker, &page, err) ||
            !json_field_array(page, "Functions", &functions, err))
            return error_wrap(err, "list the functions");
        json_array_foreach(functions, i, each) visit(context, each);
        const char *next = json_optional_string(page, "NextMarker");
        if (!next || !*next)
            return true;
        free(marker);
        marker = memory_copy_string(next);
    }
    return error_set(err, ERROR_LIMIT, "more than %d pages of functions", FUNCTION_PAGES_LIMIT);
}

/* For an image, CodeSha256 is the digest of its manifest in hexadecimal digits. */
static void note_image(void *context, const json_t *configuration)
{
    const char *digits = json_optional_string(configuration, "CodeSha256");

    if (!digits || strlen(digits) != DIGEST_DIGITS)
        return;
    owned(memory) char *digest = text_format("sha256:%s", digits);
    json_object_set_new(context, digest, json_true());
}

bool function_list_images(const struct aws *aws, json_t **digests, struct error *err)
{
    json_owned json_t *out = json_object();

    if (!function_list_each(aws, true, note_image, out, err))
        return false;
    *digests = take(&out);
    return true;
}
