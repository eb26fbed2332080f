#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds libdeflate.a, which every build of skiff makes gzip with: the same version, and so the
# same bytes, whatever a system has.
#
#     CC=cc AR=ar layers/libdeflate/build.sh DIR            fetched from a Debian mirror
#     CC=… AR=… layers/libdeflate/build.sh DIR SOURCES      from libdeflate's unpacked tarball
#
# DIR/libdeflate.a, DIR/libdeflate.h and DIR/part.h are what is left.
set -eu
umask 022
export LC_ALL=C

die() {
    echo "libdeflate: $*" >&2
    exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 1 ] || [ $# -eq 2 ] || die "usage: build.sh DIR [SOURCES]"
mkdir -p "$1" && dir=$(cd "$1" && pwd)
work=$dir/work
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

if [ $# -eq 2 ]; then
    cp -R "$2/." "$work"
else
    static=$here/../../static
    read -r name version file sha256 licence <<LINE
$(grep '^libdeflate ' "$static/libraries")
LINE
    tarball=$("$static/debian_tarball.sh" libdeflate "$file" "$sha256")
    tar -xzf "$tarball" -C "$work" --strip-components=1
fi
cd "$work"

# No block says that it is the last: a stream is made of several parts, and ended by gzip.c.
sed -i -e 's/ADD_BITS(is_final_block, 1)/ADD_BITS(0, 1)/' \
    -e 's/bfinal = is_final_block/bfinal = 0/' lib/deflate_compress.c
[ "$(grep -c 'ADD_BITS(0, 1)\|bfinal = 0;' lib/deflate_compress.c)" -eq 5 ] ||
    die "these are not the sources of version 1.14"

cp "$here/part.c" "$here/part.h" .
${CC:-cc} -O2 -g0 -ffunction-sections -fdata-sections -ffile-prefix-map="$work=." ${FLAGS:-} -I. \
    -c part.c lib/crc32.c lib/utils.c
for processor in arm x86; do
    ${CC:-cc} -O2 -g0 -ffile-prefix-map="$work=." ${FLAGS:-} -I. \
        -c lib/$processor/cpu_features.c -o $processor.o
done
${AR:-ar} rcsD libdeflate.a ./*.o
cp libdeflate.h part.h "$dir"
# Last: it is what make looks for.
mv libdeflate.a "$dir/libdeflate.a"
