/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An AWS that follows a script, with a clock that never waits and a listener to what users are
 * told.
 *
 *     static const struct scripted_answer script[] = {
 *         {.asked = "GetFunction", .status = 404, .body = "{}"},
 *         {0},
 *     };
 *     owned(scripted_aws) struct scripted_aws *aws = scripted_aws_new(script);
 *     functions_get(scripted_aws_ask(aws), "f", &function, &err);
 *
 * A request the script does not expect fails the test, an answer nobody asked for fails
 * scripted_aws_free().
 */

#include "lambda/aws/aws.h"

enum { SCRIPTED_HEADERS_LIMIT = 4 };

struct scripted_answer {
    const char *asked; /* in "<method> <path and query> <X-Amz-Target> <body>" */
    int status;        /* 0: the connection breaks */
    const char *body;  /* NULL: empty */
    struct http_header headers[SCRIPTED_HEADERS_LIMIT];
};

struct scripted_aws;

/** `script` ends with an entry that asks nothing; borrowed. */
struct scripted_aws *scripted_aws_new(const struct scripted_answer *script);
void scripted_aws_free(struct scripted_aws *scripted);

/** From now on the first answer that fits is given, wherever it is in the script: for questions
 * that are asked at the same time. The script has 64 of them at most. */
void scripted_aws_in_any_order(struct scripted_aws *scripted);

/** Who to ask: user AKIDEXAMPLE, region eu-west-1, at http://127.0.0.1:1. */
struct aws *scripted_aws_ask(struct scripted_aws *scripted);

/* All borrowed: every body sent, each with a line end; every step and warning ("warning: …")
 * likewise; the last request's headers, "name: value" each. */
const char *scripted_aws_bodies(const struct scripted_aws *scripted);
const char *scripted_aws_told(const struct scripted_aws *scripted);
const char *scripted_aws_headers(const struct scripted_aws *scripted);

/** How long the clock was asked to wait in all. */
unsigned int scripted_aws_waited_ms(const struct scripted_aws *scripted);

static inline void scripted_aws_cleanup(struct scripted_aws **variable)
{
    scripted_aws_free(*variable);
}
