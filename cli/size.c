/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/size.h"

#include <stdio.h>

struct size_text size_format(uint64_t bytes)
{
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    struct size_text out;
    double value = (double)bytes / 1000;
    size_t unit = 0;

    if (bytes < 1000) {
        snprintf(out.text, sizeof out.text, "%u B", (unsigned int)bytes);
        return out;
    }
    /* What would be rounded up to 1000.0 belongs to the next unit. */
    for (; value >= 999.95; unit++)
        value /= 1000;
    snprintf(out.text, sizeof out.text, "%.1f %s", value, units[unit]);
    return out;
}
