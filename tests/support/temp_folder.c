/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_folder.h"

#include <dirent.h>
#include <stdlib.h>

#include "oci/base/file.h"
#include "tests/support/unit.h"

char *temp_folder(void)
{
    struct error err;
    char *path;

    assert_ok(folder_make_temporary("/tmp", "skiff-test-", &path, &err));
    return path;
}

size_t temp_folder_count(const char *path)
{
    DIR *folder = opendir(path);
    size_t count = 0;

    assert_non_null(folder);
    for (const struct dirent *entry; (entry = readdir(folder));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    closedir(folder);
    return count;
}

void temp_folder_remove(char *path)
{
    struct error err;

    assert_ok(folder_remove(path, &err));
    free(path);
}
