/* SPDX-License-Identifier: Apache-2.0 */
#include "layers/inode_set.h"

#include <stdint.h>

#include "oci/base/memory.h"

enum { FIRST_CAPACITY = 1024 }; /* a power of two, as every later one is */

/* The slot that holds the number, or the free one where it belongs. */
static ino_t *find_slot(const struct inode_set *set, ino_t inode)
{
    uint64_t hash = (uint64_t)inode * UINT64_C(0x9e3779b97f4a7c15);
    size_t at = (size_t)(hash >> 20) & (set->capacity - 1);

    while (set->slots[at] != 0 && set->slots[at] != inode)
        at = (at + 1) & (set->capacity - 1);
    return &set->slots[at];
}

static void grow(struct inode_set *set)
{
    struct inode_set larger = {.capacity = set->capacity ? 2 * set->capacity : FIRST_CAPACITY};

    larger.slots = memory_new(larger.capacity, sizeof *larger.slots);
    for (size_t i = 0; i < set->capacity; i++)
        if (set->slots[i] != 0)
            *find_slot(&larger, set->slots[i]) = set->slots[i];
    larger.count = set->count;
    free(set->slots);
    *set = larger;
}

void inode_set_add(struct inode_set *set, ino_t inode)
{
    if (2 * (set->count + 1) > set->capacity)
        grow(set);

    ino_t *slot = find_slot(set, inode);
    set->count += *slot == 0;
    *slot = inode;
}

bool inode_set_has(const struct inode_set *set, ino_t inode)
{
    return set->capacity > 0 && *find_slot(set, inode) == inode;
}

void inode_set_release(struct inode_set *set)
{
    free(set->slots);
    *set = (struct inode_set){0};
}
