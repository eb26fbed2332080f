#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Builds what the static programs are linked with: musl and static/libraries.
#
#     static/sysroot.sh arm64 SMALL           for the supervisor
#     SMALL/bin/musl-gcc x.c -lcurl -lssl -lcrypto -ljansson -lyaml -lpthread
#     static/sysroot.sh arm64 LARGE SMALL     for skiff itself, which needs more: begins with a small one
#     LARGE/bin/musl-gcc x.c -larchive -lzstd -lz -lcurl -lnghttp2 -lssl -lcrypto -lpthread
#
# Debian's own .a files are made for glibc and do not link with musl, so its source tarballs are
# built here: as an ordinary user, without touching the system's packages. Tarballs and
# finished sysroots are kept in ~/.cache/skiff, so that the next checkout takes a second.

set -eu
umask 022
# Only this script says how the libraries are built.
unset CC CPP CFLAGS CPPFLAGS LDFLAGS LIBS AR RANLIB CROSS_COMPILE CDPATH MAKEFLAGS MFLAGS CONFIG_SITE \
    C_INCLUDE_PATH CPATH LIBRARY_PATH
export LC_ALL=C SOURCE_DATE_EPOCH=0

die() {
    echo "sysroot: $*" >&2
    exit 1
}

here=$(cd "$(dirname "$0")" && pwd)
[ $# -eq 2 ] || [ $# -eq 3 ] || die "usage: sysroot.sh amd64|arm64 DIR [SMALL]"
arch=$1
mkdir -p "$2" && dir=$(cd "$2" && pwd)
if [ $# -eq 2 ]; then
    purpose=supervisor small=
    libraries="musl jansson libyaml openssl curl"
else
    purpose=skiff small=$(cd "$3" && pwd)
    libraries="nghttp2 curl zlib libzstd libarchive" # curl once more: it knows HTTP/2 now
fi

case $arch in
amd64) triple=x86_64-linux-gnu ;;
arm64) triple=aarch64-linux-gnu ;;
*) die "no architecture '$arch': amd64 and arm64 are known" ;;
esac
command -v $triple-gcc >/dev/null ||
    die "$triple-gcc is not installed (package gcc-$(echo $triple | tr _ -))"

# --- the cache ---------------------------------------------------------------------------------

cache=$("$here/cache_folder.sh")

# Other libraries, options or compilers make another sysroot.
key=$({ cat "$here/sysroot.sh" "$here/libraries" && echo "$arch $purpose" && $triple-gcc --version && $triple-ld --version; } |
    sha256sum | cut -c 1-16)
finished=$cache/sysroot-$arch-$purpose-$key.tar

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
    echo "sysroot $arch for $purpose: from $finished"
    install_finished
    exit 0
fi

# --- build -------------------------------------------------------------------------------------

root=$work/root
jobs=$(nproc)
# Nothing the linker cannot leave out. Sources are named from where they lie, or not at all, so no
# object tells the folder it was made in.
flags="-Os -g0 -ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
flags="$flags -fno-unwind-tables"
# For what has all the bytes of an image go through it.
fast_flags="$flags -O2"

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

# The kernel's own headers, which musl leaves to others.
copy_kernel_headers() {
    headers=$(echo '#include <linux/types.h>' | $triple-gcc -M -E - 2>>"$log" | tr -s ' \\' '\n')
    for folder in linux asm asm-generic; do
        types=$(echo "$headers" | grep "/$folder/types\.h\$") ||
            die "the kernel's headers for $arch are missing (package linux-libc-dev-$arch-cross)"
        cp -rL "${types%/*}" "$root/include"
    done
}

build_musl() {
    # Where nobody says which name server to ask, this machine's own, if there is one, answers at once.
    sed -i 's/^no_resolv_conf:$/&\n\tif (!nns) conf->timeout = 2;/' src/network/resolvconf.c
    grep -q 'if (!nns) conf->timeout = 2;' src/network/resolvconf.c

    # To its configure script -g0 is a wish for debugging.
    ./configure --target=$triple --prefix="$root" --disable-shared --disable-wrapper \
        CC=$triple-gcc AR=$triple-ar RANLIB=$triple-ranlib CFLAGS="$(echo "$flags" | sed s/-g0//) -fno-pie"
    make -s -j"$jobs" install
}

# Each source of a library by itself, for those whose own build would only look around.
compile() { # LIBRARY FLAG... SOURCE...
    library=$1
    shift
    musl-gcc -c "$@"
    $triple-ar rcsD "$root/lib/$library.a" ./*.o
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
    compile libjansson $flags -DHAVE_CONFIG_H -I. ./*.c
    cp jansson.h jansson_config.h "$root/include"
}

build_libyaml() {
    set -- $(echo "$version" | tr . ' ')
    compile libyaml $flags -Iinclude -DYAML_VERSION_STRING="\"$version\"" -DYAML_VERSION_MAJOR=$1 \
        -DYAML_VERSION_MINOR=$2 -DYAML_VERSION_PATCH=$3 src/*.c
    cp include/yaml.h "$root/include"
}

# TLS 1.2 and 1.3 with what servers and their certificates use today, and SHA-256.
build_openssl() {
    case $arch in
    amd64) target=linux-x86_64 ;;
    arm64) target=linux-aarch64 ;;
    esac
    options=
    for feature in shared dso engine async tests legacy autoload-config ui-console comp dtls ssl3 \
        srp psk ct ts cms ocsp aria bf blake2 camellia cast cmp des dh dsa ec2m gost idea md2 md4 \
        mdc2 nextprotoneg ocb rc2 rc4 rc5 rfc3779 rmd160 scrypt seed siphash siv sm2 sm3 sm4 srtp \
        whirlpool tls1 tls1_1 poly1305 chacha cmac ktls filenames makedepend deprecated \
        secure-memory; do
        options="$options no-$feature"
    done
    ./Configure $target $options --prefix=/ --libdir=lib --openssldir=/etc/ssl CC=musl-gcc \
        AR=$triple-ar RANLIB=$triple-ranlib $flags -DOPENSSL_SMALL_FOOTPRINT
    make -s -j"$jobs" build_libs
    make -s DESTDIR="$root" install_dev
}

build_nghttp2() {
    number=$(printf '0x%02x%02x%02x' $(echo "$version" | tr . ' '))
    sed -e "s/@PACKAGE_VERSION@/$version/" -e "s/@PACKAGE_VERSION_NUM@/$number/" \
        lib/includes/nghttp2/nghttp2ver.h.in >lib/includes/nghttp2/nghttp2ver.h
    compile libnghttp2 $flags -Ilib/includes -DNGHTTP2_STATICLIB -DHAVE_ARPA_INET_H -DHAVE_NETINET_IN_H \
        -DHAVE_DECL_CLOCK_MONOTONIC=1 lib/*.c
    cp -r lib/includes/nghttp2 "$root/include"
}

# With HTTP/2 where nghttp2 is there already; the supervisor does without. The openssl.cnf of the
# image or the machine is for an OpenSSL of its own, and for modules that these cannot load.
build_curl() {
    options=
    for feature in shared debug curldebug dependency-tracking ldap ldaps rtsp dict telnet tftp \
        pop3 imap smb smtp gopher mqtt ftp ipfs file docs manual libcurl-option ntlm tls-srp \
        unix-sockets cookies doh netrc progress-meter dnsshuffle alt-svc hsts ares \
        kerberos-auth negotiate-auth aws dateparse mime form-api get-easy-options symbol-hiding \
        websockets headers-api sha512-256 openssl-auto-load-config; do
        options="$options --disable-$feature"
    done
    for library in ca-bundle ca-path zlib brotli zstd libpsl libidn2 librtmp libssh2 gssapi; do
        options="$options --without-$library"
    done
    export PKG_CONFIG=false
    http2=--without-nghttp2
    [ $purpose = supervisor ] || http2=--with-nghttp2="$root"
    ./configure --host=$triple $options --with-openssl="$root" $http2 CC=musl-gcc AR=$triple-ar \
        RANLIB=$triple-ranlib CFLAGS="$flags" CPPFLAGS="-DNGHTTP2_STATICLIB"
    make -s -j"$jobs" -C lib
    cp lib/.libs/libcurl.a "$root/lib"
    mkdir -p "$root/include/curl"
    cp include/curl/*.h "$root/include/curl"
}

build_zlib() {
    compile libz $fast_flags -D_LARGEFILE64_SOURCE=1 -DHAVE_HIDDEN ./*.c
    sed 's/#ifdef HAVE_UNISTD_H.*/#if 1/' zconf.h >"$root/include/zconf.h"
    cp zlib.h "$root/include"
}

build_libzstd() {
    cd lib
    assembly=
    [ $arch != amd64 ] || assembly=decompress/huf_decompress_amd64.S
    compile libzstd $fast_flags -DXXH_NAMESPACE=ZSTD_ -DZSTD_LEGACY_SUPPORT=0 -DZSTD_MULTITHREAD \
        common/*.c compress/*.c decompress/*.c $assembly
    cp zstd.h zstd_errors.h "$root/include"
}

build_libarchive() {
    options=
    for library in bz2lib libb2 iconv lz4 lzma lzo2 cng mbedtls nettle openssl xml2 expat; do
        options="$options --without-$library"
    done
    for feature in shared dependency-tracking acl xattr bsdtar bsdcat bsdcpio bsdunzip; do
        options="$options --disable-$feature"
    done
    PKG_CONFIG=false ./configure --host=$triple $options CC=musl-gcc AR=$triple-ar \
        RANLIB=$triple-ranlib CFLAGS="$fast_flags"
    make -s -j"$jobs" libarchive.la
    cp .libs/libarchive.a "$root/lib"
    cp libarchive/archive.h libarchive/archive_entry.h "$root/include"
}

build() { # NAME VERSION TARBALL SHA256 LICENCE
    tarball=$("$here/debian_tarball.sh" "$1" "$3" "$4")
    echo "sysroot $arch: building $1 $2"
    mkdir "$work/$1"
    tar -xf "$tarball" -C "$work/$1" --strip-components=1
    cd "$work/$1"
    version=$2
    # Not in a condition: there, -e would be asleep in the subshell too.
    set +e
    (set -e; "build_$1") >>"$log" 2>&1 </dev/null
    status=$?
    set -e
    [ $status -eq 0 ] && return
    tail -n 15 "$log" >&2
    die "building $1 $2 for $arch failed; all it said is in $log"
}

: >"$log"
mkdir -p "$root"
if [ -n "$small" ]; then
    cp -R "$small/bin" "$small/include" "$small/lib" "$root"
else
    mkdir "$root/bin" "$root/lib" "$root/include"
    build_wrapper
    copy_kernel_headers
fi
PATH=$root/bin:$PATH
for library in $libraries; do
    build $(grep "^$library " "$here/libraries")
done

# What programs and manuals came along is not needed, and names the folder it was built in.
tar -cf "$work/finished.tar" -C "$root" bin/musl-gcc include \
    lib/musl.specs $(cd "$root" && ls lib/*.a lib/*.o)
mv "$work/finished.tar" "$finished"
install_finished
