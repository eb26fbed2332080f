#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs the packages that are missing, and says which and why. Nothing missing: nothing said.
#
#     tests/support/deps.sh build     what `make demo` needs
#     tests/support/deps.sh check     that, and what the tests need
set -eu

# The other architecture's compiler and headers: both supervisors are built everywhere.
case $(uname -m) in
aarch64) cross="gcc-x86-64-linux-gnu linux-libc-dev-amd64-cross" ;;
*) cross="gcc-aarch64-linux-gnu linux-libc-dev-arm64-cross" ;;
esac

# "a|b": a, unless b is here already and does as well.
skiff="gcc libc6-dev make pkg-config|pkgconf libarchive-dev
    libcurl4-openssl-dev libssl-dev libjansson-dev libzstd-dev libyaml-dev"
supervisors="$cross binutils perl xz-utils ca-certificates"
base_images="python3 umoci"
tests="libcmocka-dev clang clang-format git docker-registry apache2-utils skopeo qemu-user-static
    busybox-static uidmap python3-venv faketime zstd openssl nginx podman"
# Ubuntu has to be told where Debian is, and how to know that it is Debian.
grep -qx 'ID=debian' /etc/os-release 2>/dev/null ||
    base_images="$base_images debootstrap debian-archive-keyring"

installed() {
    case $(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) in
    installed) return 0 ;;
    esac
    return 1
}

missing() {
    for choice in $1; do
        first=${choice%%|*}
        installed "$first" || installed "${choice##*|}" || echo "$first"
    done
}

# What clang links fuzz targets with: a package per version; in older releases clang has it.
clang_runtime() {
    [ -n "$tests" ] && ! "${0%/*}/../fuzz/available.sh" || return 0
    version=$(LC_ALL=C apt-cache depends clang 2>/dev/null | sed -n 's/^ *Depends: clang-//p')
    ! apt-cache show "libclang-rt-$version-dev" >/dev/null 2>&1 ||
        echo "libclang-rt-$version-dev"
}

explain() { # REASON PACKAGES
    [ -z "$2" ] || echo "    $1:" $2
}

case ${1:-} in
build) tests= ;;
check) ;;
*)
    echo "usage: tests/support/deps.sh build|check" >&2
    exit 2
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    cat >&2 <<'TEXT'
This is neither Debian nor Ubuntu, so nothing was installed. To build skiff with plain `make`, install
    programs: gcc make pkg-config aarch64-linux-gnu-gcc x86_64-linux-gnu-gcc binutils
    libraries with their headers: libarchive libcurl openssl jansson libzstd libyaml
The demo and the tests make their images out of Debian's packages, and need apt and dpkg.
TEXT
    exit 1
fi

for_skiff=$(missing "$skiff")
for_supervisors=$(missing "$supervisors")
for_base_images=$(missing "$base_images")
for_tests=$(missing "$tests"; clang_runtime)
all=$(echo $for_skiff $for_supervisors $for_base_images $for_tests)
[ -n "$all" ] || exit 0

as_root=
[ "$(id -u)" -eq 0 ] || as_root=sudo
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo "Packages are missing, and without sudo only root can install them:" >&2
    echo "    apt-get install --no-install-recommends $all" >&2
    exit 1
fi

echo "Installing what is missing${as_root:+ (with sudo)}:"
explain "to build skiff" "$for_skiff"
explain "to build its supervisors" "$for_supervisors"
explain "to make a base image" "$for_base_images"
explain "to run the tests" "$for_tests"

log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get "$@" >"$log" 2>&1
}
# Somebody's broken extra repository is no reason to stop: the install will tell.
install update || true
# Where no package was known before, clang's is known now.
if ! install install --yes --no-install-recommends $all $(clang_runtime); then
    tail -n 20 "$log" >&2
    echo "apt-get could not install them" >&2
    exit 1
fi
# Their packages also start servers for the whole network; the tests start their own.
for server in docker-registry nginx podman.socket podman; do
    case " $(echo $for_tests) " in
    *" ${server%.socket} "*) $as_root systemctl disable --now $server >"$log" 2>&1 || true ;;
    esac
done
