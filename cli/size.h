/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A number of bytes as people read it: "999 B", "3.2 MB". Decimal, as registries
 * and disks count.
 */

#include <stdint.h>

struct size_text {
    char text[16];
};

/** For printing: printf("%s", size_format(size).text). At most 8 characters up to 999.9 TB. */
struct size_text size_format(uint64_t bytes);
