/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Certificates: those this system trusts, wherever its distribution keeps them; and
 * those for one registry, where docker's and podman's users keep them.
 *
 * A folder "certs.d" has a folder for each host, "registry.example:5000", and in
 * there: *.crt, authorities to trust beside the system's; NAME.cert and NAME.key,
 * what we show when asked who we are. The first folder that has the host is the
 * one.
 *
 * Source: containers-certs.d(5); docker's "Verify repository client with certificates"
 */

#include <stdbool.h>

#include "oci/base/error.h"

/* All zero: nothing special. */
struct certificates {
    char *authorities; /* PEM, all files together; NULL: none */
    char *certificate; /* the client's, a path; NULL: none */
    char *key;         /* its key, a path */
};

/** Where distributions keep the authorities they trust, a file each; ended by NULL. */
extern const char *const certificates_system_files[];

/** The first of these files that is there; NULL: none. */
const char *certificates_first_file(const char *const *files);

/** The folders to look in, ended by NULL: $HOME/.config/containers/certs.d and those of the
 *  system. A new list, the caller's to free(), as is its first string. */
char **certificates_folders(const char *const *environment);

/** Reads what there is for the host of `url`, https. What cannot be looked into is passed over.
 *  ERROR_INVALID for a certificate without its key, or a key without its certificate. */
bool certificates_find(const char *const *folders, const char *url, struct certificates *out,
                       struct error *err) MUST_CHECK;

void certificates_release(struct certificates *certificates);

static inline void certificates_cleanup(struct certificates *certificates)
{
    certificates_release(certificates);
}
