#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Prints the addresses where Debian's packages may be had, the likeliest first, a line each and
# without a slash at the end: $DEBIAN_MIRROR alone where it is set; else what this machine's apt
# uses, and, for Ubuntu, whose own mirrors are no help, what debootstrap knows.
set -eu

used_by_apt() {
    apt-get indextargets --no-release-info --format '$(COMPONENT) $(REPO_URI)' 2>/dev/null |
        while read -r component address; do
            case $component:$address in
            main:http*) echo "$address" ;;
            # A file of mirrors, as cloud images have it.
            main:mirror+file:*) sed -n 's/[[:space:]].*//; /^http/p' "${address#mirror+file:}" ;;
            esac
        done | sed 's|/$||' | awk '!seen[$0]++'
}

known_to_debootstrap() {
    cat /usr/sbin/debootstrap /usr/share/debootstrap/scripts/* 2>/dev/null |
        grep -oE 'https?://[^" /]+/debian\b' | grep -v '//archive\.' | awk '!seen[$0]++'
}

if [ -n "${DEBIAN_MIRROR:-}" ]; then
    echo "${DEBIAN_MIRROR%/}"
    exit
fi
used_by_apt | grep '/debian$' || true
known_to_debootstrap || true
used_by_apt | grep -v '/debian$' || true
