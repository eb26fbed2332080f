/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/download.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "oci/base/memory.h"

enum {
    PASS_OVER_BYTES = 16 * 1024,       /* read at once of what is known already */
    PROGRESS_BYTES = 1024 * 1024,      /* that came since make a break the first one again */
    RANGE_TEXT = sizeof "bytes=-" + 20 /* with the largest number there is */
};

struct download {
    struct source source;
    struct session *session;
    const char *scope;
    char *url;
    struct http_response response; /* whose body is being read */
    uint64_t position;
    uint64_t broke_at;
    unsigned int tries; /* since there was progress */
};

/* Where a partial answer begins: "bytes 5-9/10". */
static bool read_start(const struct http_response *response, uint64_t *start)
{
    const char *range = http_header(response, "Content-Range");

    return range && sscanf(range, "bytes %" SCNu64 "-", start) == 1;
}

/* Asks for the blob from `from` on; `*start` is where the answer begins. */
static bool ask(struct download *download, uint64_t from, uint64_t *start, struct error *err)
{
    char range[RANGE_TEXT];
    struct http_request request = {.method = "GET", .url = download->url};
    struct http_response *response = &download->response;

    if (from > 0) {
        snprintf(range, sizeof range, "bytes=%" PRIu64 "-", from);
        http_add_header(&request, "Range", range);
    }
    http_response_release(response);
    if (!session_exchange(download->session, download->scope, &request, NULL, 0, response, err))
        return false;
    *start = 0;
    if (response->status == 200)
        return true;
    if (response->status == 416 && from > 0)
        return ask(download, 0, start, err);
    if (response->status != 206 || from == 0)
        return session_error(download->session, &request, response, err);
    if (read_start(response, start) && *start <= from)
        return true;
    return error_set(err, ERROR_INVALID, "GET %.300s: the answer is not the part asked for",
                     download->url);
}

static bool pass_over(struct download *download, uint64_t count, struct error *err)
{
    char buffer[PASS_OVER_BYTES];

    while (count > 0) {
        size_t wanted = count < sizeof buffer ? (size_t)count : sizeof buffer;
        size_t got;
        if (!source_read(download->response.body, buffer, wanted, &got, err))
            return false;
        if (got == 0)
            return error_set(err, ERROR_INVALID, "GET %.300s: shorter than it was before",
                             download->url);
        count -= got;
    }
    return true;
}

/* `err` says what broke it off, and goes on saying so when there is no trying again. */
static bool resume(struct download *download, struct error *err)
{
    uint64_t start;

    if (download->position - download->broke_at >= PROGRESS_BYTES)
        download->tries = 0;
    download->broke_at = download->position;
    while (err->kind == ERROR_NETWORK &&
           session_try_again(download->session, ++download->tries, NULL)) {
        if (!ask(download, download->position, &start, err))
            return false; /* the transport has tried more than once */
        if (pass_over(download, download->position - start, err))
            return true;
    }
    return false;
}

static bool download_read(struct source *self, void *bytes, size_t capacity, size_t *count,
                          struct error *err)
{
    struct download *download = (struct download *)self;

    while (!source_read(download->response.body, bytes, capacity, count, err))
        if (!resume(download, err))
            return false;
    download->position += *count;
    return true;
}

static void download_free(struct source *self)
{
    struct download *download = (struct download *)self;

    http_response_release(&download->response);
    free(download->url);
    free(download);
}

static const struct source_ops download_ops = {.read = download_read, .free = download_free};

bool download_open(struct session *session, const char *scope, const char *url, uint64_t from,
                   struct source **out, struct error *err)
{
    struct download *download = memory_new(1, sizeof *download);
    uint64_t start;

    download->source.ops = &download_ops;
    download->session = session;
    download->scope = scope;
    download->url = memory_copy_string(url);
    download->position = from;
    download->broke_at = from;
    if (!ask(download, from, &start, err) || !pass_over(download, from - start, err)) {
        download_free(&download->source);
        return false;
    }
    *out = &download->source;
    return true;
}
