/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why an exchange failed, from libcurl's code and words to a sentence of ours, what may
 * help, and whether to try again.
 *
 * Source: libcurl-errors(3)
 */

#include <curl/curl.h>

#include "oci/base/error.h"

/** Sets the error, and returns false. `result` is not CURLE_OK; `reason`, which may be empty,
 *  is CURLOPT_ERRORBUFFER's; `what` begins the sentence; `location` is where the last answer
 *  led, or NULL. ERROR_INVALID for what would fail again, ERROR_NETWORK for the rest. */
bool http_curl_explain(CURLcode result, const char *reason, const char *what,
                       const char *location, struct error *err);
