/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A server on the loopback, in a thread, that reads requests and answers each
 * with the next bytes of its script, be they good HTTP or not.
 */

#include <stddef.h>
#include <stdint.h>

#include "oci/base/text.h"
#include "oci/digest.h"

enum loopback_after {
    LOOPBACK_KEEP,   /* waits for the next request */
    LOOPBACK_CLOSE,  /* closes the connection */
    LOOPBACK_SILENT, /* says nothing more until the client goes */
};

struct loopback_answer {
    const char *bytes;         /* NULL: none at all */
    uint64_t filler;           /* bytes of loopback_byte() to send after them */
    enum loopback_after after; /* having answered */
    bool unheard;              /* answers before it reads the request's body */
};

struct loopback_server;

/** Starts it. The script is borrowed. */
struct loopback_server *loopback_server_start(const struct loopback_answer *script,
                                              size_t count);

/** "http://127.0.0.1:<port><path>"; a new string, the caller's. */
char *loopback_server_url(const struct loopback_server *server, const char *path);

/* What it has seen; to be read after loopback_server_stop(). */
struct loopback_seen {
    struct text heads; /* of all requests, one after the other */
    size_t connections;
    size_t requests;
    uint64_t body_size;        /* of the last request */
    struct digest body_digest; /* of the last request */
};

/** Waits for the script to be played, or the clients to be gone, and frees it. `*seen` is
 *  text_release()d by the caller through its `heads`. */
void loopback_server_stop(struct loopback_server *server, struct loopback_seen *seen);

/** The filler's byte at `position`. */
unsigned char loopback_byte(uint64_t position);
