/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What Lambda says to a function that wants to be, or give something to, somebody else.
 *
 * In a user namespace ids that are not there are "invalid", while an ordinary user in Lambda
 * is "not permitted" to use them; programs tell the two apart. The filter answers as Lambda
 * does. It makes nothing safer: the kernel refuses these calls anyway.
 *
 * Source: seccomp(2), Linux samples/seccomp/bpf-direct.c
 */

#include <stdbool.h>

/** For this process from now on; it must have given up new privileges. Allocates nothing.
 *  Machines of other architectures than ours, or without filters, do without: false. */
bool sandbox_filter_install(void);
