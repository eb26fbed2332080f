/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/output.h"

#include <stdio.h>
#include <unistd.h>

enum { TOGETHER_BYTES = 32 * 1024 };

/* musl writes the first lines as they come, and forgets why that failed. */
void output_begin(void)
{
    static char bytes[TOGETHER_BYTES];

    if (!isatty(STDOUT_FILENO))
        setvbuf(stdout, bytes, _IOFBF, sizeof bytes);
}

bool output_flush(struct error *err)
{
    bool is_short = ferror(stdout);

    if (fflush(stdout) != 0)
        return error_set_errno(err, "write the output");
    return !is_short || error_set(err, ERROR_SYSTEM, "write the output: some of it is lost");
}
