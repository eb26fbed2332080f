/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/metadata.h"

#include "oci/base/memory.h"

enum { ANSWER_LIMIT = 64 * 1024, PAUSE_MS = 1000 };

bool metadata_ask(const struct metadata_service *service, const struct http_request *request,
                  int *status, char **text, size_t *count, struct error *err)
{
    struct http_request quick = *request;

    quick.silence_s = service->silence_s;
    quick.stays = true;
    for (unsigned int tries = 1;; tries++) {
        owned(http_response) struct http_response response = {0};
        owned(memory) char *answer = NULL;
        bool answered = http_exchange_bytes(service->http, &quick, NULL, 0, ANSWER_LIMIT,
                                            &response, &answer, count, err);
        bool passing =
            answered ? http_status_may_pass(response.status) : err->kind == ERROR_NETWORK;
        if (!passing || tries >= service->tries) {
            *status = response.status;
            *text = take(&answer);
            return answered;
        }
        clock_sleep(service->clock, PAUSE_MS);
    }
}
