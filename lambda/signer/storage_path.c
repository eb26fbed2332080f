/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/signer/storage_path.h"

#include <stdlib.h>
#include <string.h>

#include "oci/base/text.h"

void storage_path_read(const char *path, struct storage_path *out)
{
    path += strspn(path, "/");
    size_t bucket_length = strcspn(path, "/");
    const char *folder = path + bucket_length + strspn(path + bucket_length, "/");
    size_t length = strlen(folder);

    while (length > 0 && folder[length - 1] == '/')
        length--;
    out->bucket = text_format("%.*s", (int)bucket_length, path);
    out->folder = text_format("%.*s%s", (int)length, folder, length > 0 ? "/" : "");
}

bool storage_path_is_s3(const char *provider)
{
    return strcmp(provider, "s3") == 0 || strncmp(provider, "s3.", 3) == 0;
}

const char *storage_path_account(const char *provider)
{
    return provider[2] == '.' ? provider + 3 : NULL;
}

void storage_path_release(struct storage_path *path)
{
    free(path->bucket);
    free(path->folder);
    *path = (struct storage_path){0};
}
