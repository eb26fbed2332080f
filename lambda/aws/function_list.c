/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/function_list.h"

#include <stdlib.h>
#include <string.h>

#include "lambda/aws/function_call.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { DIGEST_DIGITS = 64 };

struct list {
    const char *operation;
    const char *path; /* with a query, or without */
    const char *member;
};

/* A marker comes last in every query, in the order that the signature has it. */
static bool ask_page(const struct aws *aws, const struct list *list, const char *marker,
                     json_t **page, struct error *err)
{
    owned(text) struct text path = {0};

    text_add(&path, list->path);
    if (marker) {
        text_addf(&path, "%sMarker=", strchr(list->path, '?') ? "&" : "?");
        text_add_escaped(&path, marker, "");
    }
    const struct aws_call call = {
        .service = "lambda",
        .operation = list->operation,
        .method = "GET",
        .path = text_string(&path),
    };
    return aws_ask(aws, &call, NULL, page, NULL, err);
}

static bool visit_each(const struct aws *aws, const struct list *list,
                       function_list_visitor *visit, void *context, struct error *err)
{
    owned(memory) char *marker = NULL;

    for (int pages = 0; pages < FUNCTION_PAGES_LIMIT; pages++) {
        json_owned json_t *page = NULL;
        json_t *configurations = NULL;
        const json_t *each = NULL;
        size_t i;
        if (!ask_page(aws, list, marker, &page, err) ||
            !json_field_array(page, list->member, &configurations, err))
            return false;
        json_array_foreach(configurations, i, each) visit(context, each);
        const char *next = json_optional_string(page, "NextMarker");
        if (!next || !*next)
            return true;
        free(marker);
        marker = memory_copy_string(next);
    }
    return error_set(err, ERROR_LIMIT, "more than %d pages of functions", FUNCTION_PAGES_LIMIT);
}

bool function_list_each(const struct aws *aws, bool versions, function_list_visitor *visit,
                        void *context, struct error *err)
{
    const struct list list = {
        .operation = "ListFunctions",
        .path =
            versions ? "/2015-03-31/functions?FunctionVersion=ALL" : "/2015-03-31/functions",
        .member = "Functions",
    };

    return visit_each(aws, &list, visit, context, err) || error_wrap(err, "list the functions");
}

bool function_list_versions(const struct aws *aws, const char *name,
                            function_list_visitor *visit, void *context, struct error *err)
{
    owned(memory) char *path = function_path("2015-03-31", name, "/versions");
    const struct list list = {"ListVersionsByFunction", path, "Versions"};

    return visit_each(aws, &list, visit, context, err) ||
           error_wrap(err, "list the versions of '%.200s'", name);
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
