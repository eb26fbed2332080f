# SPDX-License-Identifier: Apache-2.0
"""How each tool does the job: base image, plus our files in a layer, plus Cmd, Env and
WorkingDir, for the architectures asked for, under one name.

Each is a shell script, for `sh -e`, with these variables: SOURCE and TARGET, references with
a tag; SOURCE_REPOSITORY and TARGET_REPOSITORY, without; ARCHITECTURES; SKIFF, the program;
and in the working directory, which is new: function.yaml, and Containerfile and app.tar for
each architecture.
"""

import shutil

SKIFF = """
platforms=$(echo $ARCHITECTURES | sed 's,[a-z0-9]*,linux/&,g; s/ /,/g')
$SKIFF build --quiet -f function.yaml --platform $platforms --to $TARGET
"""

CRANE = """
set -- $ARCHITECTURES
for architecture; do
    digest=$(crane digest --platform linux/$architecture $SOURCE)
    name=$TARGET; [ $# = 1 ] || name=$TARGET-$architecture
    crane mutate --append $architecture/app.tar --entrypoint /var/task/supervisor \\
        --cmd /bin/sh --env GREETING=hello --workdir /var/task -t $name \\
        $SOURCE_REPOSITORY@$digest
done
[ $# = 1 ] || crane index append -m $TARGET-$1 -m $TARGET-$2 -t $TARGET
"""

# One process less, but the image's Entrypoint, Env and WorkingDir stay the base's.
CRANE_APPEND = """
set -- $ARCHITECTURES
for architecture; do
    name=$TARGET; [ $# = 1 ] || name=$TARGET-$architecture
    crane append --platform linux/$architecture -b $SOURCE -f $architecture/app.tar -t $name
done
[ $# = 1 ] || crane index append -m $TARGET-$1 -m $TARGET-$2 -t $TARGET
"""

SKOPEO = """
set -- $ARCHITECTURES
for architecture; do
    name=$TARGET; [ $# = 1 ] || name=$TARGET-$architecture
    skopeo copy --override-arch $architecture --src-tls-verify=false \\
        docker://$SOURCE oci:image:$architecture
    umoci raw add-layer --image image:$architecture $architecture/app.tar
    umoci config --image image:$architecture --config.entrypoint /var/task/supervisor \\
        --config.cmd /bin/sh --config.env GREETING=hello --config.workingdir /var/task
    skopeo copy --dest-tls-verify=false oci:image:$architecture docker://$name
done
"""

# It knows blobs and manifests and no images, so jq writes the new config and manifest.
ORAS = """
digest_of() { echo sha256:$(sha256sum <$1 | cut -d ' ' -f 1); }
describe() {
    echo "{\\"mediaType\\": \\"application/vnd.oci.image.$2\\"," \\
        "\\"digest\\": \\"$(digest_of $1)\\", \\"size\\": $(stat -c %s $1)}"
}
set -- $ARCHITECTURES
for architecture; do
    name=$TARGET; [ $# = 1 ] || name=$TARGET-$architecture
    base=$SOURCE_REPOSITORY@$(oras resolve --plain-http --platform linux/$architecture $SOURCE)
    oras copy --from-plain-http --to-plain-http $base $name
    oras manifest fetch --plain-http $base >manifest
    oras blob fetch --plain-http --output base-config \\
        $SOURCE_REPOSITORY@$(jq -r .config.digest manifest)
    gzip -n <$architecture/app.tar >layer
    jq --arg diff_id $(digest_of $architecture/app.tar) '.rootfs.diff_ids += [$diff_id]
        | .config.Entrypoint = ["/var/task/supervisor"] | .config.Cmd = ["/bin/sh"]
        | .config.Env += ["GREETING=hello"] | .config.WorkingDir = "/var/task"
        | del(.history)' base-config >config
    jq --argjson layer "$(describe layer layer.v1.tar+gzip)" \\
        --argjson config "$(describe config config.v1+json)" \\
        '.layers += [$layer] | .config = $config' manifest >new
    for blob in layer config; do
        oras blob push --plain-http $TARGET_REPOSITORY@$(digest_of $blob) $blob
    done
    oras manifest push --plain-http $name new
done
[ $# = 1 ] || oras manifest index create --plain-http $TARGET ${TARGET##*:}-$1 ${TARGET##*:}-$2
"""

BUILDAH = """
platforms=$(echo $ARCHITECTURES | sed 's,[a-z0-9]*,linux/&,g; s/ /,/g')
buildah() { command buildah --root $PWD/root --runroot $PWD/run "$@"; }
buildah build --isolation chroot --tls-verify=false --timestamp 0 --platform $platforms \\
    --manifest made -f Containerfile .
buildah manifest push --all --tls-verify=false made docker://$TARGET
"""

# --- a folder into a layer: $TREE/opt/tree as /opt/tree ---

SKIFF_TREE = """
$SKIFF build --quiet -f function.yaml --platform linux/amd64 --copy $TREE/opt/tree:/opt/tree \\
    --to $TARGET
"""

# Compressed at the fastest level and sent while it comes.
CRANE_TREE = """
tar -C $TREE -c opt | crane append --platform linux/amd64 -b $SOURCE -f - -t $TARGET
"""

CRANE_TREE_FILE = """
tar -C $TREE -cf tree.tar opt
crane append --platform linux/amd64 -b $SOURCE -f tree.tar -t $TARGET
"""

SKOPEO_TREE = """
skopeo copy --override-arch amd64 --src-tls-verify=false docker://$SOURCE oci:image:amd64
umoci insert --image image:amd64 $TREE/opt /opt
skopeo copy --dest-tls-verify=false oci:image:amd64 docker://$TARGET
"""

BUILDAH_TREE = """
buildah() { command buildah --root $PWD/root --runroot $PWD/run "$@"; }
printf 'FROM %s\\nCOPY opt /opt\\n' $SOURCE >Containerfile.tree
buildah build --isolation chroot --tls-verify=false --timestamp 0 --platform linux/amd64 \\
    -t made -f Containerfile.tree $TREE
buildah push --tls-verify=false made docker://$TARGET
"""

# name, script, programs it needs, architectures at most
TOOLS = [
    ("skiff", SKIFF, (), 2),
    ("crane", CRANE, ("crane",), 2),
    ("crane append", CRANE_APPEND, ("crane",), 2),
    ("skopeo + umoci", SKOPEO, ("skopeo", "umoci"), 1),
    ("oras + jq", ORAS, ("oras", "jq"), 2),
    ("buildah", BUILDAH, ("buildah",), 2),
]

TREE_TOOLS = [
    ("skiff", SKIFF_TREE, (), 1),
    ("crane", CRANE_TREE, ("crane",), 1),
    ("crane, tar first", CRANE_TREE_FILE, ("crane",), 1),
    ("skopeo + umoci", SKOPEO_TREE, ("skopeo", "umoci"), 1),
    ("buildah", BUILDAH_TREE, ("buildah",), 1),
]


def available(path, of=TOOLS):
    """The tools that are here; says which are not."""
    found = []
    for name, script, programs, architectures in of:
        missing = [each for each in programs if not shutil.which(each, path=path)]
        if missing:
            print(f"skipped: {name}, for want of {' and '.join(missing)}")
        else:
            found.append((name, script, architectures))
    return found
