/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/tag_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"
#include "oci/store.h"

enum { TAGS_AT_ONCE = 1000 }; /* ECR refuses more */

/* Whether the parameters, which end at a comma, have rel=next. */
static bool is_next(const char *parameters)
{
    size_t length = strcspn(parameters, ",");

    for (const char *at = parameters; at + 8 <= parameters + length; at++) {
        const char *value = at + 4;
        if (strncasecmp(at, "rel=", 4) == 0 &&
            strncasecmp(value + (*value == '"'), "next", 4) == 0)
            return true;
    }
    return false;
}

char *tag_list_next(const char *link)
{
    while (link && (link = strchr(link, '<'))) {
        size_t length = strcspn(link, ">");
        if (link[length] == '\0')
            return NULL;
        if (is_next(link + length + 1))
            return text_format("%.*s", (int)length - 1, link + 1);
        link += length;
    }
    return NULL;
}

static bool add_tags(const char *bytes, size_t count, json_t *tags, struct error *err)
{
    json_owned json_t *page = NULL;
    size_t i;
    json_t *tag;

    if (!json_parse(bytes, count, &page, err))
        return error_wrap(err, "list of tags");
    const json_t *list = json_object_get(page, "tags"); /* null where there are none */
    if (!json_is_object(page) || (list && !json_is_null(list) && !json_is_array(list)))
        return error_set(err, ERROR_INVALID, "list of tags: no field 'tags'");
    json_array_foreach(list, i, tag)
    {
        if (!json_is_string(tag))
            return error_set(err, ERROR_INVALID, "list of tags: tag %zu is not a string",
                             i + 1);
        if (json_array_size(tags) == TAGS_LIMIT)
            return error_set(err, ERROR_LIMIT, "more than %d tags", TAGS_LIMIT);
        json_array_append(tags, tag);
    }
    return true;
}

/* Where the next page is: at the host that was asked, or nowhere. */
static bool next_url(struct session *session, const struct http_response *response, char **out,
                     struct error *err)
{
    owned(memory) char *link = tag_list_next(http_header(response, "Link"));
    owned(memory) char *root = session_url(session, "/");
    owned(memory) char *ours = http_url_origin(root);

    *out = NULL;
    if (!link)
        return true;
    if (link[0] == '/' && link[1] != '/') {
        *out = session_url(session, link);
        return true;
    }
    owned(memory) char *theirs = http_url_origin(link);
    if (strcmp(ours, theirs) != 0)
        return error_set(err, ERROR_INVALID,
                         "the next page of tags is said to be elsewhere, at '%.200s'", link);
    *out = take(&link);
    return true;
}

/* `*broke` tells an answer that broke off from one that never began. */
static bool read_page(struct session *session, const char *scope, const char *repository,
                      const char *url, json_t *tags, char **next, bool *broke,
                      struct error *err)
{
    owned(http_response) struct http_response response = {0};
    owned(memory) char *bytes = NULL;
    struct http_request request = {.method = "GET", .url = url};
    size_t count;

    *broke = false;
    if (!session_exchange(session, scope, &request, NULL, 0, &response, err))
        return false;
    if (response.status == 404)
        return error_set(err, ERROR_NOT_FOUND, "no repository '%s/%s'", session_host(session),
                         repository);
    if (response.status != 200)
        return session_error(session, &request, &response, err);
    if (!http_read_answer(&response, TAG_PAGE_LIMIT, &bytes, &count, err)) {
        *broke = err->kind == ERROR_NETWORK;
        return false;
    }
    return add_tags(bytes, count, tags, err) && next_url(session, &response, next, err);
}

bool tag_list_read(struct session *session, const char *scope, const char *repository,
                   json_t *tags, struct error *err)
{
    owned(memory) char *path = text_format("/v2/%s/tags/list?n=%d", repository, TAGS_AT_ONCE);
    owned(memory) char *url = session_url(session, path);

    for (int pages = 0; url; pages++) {
        char *next = NULL;
        bool broke;

        if (pages == TAG_PAGES_LIMIT)
            return error_set(err, ERROR_LIMIT, "more than %d pages of tags", TAG_PAGES_LIMIT);
        for (unsigned int tries = 1;
             !read_page(session, scope, repository, url, tags, &next, &broke, err); tries++)
            if (!broke || !session_try_again(session, tries, NULL))
                return false;
        free(url);
        url = next;
    }
    return true;
}
