/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/local/local_checkup.h"

#include <fcntl.h>
#include <unistd.h>

#include "lambda/local/sandbox.h"
#include "oci/base/file.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

/* Everything is ready when all that is missing is the program. */
static bool can_sandbox(const char *folder, struct error *err)
{
    static const char *const arguments[] = {"/no-such-program", NULL};
    static const char *const environment[] = {NULL};
    owned(memory) char *root = text_format("%s/check-root", folder);
    owned(memory) char *log = text_format("%s/check-log", folder);
    owned(sandbox) struct sandbox *sandbox = NULL;

    if (!folder_make(root, err) || !sandbox_prepare_root(root, err))
        return false;
    int log_fd = open(log, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (log_fd < 0)
        return error_set_errno(err, "open '%.200s'", log);
    const struct sandbox_options options = {
        .place = {.root = root, .progress = &progress_none},
        .arguments = arguments,
        .environment = environment,
        .log_fd = log_fd,
    };
    bool works = sandbox_start(&options, &sandbox, err) || err->kind == ERROR_INVALID;
    close(log_fd);
    return works;
}

void local_checkup(const char *folder, bool needed, struct checkup *out)
{
    struct error err;

    if (can_sandbox(folder, &err))
        checkup_add(out, "user namespaces", FINDING_OK, NULL, "functions run on this machine");
    else
        checkup_add(out, "user namespaces", needed ? FINDING_WRONG : FINDING_UNSURE,
                    needed ? NULL : "only --local needs them", "%s", err.text);
}
