/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/layout_index.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static const char REF_NAME[] = "org.opencontainers.image.ref.name";

bool layout_index_parse(const char *bytes, size_t count, const char *place, json_t **out,
                        struct error *err)
{
    json_owned json_t *index = NULL;
    json_t *entries;

    if (!json_parse(bytes, count, &index, err) ||
        !json_field_array(index, "manifests", &entries, err))
        return error_wrap(err, "'%.200s'", place);
    *out = take(&index);
    return true;
}

static const char *entry_tag(const json_t *entry)
{
    return json_optional_string(json_object_get(entry, "annotations"), REF_NAME);
}

static bool no_such_tag(const json_t *entries, const char *place, const char *name,
                        struct error *err)
{
    owned(text) struct text tags = {0};
    size_t i;
    const json_t *entry;

    json_array_foreach(entries, i, entry)
    {
        const char *tag = entry_tag(entry);
        if (tag && tags.length < 200)
            text_addf(&tags, "%s%.128s", tags.length ? ", " : "", tag);
    }
    const char *offered = tags.length > 0 ? text_string(&tags) : "none";
    return error_set(err, ERROR_NOT_FOUND, "no tag '%.128s' in '%.200s'; there %s %s",
                     name[0] ? name : "latest", place, strchr(offered, ',') ? "are" : "is",
                     offered);
}

bool layout_index_find(const json_t *index, const char *place, const char *tag,
                       struct descriptor *out, struct error *err)
{
    const json_t *entries = json_object_get(index, "manifests");
    const char *wanted = tag[0] ? tag : "latest";
    const json_t *found = NULL;
    size_t i;
    const json_t *entry;

    if (!tag[0] && json_array_size(entries) == 1)
        found = json_array_get(entries, 0);
    json_array_foreach(entries, i, entry)
    {
        const char *name = entry_tag(entry);
        if (!found && name && strcmp(name, wanted) == 0)
            found = entry;
    }
    if (!found)
        return no_such_tag(entries, place, tag, err);
    return descriptor_read(found, out, err);
}

bool layout_index_remove(json_t *index, const char *tag)
{
    json_t *entries = json_object_get(index, "manifests");
    size_t before = json_array_size(entries);

    for (size_t i = before; i-- > 0;) {
        const char *taken = entry_tag(json_array_get(entries, i));
        if (taken && strcmp(taken, tag) == 0)
            json_array_remove(entries, i);
    }
    return json_array_size(entries) < before;
}

void layout_index_put(json_t *index, const char *tag, const struct descriptor *descriptor)
{
    json_t *entry = descriptor_write(descriptor);

    layout_index_remove(index, tag);
    json_object_set_new(entry, "annotations", json_pack("{s:s}", REF_NAME, tag));
    json_array_append_new(json_object_get(index, "manifests"), entry);
}

void layout_index_list(const json_t *index, json_t *tags)
{
    size_t i;
    const json_t *entry;

    json_array_foreach(json_object_get(index, "manifests"), i, entry)
    {
        const char *tag = entry_tag(entry);
        if (tag)
            json_array_append_new(tags, json_string(tag));
    }
}
