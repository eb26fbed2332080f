/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the user's program prints in all the runs for one event: to the log while it comes, or
 * wherever it belongs, and kept for the answer as far as an answer carries it. What is more
 * than that may be kept in a file, to go to a storage.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "oci/base/text.h"

enum output_way {
    OUTPUT_LOGGED,
    OUTPUT_PRINTED, /* on stdout: there is nobody to answer */
    OUTPUT_KEPT,    /* it is the answer and nothing else */
};

struct output {
    enum output_way way;
    bool keeps_end; /* the last bytes instead of the first */
    size_t limit;   /* bytes to keep; of the last ones there may be as many again */
    struct text kept;
    uint64_t printed; /* in all */
    bool inside_line; /* the last one has no end */

    bool keeps_all; /* beyond the limit in a file */
    char *folder;   /* that has the file; NULL: there is none */
    char *file;     /* with all that was printed; NULL: there is none, or not all of it */
    int fd;
};

void output_add(struct output *output, const char *bytes, size_t count);

/** Ends the log's line, so that the next one of ours starts at its beginning. */
void output_end_line(struct output *output);

/** Removes the file, too. */
void output_release(struct output *output);
