/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A set of inode numbers: which files a layer has made itself.
 *
 * All zero is the empty set. Numbers are only ever added.
 */

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct inode_set {
    ino_t *slots; /* 0 is free: no file has that number */
    size_t capacity;
    size_t count;
};

void inode_set_add(struct inode_set *set, ino_t inode);
bool inode_set_has(const struct inode_set *set, ino_t inode);
void inode_set_release(struct inode_set *set);
