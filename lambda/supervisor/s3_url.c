/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/s3_url.h"

#include <ctype.h>
#include <string.h>

#include "lambda/signer/endpoint.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

enum { REGION_LIMIT = 63, BUCKET_LIMIT = 255, LABEL_MIN = 3, LABEL_LIMIT = 63 };

static const char REGION_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char BUCKET_CHARACTERS[] = "abcdefghijklmnopqrstuvwxyz0123456789-"
                                        "ABCDEFGHIJKLMNOPQRSTUVWXYZ._";
static const char SCHEME[] = "https://";

static bool consists_of(const char *text, const char *characters, size_t limit)
{
    size_t length = strspn(text, characters);

    return length > 0 && length <= limit && text[length] == '\0';
}

bool s3_region_is_plain(const char *region)
{
    return consists_of(region, REGION_CHARACTERS, REGION_LIMIT);
}

static bool bucket_is_plain(const char *bucket)
{
    return consists_of(bucket, BUCKET_CHARACTERS, BUCKET_LIMIT) && strcmp(bucket, ".") != 0 &&
           strcmp(bucket, "..") != 0;
}

/* Whether the bucket may be a host's first name. */
static bool bucket_is_label(const char *bucket)
{
    size_t length = strlen(bucket);

    return length >= LABEL_MIN && consists_of(bucket, REGION_CHARACTERS, LABEL_LIMIT) &&
           bucket[0] != '-' && bucket[length - 1] != '-';
}

bool s3_url(const char *endpoint, const char *region, const char *bucket, const char *key,
            const char *query, char **out, struct error *err)
{
    static const char *const nothing[] = {NULL};
    owned(text) struct text url = {0};

    if (!bucket_is_plain(bucket))
        return error_set(err, ERROR_INVALID, "'%.80s' is no name of a bucket", bucket);
    if (!s3_region_is_plain(region))
        return error_set(err, ERROR_INVALID, "'%.80s' is no name of a region", region);
    if (endpoint) {
        text_addf(&url, "%s/%s/", endpoint, bucket);
    } else {
        owned(memory) char *amazon = NULL;
        if (!endpoint_find(nothing, "s3", region, &amazon, err))
            return false;
        if (bucket_is_label(bucket))
            text_addf(&url, "%s%s.%s/", SCHEME, bucket, amazon + strlen(SCHEME));
        else
            text_addf(&url, "%s/%s/", amazon, bucket);
    }
    text_add_escaped(&url, key, "/");
    if (query)
        text_addf(&url, "?%s", query);
    *out = text_take(&url);
    return true;
}
