/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Where the next login comes from, for registries whose logins run out.
 */

#include "registry/registry_login.h"

struct login_source {
    /* Whether the login had last is better renewed before it is used again. */
    bool (*is_old)(struct login_source *self);
    bool (*renew)(struct login_source *self, struct registry_login *out, struct error *err);
    void (*free)(struct login_source *self);
};
