/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the caller gets to see: SCAR's response, whose body is the output in base64, or
 * the words that say why there is none.
 */

#include "lambda/supervisor/output.h"
#include "lambda/supervisor/runtime_client.h"

/* So many bytes of output fit into a response: base64 makes four of three, and the headers
 * and a notice need their place. */
enum { OUTPUT_LIMIT = (RESPONSE_LIMIT - 16 * 1024) / 4 * 3 };

/** The response document; a new string, the caller's to free(). `environment` is the
 *  supervisor's own; an `exit_code` other than 0 is told. `place` is where all of an output is
 *  that is too large; NULL: nowhere but in the log. */
char *answer_response(const char *request_id, const char *const *environment,
                      const struct output *output, const char *place, int exit_code);

/** What a function error says: `reason`, then the end of the output so far and, unless it is
 *  NULL, of the response. A new string, the caller's to free(). */
char *answer_failure(const char *reason, const struct output *output,
                     const struct output *response);
