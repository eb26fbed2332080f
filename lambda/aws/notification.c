/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/notification.h"

#include <string.h>
#include <strings.h>

#include "lambda/signer/xml_text.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { FIELD_LIMIT = 2048 }; /* bytes: a prefix has 1024, an ARN less */

#define ROOT "NotificationConfiguration"
#define ENTRY "CloudFunctionConfiguration"
#define EVENT "s3:ObjectCreated:*"

const char NOTIFICATION_NONE[] =
    "<" ROOT " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"/>";

/* S3 takes the prefixes of its filters as they would be in an URL's query. A new string. */
static char *encode(const char *folder)
{
    owned(text) struct text out = {0};

    for (; *folder; folder++) {
        const char one[] = {*folder, '\0'};
        if (*folder == ' ')
            text_add(&out, "+");
        else
            text_add_escaped(&out, one, "/");
    }
    return text_take(&out);
}

static size_t count_of(const char *xml, const char *words)
{
    size_t count = 0;

    for (const char *found = strstr(xml, words); found; found = strstr(found + 1, words))
        count++;
    return count;
}

static bool calls(const char *entry, const struct notification_change *change)
{
    char function[FIELD_LIMIT];
    size_t length = strlen(change->function);

    if (!xml_text(entry, "CloudFunction", function, sizeof function) ||
        strncmp(function, change->function, length) != 0)
        return false;
    return function[length] == '\0' || (change->removes_all && function[length] == ':');
}

/* The prefix of an entry of our kind. */
static bool read_prefix(const char *entry, char *prefix, size_t size)
{
    char event[FIELD_LIMIT];
    char name[FIELD_LIMIT];
    size_t rules = count_of(entry, "<FilterRule>");

    *prefix = '\0';
    if (count_of(entry, "<Event>") != 1 || !xml_text(entry, "Event", event, sizeof event) ||
        strcmp(event, EVENT) != 0)
        return false;
    if (rules == 0)
        return true;
    if (rules > 1 || !xml_text(entry, "Name", name, sizeof name) ||
        strcasecmp(name, "prefix") != 0)
        return false;
    return xml_text(entry, "Value", prefix, size) || *prefix == '\0';
}

static bool is_among(const json_t *folders, const char *prefix)
{
    const json_t *folder = NULL;
    size_t i;

    json_array_foreach(folders, i, folder)
    {
        owned(memory) char *encoded = encode(json_string_value(folder));
        if (strcmp(encoded, prefix) == 0)
            return true;
    }
    return false;
}

static void add_entry(struct text *out, const char *function, const char *prefix)
{
    text_addf(out, "<" ENTRY "><CloudFunction>%s</CloudFunction><Event>" EVENT "</Event>",
              function);
    if (*prefix)
        text_addf(out,
                  "<Filter><S3Key><FilterRule><Name>prefix</Name><Value>%s</Value>"
                  "</FilterRule></S3Key></Filter>",
                  prefix);
    text_add(out, "</" ENTRY ">");
}

/* What the walk over the entries has found. */
struct walk {
    const struct notification_change *change;
    json_t *present; /* prefixes that are wanted and there */
    bool removes;
};

/* Whether the entry stays. */
static bool look_at(struct walk *walk, const char *entry)
{
    const struct notification_change *change = walk->change;
    char prefix[FIELD_LIMIT];

    if (!calls(entry, change))
        return true;
    bool goes = change->removes_all;
    if (read_prefix(entry, prefix, sizeof prefix)) {
        if (is_among(change->wanted, prefix))
            json_object_set_new(walk->present, prefix, json_true());
        goes = goes || is_among(change->unwanted, prefix);
    }
    walk->removes |= goes;
    return !goes;
}

/* Copies what is between `xml` and `end`, but for entries that go. */
static bool copy_entries(struct walk *walk, const char *xml, const char *end, struct text *out,
                         struct error *err)
{
    for (;;) {
        const char *start = strstr(xml, "<" ENTRY ">");
        if (!start || start > end) {
            text_add_bytes(out, xml, (size_t)(end - xml));
            return true;
        }
        const char *close = strstr(start, "</" ENTRY ">");
        if (!close || close > end)
            return error_set(err, ERROR_INVALID, "an entry without an end");
        close += strlen("</" ENTRY ">");
        owned(memory) char *entry = text_format("%.*s", (int)(close - start), start);
        text_add_bytes(out, xml, (size_t)(start - xml));
        if (look_at(walk, entry))
            text_add(out, entry);
        xml = close;
    }
}

static bool add_missing(const struct walk *walk, struct text *out)
{
    const json_t *folder = NULL;
    bool adds = false;
    size_t i;

    json_array_foreach(walk->change->wanted, i, folder)
    {
        owned(memory) char *prefix = encode(json_string_value(folder));
        if (json_object_get(walk->present, prefix))
            continue;
        add_entry(out, walk->change->function, prefix);
        adds = true;
    }
    return adds;
}

bool notification_edit(const char *xml, const struct notification_change *change, char **out,
                       struct error *err)
{
    json_owned json_t *present = json_object();
    owned(text) struct text edited = {0};
    struct walk walk = {.change = change, .present = present};
    const char *root = strstr(xml, "<" ROOT);
    const char *head_end = root ? strchr(root, '>') : NULL;

    *out = NULL;
    if (!head_end)
        return error_set(err, ERROR_INVALID, "no " ROOT);
    bool is_empty = head_end[-1] == '/';
    const char *end = is_empty ? head_end + 1 : strstr(head_end, "</" ROOT ">");
    if (!end)
        return error_set(err, ERROR_INVALID, "a " ROOT " without an end");
    text_add_bytes(&edited, xml, (size_t)(head_end - xml) - is_empty);
    text_add(&edited, ">");
    if (!is_empty && !copy_entries(&walk, head_end + 1, end, &edited, err))
        return false;
    bool adds = add_missing(&walk, &edited);
    text_add(&edited, "</" ROOT ">");
    if (adds || walk.removes)
        *out = text_take(&edited);
    return true;
}
