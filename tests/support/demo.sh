#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The whole way once, on this machine: a base image and a script become a function that answers.
# Everything it makes is under build/; no network service, no account, no privilege.
set -eu
cd "$(dirname "$0")/../.."

skiff=$PWD/build/skiff
show() {
    printf '\n$ %s\n' "$(echo "$*" | sed "s|$skiff|skiff|")"
    "$@"
}

echo "A base image for amd64 and arm64, made of Debian's static busybox:"
base=$(python3 -m tests.support.base_images busybox)
echo "    $base"

rm -rf build/demo
mkdir -p build/demo
cd build/demo
export XDG_DATA_HOME="$PWD/data"

cat >hello.sh <<'SCRIPT'
#!/bin/sh
echo "$GREETING from $(uname -m), $(busybox | head -n 1 | cut -d' ' -f1-2)"
echo "the event was: $(cat "$INPUT_FILE_PATH")"
SCRIPT
cat >function.yaml <<YAML
functions:
  aws:
  - lambda:
      runtime: image
      name: hello
      memory: 256
      timeout: 30
      init_script: hello.sh
      container:
        image: $base
        environment:
          Variables:
            GREETING: Hello
YAML

echo
echo "The function, as SCAR's users write it (build/demo/function.yaml):"
sed 's/^/    /' function.yaml

show "$skiff" build -f function.yaml --platform linux/amd64,linux/arm64 --to oci:image
show "$skiff" inspect oci:image
show "$skiff" --local init -f function.yaml
show "$skiff" --local run -n hello
show "$skiff" --local run -n hello -p '{"who": "you"}'
show "$skiff" --local rm -n hello
printf '\nThat was a function, without Docker and without AWS. README.md tells how it gets to Lambda.\n'
