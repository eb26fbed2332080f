#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Whether clang is here and can link a fuzz target: its libFuzzer is a package of its own.
target='int LLVMFuzzerTestOneInput(const char *bytes, unsigned long count);
        int LLVMFuzzerTestOneInput(const char *bytes, unsigned long count) { return !bytes && count; }'
echo "$target" | clang -fsanitize=fuzzer,address,undefined -x c - -o /dev/null 2>/dev/null
