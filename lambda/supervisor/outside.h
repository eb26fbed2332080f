/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The function where there is no Lambda: in AWS Batch, in OSCAR, in `docker run image <event`.
 *
 * There is one event, all of stdin. Its input is brought and its results are stored like
 * in Lambda; what the program prints comes out where it printed it, and how it ends is how we
 * end. A server is simply started: whoever runs the image knows its port.
 */

#include "lambda/supervisor/run.h"

/** Serves the event. `*exit_code` is the program's; an error says why nothing was run. Of a
 *  server it returns only to say why it cannot start. */
bool outside_run(const struct job_context *context, int *exit_code,
                 struct error *err) MUST_CHECK;
