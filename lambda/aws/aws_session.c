/* SPDX-License-Identifier: Apache-2.0 */
#include "lambda/aws/aws_session.h"

#include <stdlib.h>

#include "lambda/aws/region.h"
#include "oci/base/memory.h"

bool aws_session_open(const struct aws_options *options, struct aws_session *out,
                      struct error *err)
{
    *out = (struct aws_session){0};
    credentials_keeper_init(&out->keeper, &out->sources);
    if (!aws_settings_open(options->environment, options->profile, &out->settings, err))
        return false;
    out->sources = (struct credentials_sources){
        .settings = &out->settings,
        .profile = aws_settings_profile(&out->settings),
        .http = options->http,
        .clock = options->clock,
        .ask = options->ask,
    };
    if (!region_find(options->region, &out->sources, &out->region, &out->region_origin, err))
        return false;
    out->sources.region = out->region;
    out->aws = (struct aws){
        .http = options->http,
        .credentials = &out->keeper,
        .region = out->region,
        .settings = &out->settings,
        .clock = options->clock,
        .progress = options->progress,
        .state = &out->state,
    };
    return true;
}

bool aws_session_check_credentials(struct aws_session *session, char **origin,
                                   struct error *err)
{
    owned(aws_credentials) struct aws_credentials keys = {0};

    return credentials_keeper_get(&session->keeper, &keys, origin, err);
}

void aws_session_release(struct aws_session *session)
{
    credentials_keeper_release(&session->keeper);
    aws_settings_release(&session->settings);
    free(session->region);
    free(session->region_origin);
    *session = (struct aws_session){0};
}
