/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/timestamp.h"

#include <stdlib.h>
#include <string.h>

/* "+01:30" in seconds. */
static bool parse_offset(const char *text, long *out)
{
    struct tm offset = {0};
    const char *end = strptime(text + 1, "%H:%M", &offset);

    if (!end || *end)
        return false;
    *out = (offset.tm_hour * 60L + offset.tm_min) * 60L * (*text == '-' ? -1 : 1);
    return true;
}

bool timestamp_parse(const char *text, time_t *out)
{
    struct tm utc = {0};
    long offset = 0;
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);

    if (!rest)
        return false;
    if (*rest == '.')
        rest += 1 + strspn(rest + 1, "0123456789");
    if (*rest == '+' || *rest == '-') {
        if (!parse_offset(rest, &offset))
            return false;
    } else if (strcmp(rest, "Z") != 0 && strcmp(rest, "UTC") != 0) {
        return false;
    }
    *out = timegm(&utc) - offset;
    return true;
}

struct timestamp timestamp_format(time_t time)
{
    static const time_t end_of_9999 = 253402300799;
    time_t shown = time < 0 ? 0 : time > end_of_9999 ? end_of_9999 : time;
    struct timestamp out;
    struct tm utc;

    gmtime_r(&shown, &utc);
    strftime(out.text, sizeof out.text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    return out;
}
