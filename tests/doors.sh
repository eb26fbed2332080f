#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: doors.sh FILE...
# Each outside library is included by its door alone, so that changing it touches one file. Only
# jansson's values may show in headers; parsing and printing them is oci/base/json's.
set -u

status=0
door() { # HEADER DOOR... -- FILE...
    header=$1
    doors=
    shift
    while [ "$1" != -- ]; do
        doors="$doors $1"
        shift
    done
    shift
    for file in $(grep -l "^#include <$header" "$@"); do
        case "$doors " in
        *" $file "*) ;;
        *) echo "$file: <$header…> has another door:$doors" >&2; status=1 ;;
        esac
    done
}

# Hashes; and the authorities that libcurl's connections, which are OpenSSL's, are to share.
door openssl/ oci/base/hash.c registry/trust.c -- "$@"
door curl/ registry/http_curl.c registry/http_curl_request.c lambda/supervisor/curl_parts.h \
    lambda/supervisor/server_client.c -- "$@"
door libdeflate.h layers/gzip.c -- "$@"
door yaml.h oci/base/yaml.c -- "$@"
door archive layers/compression.c layers/decompress.c layers/tar_file.c layers/unpack.c -- "$@"

for file in $(grep -lE '\bjson_(loads|loadb|loadf|load_file)\(' "$@"); do
    [ "$file" = oci/base/json.c ] ||
        { echo "$file: JSON from outside is read by json_parse(), which has limits" >&2; status=1; }
done

# The clock, the environment and the terminal are cli/'s; the supervisor is a program of its own.
for file in "$@"; do
    case $file in cli/* | lambda/supervisor/*) continue ;; esac
    grep -nE '\b(getenv|setenv|time|printf|puts|exit)\((NULL\)|"|")' "$file" |
        sed "s|^|$file: belongs into cli/: |" >&2
    grep -qE '\b(getenv|setenv|time|printf|puts|exit)\((NULL\)|"|")' "$file" && status=1
done
exit $status
