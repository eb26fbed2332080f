/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/supervisor/curl_parts.h"

#include <string.h>
#include <sys/socket.h>

#include "oci/base/text.h"

char *curl_parts_header(const char *line, size_t count, const char *name)
{
    size_t length = strlen(name);

    if (count <= length || !curl_strnequal(line, name, length) || line[length] != ':')
        return NULL;
    const char *start = line + length + 1;
    const char *end = line + count;
    while (start < end && strchr(" \t", *start))
        start++;
    while (end > start && strchr(" \t\r\n", end[-1]))
        end--;
    return text_format("%.*s", (int)(end - start), start);
}

curl_socket_t curl_parts_socket(void *context, curlsocktype purpose,
                                struct curl_sockaddr *address)
{
    (void)context;
    (void)purpose;
    return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}
