#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints where tarballs and finished sysroots are kept for all checkouts of this user:
# ~/.cache/skiff, made if it is not there; for those without a home, /var/tmp/skiff-UID/skiff.
set -eu

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
if [ -z "$cache" ] || ! mkdir -p "$cache/skiff" 2>/dev/null || ! [ -w "$cache/skiff" ]; then
    cache=/var/tmp/skiff-$(id -u)
    mkdir -p -m 700 "$cache/skiff"
    # Somebody else may have been there first.
    if [ "$(stat -c %u "$cache")" != "$(id -u)" ]; then
        echo "cache_folder: '$cache' belongs to somebody else" >&2
        exit 1
    fi
fi
cd "$cache/skiff" && pwd
