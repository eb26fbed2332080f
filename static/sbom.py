# SPDX-License-Identifier: Apache-2.0
"""Says what is linked into the static programs, as an SPDX 2.3 document.

    python3 static/sbom.py VERSION COMPILER PROGRAM...

The libraries are those of static/libraries, which sysroot.sh builds from; COMPILER, a gcc, adds
its own small library. The document depends on nothing else: no date but SOURCE_DATE_EPOCH, and a
name made from the programs' own bytes.
"""

import hashlib
import json
import os
import subprocess
import sys
from datetime import datetime, timezone
from pathlib import Path

LIBRARIES = Path(__file__).resolve().parent / "libraries"
GCC_LICENCE = "GPL-3.0-or-later WITH GCC-exception-3.1"


def libraries():
    """The lines of the table, as (name, version, tarball, sha256, licence)."""
    lines = LIBRARIES.read_text(encoding="utf-8").splitlines()
    return [line.split(maxsplit=4) for line in lines if line and not line.startswith("#")]


def package(name, version, licence, location, **more):
    return {"SPDXID": f"SPDXRef-{name}", "name": name, "versionInfo": version,
            "downloadLocation": location, "filesAnalyzed": False, "licenseConcluded": licence,
            "licenseDeclared": licence, "copyrightText": "NOASSERTION", **more}


def linked(name, version, tarball, sha256, licence):
    # Which mirror it comes from does not matter: its hash says that it is the one.
    folder = name[:4] if name.startswith("lib") else name[0]
    return package(name, version, licence, "NOASSERTION", packageFileName=tarball,
                   sourceInfo=f"pool/main/{folder}/{name}/{tarball} of a Debian mirror",
                   checksums=[{"algorithm": "SHA256", "checksumValue": sha256}])


def program(path):
    content = Path(path).read_bytes()
    return {"SPDXID": f"SPDXRef-File-{Path(path).name}", "fileName": f"./{Path(path).name}",
            "checksums": [{"algorithm": kind.upper(),
                           "checksumValue": hashlib.new(kind, content).hexdigest()}
                          for kind in ("sha1", "sha256")],
            "licenseConcluded": "NOASSERTION", "copyrightText": "NOASSERTION"}


def relation(subject, kind, related):
    return {"spdxElementId": subject["SPDXID"], "relationshipType": kind,
            "relatedSpdxElement": related["SPDXID"]}


def document(version, compiler, paths):
    gcc = subprocess.run([compiler, "-dumpfullversion"], check=True, capture_output=True,
                         text=True).stdout.strip()
    skiff = package("skiff", version, "Apache-2.0", "NOASSERTION")
    parts = [linked(*each) for each in libraries()]
    parts.append(package("libgcc", gcc, GCC_LICENCE, "NOASSERTION"))
    files = [program(path) for path in paths]
    name = hashlib.sha256("".join(
        each["checksums"][1]["checksumValue"] for each in files).encode()).hexdigest()
    created = datetime.fromtimestamp(int(os.environ.get("SOURCE_DATE_EPOCH", "0")), timezone.utc)
    itself = {"SPDXID": "SPDXRef-DOCUMENT"}
    return {
        "spdxVersion": "SPDX-2.3", "dataLicense": "CC0-1.0", **itself,
        "name": f"skiff-{version}", "documentNamespace": f"https://spdx.org/spdxdocs/skiff-{name}",
        "creationInfo": {"created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
                         "creators": [f"Tool: skiff-sbom-{version}"]},
        "documentDescribes": [skiff["SPDXID"]],
        "packages": [skiff, *parts],
        "files": files,
        "relationships": [
            relation(itself, "DESCRIBES", skiff),
            # A package whose files were not analysed may not contain any.
            *(relation(each, "GENERATED_FROM", skiff) for each in files),
            *(relation(each, "STATIC_LINK", part) for each in files for part in parts),
        ],
    }


if __name__ == "__main__":
    json.dump(document(sys.argv[1], sys.argv[2], sys.argv[3:]), sys.stdout, indent=1)
    print()
