/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/index.h"

#include <string.h>

#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* How BuildKit marks what is about another entry. */
static const char ATTESTATION[] = "vnd.docker.reference.type";

static bool read_entry(const json_t *json, struct index_entry *entry, struct error *err)
{
    const json_t *platform = json_object_get(json, "platform");

    if (!descriptor_read(json, &entry->descriptor, err))
        return false;
    entry->is_attestation =
        json_optional_string(json_object_get(json, "annotations"), ATTESTATION) != NULL;
    if (!json_is_object(platform))
        return true;
    if (!platform_spec_read(platform, &entry->platform, err))
        return false;
    entry->is_attestation |= strcmp(entry->platform.os, "unknown") == 0;
    entry->has_platform = true;
    return true;
}

bool index_check_depth(int depth, struct error *err)
{
    if (depth < INDEX_DEPTH_LIMIT)
        return true;
    return error_set(err, ERROR_LIMIT, "index nested deeper than %d levels", INDEX_DEPTH_LIMIT);
}

bool index_read(const struct document *document, struct index_entry **entries, size_t *count,
                struct error *err)
{
    json_owned json_t *index = NULL;
    json_t *manifests;

    if (!document_parse(document, &index, err) ||
        !json_field_array(index, "manifests", &manifests, err))
        return error_wrap(err, "index");
    size_t found = json_array_size(manifests);
    if (found > INDEX_LIMIT)
        return error_set(err, ERROR_LIMIT, "index of %zu entries, more than %d", found,
                         INDEX_LIMIT);

    owned(memory) struct index_entry *read = memory_new(found, sizeof *read);
    for (size_t i = 0; i < found; i++)
        if (!read_entry(json_array_get(manifests, i), &read[i], err))
            return error_wrap(err, "index entry %zu", i + 1);
    *entries = take(&read);
    *count = found;
    return true;
}

static bool none_fits(const struct index_entry *entries, size_t count,
                      const struct platform_spec *platform, struct error *err)
{
    owned(text) struct text offered = {0};

    for (size_t i = 0; i < count; i++)
        if (entries[i].has_platform && !entries[i].is_attestation)
            text_addf(&offered, "%s%s", offered.length ? ", " : "",
                      platform_spec_format(&entries[i].platform).text);
    return error_set(err, ERROR_NOT_FOUND, "no image for %s; there %s %s",
                     platform_spec_format(platform).text,
                     strchr(text_string(&offered), ',') ? "are" : "is",
                     offered.length ? text_string(&offered) : "none for a named platform");
}

bool index_pick(const struct index_entry *entries, size_t count,
                const struct platform_spec *platform, struct descriptor *out, struct error *err)
{
    const struct index_entry *found = NULL;

    for (size_t i = 0; i < count; i++) {
        const struct index_entry *entry = &entries[i];
        if (entry->is_attestation || !entry->has_platform ||
            !platform_spec_matches(&entry->platform, platform))
            continue;
        if (strcmp(entry->platform.variant, platform->variant) == 0) {
            found = entry;
            break;
        }
        if (!found)
            found = entry;
    }
    /* A lone entry that does not say what it is for: its config will. */
    if (!found && count == 1 && !entries[0].has_platform && !entries[0].is_attestation)
        found = &entries[0];
    if (!found)
        return none_fits(entries, count, platform, err);
    *out = found->descriptor;
    return true;
}

bool index_write(const struct index_entry *entries, size_t count, struct document *out,
                 struct error *err)
{
    bool is_docker =
        count > 0 && entries[0].descriptor.media_type == MEDIA_TYPE_DOCKER_MANIFEST;
    enum media_type type = is_docker ? MEDIA_TYPE_DOCKER_LIST : MEDIA_TYPE_OCI_INDEX;
    json_owned json_t *index = json_pack("{s:i, s:s, s:[]}", "schemaVersion", 2, "mediaType",
                                         media_type_name(type), "manifests");
    json_t *manifests = json_object_get(index, "manifests");

    for (size_t i = 0; i < count; i++) {
        json_t *entry = descriptor_write(&entries[i].descriptor);
        json_object_set_new(entry, "platform", platform_spec_write(&entries[i].platform));
        json_array_append_new(manifests, entry);
    }
    return document_write(index, out, err);
}
