/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/support/temp_layout.h"

#include "oci/base/memory.h"
#include "tests/support/temp_folder.h"
#include "tests/support/unit.h"

int temp_layout_set_up(void **state)
{
    struct error err;
    struct temp_layout *temp = memory_new(1, sizeof *temp);

    temp->path = temp_folder();
    assert_ok(layout_open(temp->path, true, &temp->layout, &err));
    temp->store = layout_store(temp->layout);
    *state = temp;
    return 0;
}

int temp_layout_tear_down(void **state)
{
    struct temp_layout *temp = *state;

    layout_free(temp->layout);
    temp_folder_remove(temp->path);
    free(temp);
    return 0;
}
