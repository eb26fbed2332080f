/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request to the server on this machine, and its answer.
 *
 * Each has a connection of its own: what was kept open while the function was frozen, nobody
 * would trust. This file is the supervisor's third door to libcurl.
 */

#include <stdint.h>

#include "lambda/supervisor/request.h"
#include "lambda/supervisor/server_answer.h"

/* Why there is no answer. */
enum server_silence { SERVER_BROKE_OFF, SERVER_TOO_SLOW, SERVER_TOO_MUCH };

/** Whether somebody listens on the port of 127.0.0.1. */
bool server_client_can_connect(int port);

/** Sends the request, waiting `limit_ms` (0: for ever). ERROR_NETWORK says what went wrong, and
 *  `*why` of which kind it is. */
bool server_client_exchange(int port, const struct request *request, int64_t limit_ms,
                            struct server_answer *answer, enum server_silence *why,
                            struct error *err) MUST_CHECK;
