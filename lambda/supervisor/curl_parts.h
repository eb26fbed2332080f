/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What those need who speak with libcurl in here, be it to the Runtime API or to a storage.
 */

#include <curl/curl.h>
#include <stddef.h>

/** The value of a header line that has this name, in any case: a new string without the blanks
 *  around it; NULL where the line is another. */
char *curl_parts_header(const char *line, size_t count, const char *name);

/** For CURLOPT_OPENSOCKETFUNCTION: a socket that the user's program does not inherit, which is
 *  no party to these conversations. */
curl_socket_t curl_parts_socket(void *context, curlsocktype purpose,
                                struct curl_sockaddr *address);
