/* SPDX-License-Identifier: Apache-2.0 */
#include "oci/base/error.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "oci/base/printable.h"

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    assert(kind != ERROR_NONE);

    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    printable_make(err->text); /* it may quote a server */
    err->kind = kind;
    return false;
}

bool error_set_errno(struct error *err, const char *format, ...)
{
    const char *reason = strerror(errno);

    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);

    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", reason);
    printable_make(err->text); /* it may quote a file name */
    err->kind = ERROR_SYSTEM;
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    assert(err->kind != ERROR_NONE);

    struct error cause = *err;
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);

    size_t used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", cause.text);
    printable_make(err->text);
    return false;
}

int error_exit_status(const struct error *err)
{
    switch (err->kind) {
    case ERROR_NONE:
        return 0;
    case ERROR_USAGE:
        return 2;
    default:
        return 1;
    }
}
