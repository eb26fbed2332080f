/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_folder.h"

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

void temp_folder_remove(char *path)
{
    struct error err;

    assert_ok(folder_remove(path, &err));
    free(path);
}
