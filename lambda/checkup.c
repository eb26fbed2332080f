/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/checkup.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "oci/base/memory.h"

void checkup_add(struct checkup *checkup, const char *name, enum finding_state state,
                 const char *advice, const char *format, ...)
{
    char text[sizeof((struct error *)0)->text];
    va_list arguments;

    if (checkup->count == FINDINGS_LIMIT)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    checkup->findings[checkup->count++] = (struct finding){
        .name = name,
        .state = state,
        .text = memory_copy_string(text),
        .advice = advice ? memory_copy_string(advice) : NULL,
    };
}

size_t checkup_count_wrong(const struct checkup *checkup)
{
    size_t count = 0;

    for (size_t i = 0; i < checkup->count; i++)
        count += checkup->findings[i].state == FINDING_WRONG;
    return count;
}

const char *finding_state_name(enum finding_state state)
{
    static const char *const names[] = {
        [FINDING_OK] = "ok",
        [FINDING_UNSURE] = "unsure",
        [FINDING_WRONG] = "wrong",
        [FINDING_SKIPPED] = "skipped",
    };

    return names[state];
}

void checkup_release(struct checkup *checkup)
{
    for (size_t i = 0; i < checkup->count; i++) {
        free(checkup->findings[i].text);
        free(checkup->findings[i].advice);
    }
    *checkup = (struct checkup){0};
}
