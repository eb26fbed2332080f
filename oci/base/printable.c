/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/printable.h"

void printable_make(char *string)
{
    for (unsigned char *at = (unsigned char *)string; *at; at++) {
        if (*at < ' ' || *at == 0x7f)
            *at = ' ';
        else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0) /* U+0080 to U+009F in UTF-8 */
            at[0] = at[1] = ' ';
    }
}
