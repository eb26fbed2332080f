/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lambda/supervisor/log.h"
#include "lambda/supervisor/scratch.h"
#include "oci/base/memory.h"

static bool write_all(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t done = write(fd, bytes, count);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return false;
        bytes += done;
        count -= (size_t)done;
    }
    return true;
}

/* From now on the file has what was printed so far. */
static bool open_file(struct output *output)
{
    struct error unheard;

    if (!scratch_make(&output->folder, &unheard))
        return false;
    output->file = text_format("%s/output", output->folder);
    output->fd = open(output->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return output->fd >= 0 && write_all(output->fd, output->kept.bytes, output->kept.length);
}

/* Half of it is of no use: where /tmp is full there is the log. */
static void give_up(struct output *output)
{
    if (output->file && output->fd >= 0)
        close(output->fd);
    free(take(&output->file));
    output->keeps_all = false;
}

static void pass_on(const struct output *output, const char *bytes, size_t count)
{
    if (output->way == OUTPUT_LOGGED)
        log_bytes(bytes, count);
    else if (output->way == OUTPUT_PRINTED && !write_all(STDOUT_FILENO, bytes, count))
        return; /* who does not listen any more is no reason to stop */
}

/* Now and then the first half goes, so that the rest need not be moved for each line. */
static void keep_end(struct output *output, const char *bytes, size_t count)
{
    struct text *kept = &output->kept;

    text_add_bytes(kept, bytes, count);
    if (kept->length <= 2 * output->limit)
        return;
    memmove(kept->bytes, kept->bytes + kept->length - output->limit, output->limit + 1);
    kept->length = output->limit;
}

static void keep_start(struct output *output, const char *bytes, size_t count)
{
    size_t room = output->limit - output->kept.length;

    if (output->keeps_all && count > room) {
        bool kept = (output->file || open_file(output)) && write_all(output->fd, bytes, count);
        if (!kept)
            give_up(output);
    }
    text_add_bytes(&output->kept, bytes, count < room ? count : room);
}

void output_add(struct output *output, const char *bytes, size_t count)
{
    pass_on(output, bytes, count);
    if (output->keeps_end)
        keep_end(output, bytes, count);
    else
        keep_start(output, bytes, count);
    output->printed += count;
    output->inside_line = count > 0 ? bytes[count - 1] != '\n' : output->inside_line;
}

void output_end_line(struct output *output)
{
    if (output->inside_line && output->way == OUTPUT_LOGGED)
        log_bytes("\n", 1);
    output->inside_line = false;
}

void output_release(struct output *output)
{
    struct error unheard;

    give_up(output);
    if (output->folder && !scratch_remove(output->folder, &unheard))
        log_line(LOG_WARNING, LOG_WARNING, "%s", unheard.text);
    free(output->folder);
    text_release(&output->kept);
}
