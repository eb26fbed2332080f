/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A new, empty layout for each test:
 *
 *     cmocka_unit_test_setup_teardown(test, temp_layout_set_up, temp_layout_tear_down)
 *
 * The test's state is the struct below.
 */

#include "oci/layout.h"

struct temp_layout {
    char *path;
    struct layout *layout;
    struct store *store;
};

int temp_layout_set_up(void **state);
int temp_layout_tear_down(void **state);
