#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Usage: floors.sh FILE...
# Fails when a file includes a room it stands below or beside.
#
#                     cli
#                      |
#                   lambda          (lambda/aws and lambda/local never meet)
#               /            \
#         registry          layers  (siblings)
#               \            /
#                     oci
#                      |
#                   oci/base
set -u

may_include() {
    case $1 in
    oci/base) echo "oci/base" ;;
    oci) echo "oci/base oci" ;;
    layers) echo "oci/base oci layers" ;;
    registry) echo "oci/base oci registry" ;;
    lambda) echo "oci/base oci layers registry lambda lambda/signer" ;;
    lambda/signer) echo "oci/base lambda/signer" ;;
    lambda/aws) echo "oci/base oci registry lambda lambda/signer lambda/aws" ;;
    lambda/local) echo "oci/base oci layers lambda lambda/local" ;;
    lambda/supervisor) echo "oci/base lambda/signer lambda/supervisor" ;;
    cli) echo "oci/base oci layers registry lambda lambda/aws lambda/local cli" ;;
    esac
}

status=0
for file; do
    room=$(dirname "$file")
    for included in $(sed -n 's/^#include "\(.*\)\/[^/]*"$/\1/p' "$file" | sort -u); do
        case " $(may_include "$room") " in
        *" $included "*) ;;
        *) echo "$file: $room may not include $included" >&2; status=1 ;;
        esac
    done
done
exit $status
