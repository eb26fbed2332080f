/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/output.h"

#include "lambda/supervisor/log.h"

void output_add(struct output *output, const char *bytes, size_t count)
{
    size_t room = output->limit - output->kept.length;

    log_bytes(bytes, count);
    text_add_bytes(&output->kept, bytes, count < room ? count : room);
    output->printed += count;
    output->inside_line = count > 0 ? bytes[count - 1] != '\n' : output->inside_line;
}

void output_end_line(struct output *output)
{
    if (output->inside_line)
        log_bytes("\n", 1);
    output->inside_line = false;
}

void output_release(struct output *output)
{
    text_release(&output->kept);
}
