/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/payload.h"

#include <stdio.h>
#include <string.h>

#include "oci/base/file.h"
#include "oci/base/json.h"
#include "oci/base/memory.h"
#include "oci/base/text.h"

static bool read_stdin(char **out, size_t *count, struct error *err)
{
    owned(text) struct text text = {0};
    char bytes[64 * 1024];
    size_t got;

    while ((got = fread(bytes, 1, sizeof bytes, stdin)) > 0) {
        if (text.length + got > PAYLOAD_LIMIT)
            return error_set(err, ERROR_LIMIT, "stdin has more than %d bytes", PAYLOAD_LIMIT);
        text_add_bytes(&text, bytes, got);
    }
    if (ferror(stdin))
        return error_set_errno(err, "read stdin");
    *count = text.length;
    *out = text_take(&text);
    return true;
}

static bool read_bytes(const char *written, char **out, size_t *count, struct error *err)
{
    if (strcmp(written, "-") == 0)
        return read_stdin(out, count, err);
    if (written[0] == '@')
        return file_read(written + 1, PAYLOAD_LIMIT, out, count, err);
    *out = memory_copy_string(written);
    *count = strlen(written);
    return true;
}

bool payload_read(const char *written, char **out, size_t *count, struct error *err)
{
    owned(memory) char *bytes = NULL;
    json_owned json_t *event = NULL;

    if (!read_bytes(written, &bytes, count, err))
        return error_wrap(err, "--payload");
    if (!json_parse_event(bytes, *count, &event, err)) {
        err->kind = ERROR_USAGE;
        return error_wrap(err, "--payload");
    }
    *out = take(&bytes);
    return true;
}
