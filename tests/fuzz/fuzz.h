/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the fuzz targets share.
 *
 * A target is one function, called with bytes that libFuzzer makes up while it
 * watches which of our branches they reach. It states a property of a parser in
 * assert()s; the sanitizers state theirs. fuzz_<parser>.c is one program.
 *
 *     build-fuzz/fuzz_<parser> <file>        what a file that was found does
 *
 * Source: https://llvm.org/docs/LibFuzzer.html
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** The target itself; returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

/** Optional: makes the next input out of this one, in place. */
size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t count, size_t capacity,
                               unsigned int random);

/** A mutator that knows whole inputs, ended by NULL, and tries them besides the usual changes.
 */
size_t fuzz_mutate(const char *const *seeds, uint8_t *bytes, size_t count, size_t capacity,
                   unsigned int random);

/** The bytes up to the first NUL; a new string, the caller's to free(). */
char *fuzz_string(const uint8_t *bytes, size_t count);

/** This program's own folder, in $TMPDIR; removed when the program ends. */
const char *fuzz_folder(void);

/** Replaces the content of the file `name` in that folder. Returns its path, which stays. */
const char *fuzz_file(const char *name, const uint8_t *bytes, size_t count);

/** Whether the text is "<name>:<line>:<column>: <something>", both counted from 1. */
bool fuzz_has_place(const char *text, const char *name);
