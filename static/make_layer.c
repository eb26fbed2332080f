/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes a supervisor's layer while skiff is built, so that nobody has to wait for it later.
 *
 *     make_layer PROGRAM FOLDER >build/supervisor/amd64/layer
 *
 * What it writes, the digest, the diff id and the blob, lambda/supervisor_program.c reads.
 * FOLDER is for what comes in between. The layer is dated 1970, as everything is that nobody
 * gives a date.
 */
#include <stdio.h>
#include <unistd.h>

#include "lambda/supervisor_program.h"
#include "layers/layer_writer.h"
#include "oci/base/memory.h"

static bool copy_out(struct source *blob, struct error *err)
{
    char buffer[64 * 1024];
    size_t count;

    do {
        if (!source_read(blob, buffer, sizeof buffer, &count, err))
            return false;
        if (fwrite(buffer, 1, count, stdout) < count)
            return error_set_errno(err, "write");
    } while (count > 0);
    return fflush(stdout) == 0 || error_set_errno(err, "write");
}

static bool make_layer(const char *program, const char *folder, struct error *err)
{
    owned(tree) struct tree *tree = tree_new();
    owned(layout) struct layout *workspace = NULL;
    owned(source) struct source *blob = NULL;
    struct layer layer;

    if (!tree_add_file(tree, SUPERVISOR_PATH, TREE_PROGRAM, program, err) ||
        !layout_open(folder, true, &workspace, err) ||
        !layer_write(tree, 0, workspace, &layer, err) ||
        !store_open_blob(layout_store(workspace), &layer.blob, &blob, err))
        return false;
    fwrite(&layer.blob.digest, sizeof layer.blob.digest, 1, stdout);
    fwrite(&layer.diff_id, sizeof layer.diff_id, 1, stdout);
    return copy_out(blob, err);
}

int main(int argc, char **argv)
{
    struct error err;

    if (argc != 3 || isatty(STDOUT_FILENO)) {
        fprintf(stderr, "usage: make_layer PROGRAM FOLDER >FILE\n");
        return 2;
    }
    if (make_layer(argv[1], argv[2], &err))
        return 0;
    fprintf(stderr, "make_layer: %s\n", err.text);
    return 1;
}
