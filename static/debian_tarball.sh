#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: debian_tarball.sh PACKAGE FILE SHA256
# Prints where the file of a Debian source package is on this machine: in ~/.cache/skiff, after it
# has been downloaded from one of debian_mirrors.sh.
set -eu
umask 022

here=$(cd "$(dirname "$0")" && pwd)
package=$1 file=$2 sha256=$3

cache=$("$here/cache_folder.sh")

is_right() {
    [ -f "$1" ] && echo "$sha256  $1" | sha256sum --check --status
}

# The second of two waits and finds the work done.
exec 9>"$cache/$file.lock"
flock 9
if ! is_right "$cache/$file"; then
    case $package in
    lib*) folder=$(echo "$package" | cut -c 1-4) ;;
    *) folder=$(echo "$package" | cut -c 1) ;;
    esac
    echo "downloading $file" >&2
    for mirror in $("$here/debian_mirrors.sh"); do
        url=$mirror/pool/main/$folder/$package/$file
        # apt knows its proxies; curl is for machines without apt.
        /usr/lib/apt/apt-helper download-file "$url" "$cache/$file.new" "SHA256:$sha256" >&2 ||
            curl -fsSL --connect-timeout 20 -o "$cache/$file.new" "$url" || continue
        ! is_right "$cache/$file.new" || break
    done
    if ! is_right "$cache/$file.new"; then
        rm -f "$cache/$file.new"
        echo "debian_tarball: no mirror known here has $file:" \
            "set DEBIAN_MIRROR to the URL of a Debian mirror" >&2
        exit 1
    fi
    mv "$cache/$file.new" "$cache/$file"
fi
echo "$cache/$file"
