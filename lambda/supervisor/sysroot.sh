#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds what the supervisor is linked with: musl, jansson and a small libcurl, all static.
#
#     lambda/supervisor/sysroot.sh arm64 build/sysroot/arm64
#     build/sysroot/arm64/bin/musl-gcc x.c -lcurl -ljansson -lpthread
#
# Debian's own .a files are made for glibc and do not link with musl, so its source tarballs are
# built here: as an ordinary user, without touching the system's packages. Tarballs and
# finished sysroots are kept in ~/.cache/skiff, so that the next checkout takes a second.

set -eu
umask 022
# Only this script says how the libraries are built.
unset CC CPP CFLAGS CPPFLAGS LDFLAGS LIBS AR RANLIB CROSS_COMPILE CDPATH MAKEFLAGS MFLAGS CONFIG_SITE
export LC_ALL=C

die() {
    echo "sysroot: $*" >&2
    exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || die "usage: sysroot.sh amd64|arm64 DIR"
arch=$1
mkdir -p "$2" && dir=$(cd "$2" && pwd)

case $arch in
amd64) triple=x86_64-linux-gnu ;;
arm64) triple=aarch64-linux-gnu ;;
*) die "no architecture '$arch': amd64 and arm64 are known" ;;
esac
command -v $triple-gcc >/dev/null ||
    die "$triple-gcc is not installed (package gcc-$(echo $triple | tr _ -))"

# --- the cache ---------------------------------------------------------------------------------

cache=${XDG_CACHE_HOME:-${HOME:+$HOME/.cache}}
if [ -z "$cache" ] || ! mkdir -p "$cache/skiff" 2>/dev/null || ! [ -w "$cache/skiff" ]; then
    cache=/var/tmp/skiff-$(id -u)
    mkdir -p -m 700 "$cache/skiff"
    # Somebody else may have been there first.
    [ "$(stat -c %u "$cache")" = "$(id -u)" ] || die "'$cache' belongs to somebody else"
fi
cache=$(cd "$cache/skiff" && pwd)

# Other libraries, options or compilers make another sysroot.
key=$({ cat "$here/sysroot.sh" && echo "$arch" && $triple-gcc --version && $triple-ld --version; } |
    sha256sum | cut -c 1-16)
finished=$cache/sysroot-$arch-$key.tar

# Two runs at once: the second waits and finds the work done.
exec 9>"$cache/$arch.lock"
flock 9

work=$cache/build-$arch
rm -rf "$work"
mkdir "$work"
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
log=$dir/build.log

# Not twice: another run may be compiling with it by now.
install_finished() {
    if [ "$(cat "$dir/complete" 2>/dev/null)" != "$key" ]; then
        rm -rf "$dir/bin" "$dir/include" "$dir/lib" "$dir/complete"
        tar -xf "$finished" -C "$dir"
    fi
    echo "$key" >"$dir/complete"
}

if [ -f "$finished" ]; then
    echo "sysroot $arch: from $finished"
    install_finished
    exit 0
fi

# --- download ----------------------------------------------------------------------------------

is_right() { # FILE SHA256
    [ -f "$1" ] && echo "$2  $1" | sha256sum --check --status
}

mirror= # the one that had the last file

download_from() { # PATH FILE SHA256 MIRROR...
    path=$1 file=$2 sha256=$3
    shift 3
    for candidate; do
        url=${candidate%/}/pool/main/$path/$file
        echo "--- $url" >>"$log"
        # apt knows its proxies; curl is for machines without apt.
        /usr/lib/apt/apt-helper download-file "$url" "$work/new" "SHA256:$sha256" >>"$log" 2>&1 ||
            curl -fsSL --connect-timeout 20 -o "$work/new" "$url" >>"$log" 2>&1 || continue
        is_right "$work/new" "$sha256" || continue
        mirror=$candidate
        mv "$work/new" "$cache/$file"
        return 0
    done
    return 1
}

fetch() { # NAME FILE SHA256
    is_right "$cache/$2" "$3" && return
    echo "sysroot $arch: downloading $2"
    path=$(echo "$1" | cut -c 1)/$1
    # Unquoted: each word is a mirror.
    download_from "$path" "$2" "$3" $mirror $("$here/debian_mirrors.sh") ||
        die "no mirror known here has $2: set DEBIAN_MIRROR to the URL of a Debian mirror" \
            "(details: $log)"
}

# --- build -------------------------------------------------------------------------------------

root=$work/root
jobs=$(nproc)
# No path of the build in the objects, no date, and nothing the linker cannot leave out.
flags="-Os -g0 -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables
    -fno-unwind-tables -ffile-prefix-map=$work=."

# gcc with musl instead of glibc. %R is --sysroot, which the wrapper sets to wherever it lies.
build_wrapper() {
    cat >"$root/lib/musl.specs" <<'SPECS'
%rename cpp_options old_cpp_options

*cpp_options:
-nostdinc -isystem %R/include -isystem include%s %(old_cpp_options)

*cc1:
%(cc1_cpu) -nostdinc -isystem %R/include -isystem include%s

*link_libgcc:
-L%R/lib -L .%s

*libgcc:
libgcc.a%s %:if-exists(libgcc_eh.a%s)

*startfile:
%R/lib/crt1.o %R/lib/crti.o crtbeginT.o%s

*endfile:
crtend.o%s %R/lib/crtn.o

*link:
-nostdlib -static -z noexecstack

*esp_link:


*esp_options:


*esp_cpp_options:


SPECS
    # Always static, and never -static-pie: gcc would quietly ask for musl's dynamic loader.
    cat >"$root/bin/musl-gcc" <<WRAPPER
#!/bin/sh
unset CDPATH CPATH C_INCLUDE_PATH LIBRARY_PATH
root=\$(cd "\$(dirname "\$0")/.." && pwd)
exec $triple-gcc --sysroot="\$root" -specs="\$root/lib/musl.specs" -fno-pie -no-pie -static "\$@"
WRAPPER
    chmod +x "$root/bin/musl-gcc"
}

build_musl() {
    ./configure --target=$triple --prefix="$root" --disable-shared --disable-wrapper \
        CC=$triple-gcc AR=$triple-ar RANLIB=$triple-ranlib CFLAGS="$(echo $flags) -fno-pie"
    make -s -j"$jobs" install
}

# The tarball has no configure script; these two headers are all it would make.
build_jansson() {
    cd src
    sed -e 's/@json_inline@/inline/' -e 's/@json_have_sync_builtins@/0/' \
        -e 's/@json_have_[a-z_]*@/1/' jansson_config.h.in >jansson_config.h
    for name in ENDIAN_H FCNTL_H SCHED_H UNISTD_H SYS_PARAM_H SYS_STAT_H SYS_TIME_H SYS_TYPES_H \
        STDINT_H CLOSE GETPID GETTIMEOFDAY OPEN READ SCHED_YIELD ATOMIC_BUILTINS LOCALE_H; do
        echo "#define HAVE_$name 1"
    done >jansson_private_config.h
    printf '#define %s\n' 'USE_URANDOM 1' 'INITIAL_HASHTABLE_ORDER 3' >>jansson_private_config.h
    for source in *.c; do
        "$root/bin/musl-gcc" $flags -DHAVE_CONFIG_H -I. -c "$source"
    done
    $triple-ar rcsD "$root/lib/libjansson.a" ./*.o
    cp jansson.h jansson_config.h "$root/include"
}

# HTTP and nothing else. TLS comes by --with-openssl="$root" once OpenSSL is built above.
build_curl() {
    options=
    for feature in shared debug curldebug dependency-tracking ldap ldaps rtsp dict telnet tftp \
        pop3 imap smb smtp gopher mqtt ftp file manual libcurl-option ntlm ntlm-wb tls-srp \
        unix-sockets cookies doh netrc progress-meter dnsshuffle alt-svc hsts ares \
        threaded-resolver kerberos-auth negotiate-auth aws dateparse mime crypto-auth \
        get-easy-options symbol-hiding socketpair; do
        options="$options --disable-$feature"
    done
    for library in ssl ca-bundle ca-path zlib brotli zstd libpsl libidn2 nghttp2 librtmp \
        libssh2 gssapi; do
        options="$options --without-$library"
    done
    PKG_CONFIG=false ./configure --host=$triple --prefix="$root" $options \
        CC="$root/bin/musl-gcc" AR=$triple-ar RANLIB=$triple-ranlib CFLAGS="$(echo $flags)"
    make -s -j"$jobs" -C lib install
    make -s -C include install
}

build() { # NAME VERSION SHA256: the one Debian's signed index of bookworm states
    file=$1_$2.orig.tar.gz
    fetch "$1" "$file" "$3"
    echo "sysroot $arch: building $1 $2"
    tar -xzf "$cache/$file" -C "$work"
    cd "$work/$1-$2"
    # Not in a condition: there, -e would be asleep in the subshell too.
    set +e
    (set -e; "build_$1") >>"$log" 2>&1
    status=$?
    set -e
    [ $status -eq 0 ] && return
    tail -n 15 "$log" >&2
    die "building $1 $2 for $arch failed; all it said is in $log"
}

: >"$log"
mkdir -p "$root/bin" "$root/lib" "$root/include"
build_wrapper
build musl 1.2.3 7d5b0b6062521e4627e099e4c9dc8248d32a30285e959b7eecaa780cf8cfd4a4
build jansson 2.14 c739578bf6b764aa0752db9a2fdadcfe921c78f1228c7ec0bb47fa804c55d17b
build curl 7.88.1 cdb38b72e36bc5d33d5b8810f8018ece1baa29a8f215b4495e495ded82bbf3c7

# What programs and manuals came along is not needed, and names the folder it was built in.
tar -cf "$work/finished.tar" -C "$root" bin/musl-gcc include \
    lib/musl.specs $(cd "$root" && ls lib/*.a lib/*.o)
mv "$work/finished.tar" "$finished"
install_finished
