# SPDX-License-Identifier: Apache-2.0
"""Requests checked against botocore's model of a service: members, types, patterns, maxima.

botocore itself looks at members and types only.
"""

import gzip
import json
import re
from pathlib import Path

from tests.support.python_packages import VENV, ensure_venv


def load(service, version):
    """The service's model, as the venv's botocore has it."""
    ensure_venv()
    found, = VENV.glob(f"lib/python3*/site-packages/botocore/data/{service}/{version}/"
                       "service-2.json*")
    content = Path(found).read_bytes()
    return json.loads(gzip.decompress(content) if found.suffix == ".gz" else content)


def complaints(model, operation, body):
    """What the model has against `body`, a list of texts. What goes into path and query is not
    in a body, so it is not missed."""
    name = model["operations"][operation]["input"]["shape"]
    shape = model["shapes"][name]
    elsewhere = {member for member, part in shape["members"].items() if "location" in part}
    found = []
    _check(model["shapes"], {**shape, "required": [
        member for member in shape.get("required", []) if member not in elsewhere]},
        body, operation, found)
    found += [f"{operation}.{member}: does not belong into the body"
              for member in body if member in elsewhere]
    return found


def _pattern(java):
    """Python's re has no classes of Unicode; the patterns of tags do."""
    for word, characters in (("\\p{L}", r"\w"), ("\\p{Z}", r"\s"), ("\\p{N}", r"\d")):
        java = java.replace(word, characters)
    return java


def _check(shapes, shape, value, where, found):
    expected = {"structure": dict, "map": dict, "list": list, "string": str, "integer": int,
                "long": int, "boolean": bool}[shape["type"]]
    if not isinstance(value, expected) or (expected is int and isinstance(value, bool)):
        found.append(f"{where}: {value!r} is no {shape['type']}")
        return
    size = value if expected is int else len(value) if expected is not bool else 0
    if size < shape.get("min", size) or size > shape.get("max", size):
        found.append(f"{where}: {size} is not from {shape.get('min')} to {shape.get('max')}")
    if shape.get("enum") and value not in shape["enum"]:
        found.append(f"{where}: {value!r} is none of {shape['enum']}")
    if "pattern" in shape and not re.fullmatch(_pattern(shape["pattern"]), value):
        found.append(f"{where}: {value!r} is not like {shape['pattern']}")
    if shape["type"] == "structure":
        found += [f"{where}.{name}: missing" for name in shape.get("required", [])
                  if name not in value]
        for name, inner in value.items():
            if name not in shape["members"]:
                found.append(f"{where}.{name}: unknown")
            else:
                _check(shapes, shapes[shape["members"][name]["shape"]], inner,
                       f"{where}.{name}", found)
    elif shape["type"] == "map":
        for name, inner in value.items():
            _check(shapes, shapes[shape["key"]["shape"]], name, f"{where} key", found)
            _check(shapes, shapes[shape["value"]["shape"]], inner, f"{where}.{name}", found)
    elif shape["type"] == "list":
        for i, inner in enumerate(value):
            _check(shapes, shapes[shape["member"]["shape"]], inner, f"{where}[{i}]", found)
