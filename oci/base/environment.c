/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/environment.h"

#include <stddef.h>
#include <string.h>

const char *environment_get(const char *const *environment, const char *name)
{
    size_t length = strlen(name);

    for (; *environment; environment++)
        if (strncmp(*environment, name, length) == 0 && (*environment)[length] == '=')
            return (*environment)[length + 1] ? *environment + length + 1 : NULL;
    return NULL;
}
