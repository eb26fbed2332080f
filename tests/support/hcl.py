# SPDX-License-Identifier: Apache-2.0
"""Reads Terraform's language strictly, as far as skiff writes it.

    hcl.parse(text) == [("resource", ["aws_lambda_function", "hello"], {"memory_size": 512,
                         "role": Expression("var.role"), "environment": [{…}]})]

Blocks within a body are lists of bodies, attributes are values; a reference is an Expression, and
so is a string with a template in it. Whatever is not laid out as `terraform fmt` would have it is
an error, too.
"""

import re

TOKEN = re.compile(r'(?P<string>"(?:[^"\\\n]|\\.)*")|(?P<number>-?\d+)|(?P<name>[A-Za-z_][\w.-]*)'
                   r'|(?P<sign>[{}\[\]=,])|(?P<end>\n)|(?P<space>[ ]+)')
ESCAPES = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "\\": "\\"}


class Expression(str):
    """Something Terraform finds out."""


def parse(text):
    check_layout(text)
    tokens = list(tokenize(text))
    blocks = []
    while tokens:
        if tokens[0] == ("end", "\n"):
            tokens.pop(0)
            continue
        kind, name = tokens.pop(0)
        assert kind == "name", name
        labels = []
        while tokens[0][0] == "string":
            labels.append(read_string(tokens.pop(0)[1]))
        blocks.append((name, labels, read_body(tokens)))
    return blocks


def check_layout(text):
    assert text.endswith("\n") and "\n\n\n" not in text and "\t" not in text
    depth = 0
    run = []  # where the signs are, of attributes one below the other
    for line in text.splitlines():
        assert line == line.rstrip(), line
        depth -= line.strip() == "}"
        assert not line or len(line) - len(line.lstrip()) == 2 * depth, line
        bare = re.sub(r'"(?:[^"\\]|\\.)*"', lambda found: "_" * len(found[0]), line)
        if "=" in bare and not bare.endswith("{"):
            run.append(bare.index("="))
            assert len(set(run)) == 1, line
        else:
            run = []
        depth += bare.endswith("{")
    assert depth == 0


def tokenize(text):
    at = 0
    while at < len(text):
        found = TOKEN.match(text, at)
        assert found, f"no HCL: {text[at:at + 40]!r}"
        at = found.end()
        if found.lastgroup != "space":
            yield found.lastgroup, found[0]


def expect(tokens, kind, text):
    found = tokens.pop(0)
    assert found == (kind, text), f"expected {text!r}, found {found[1]!r}"


def read_string(quoted):
    inner = quoted[1:-1]
    plain = re.sub(r"\\(u[0-9a-f]{4}|.)", lambda found: chr(int(found[1][1:], 16))
                   if len(found[1]) == 5 else ESCAPES[found[1]], inner)
    if re.search(r"(?<!\$)\$\{|(?<!%)%\{", plain):
        return Expression(plain)
    return plain.replace("$${", "${").replace("%%{", "%{")


def read_value(tokens):
    kind, text = tokens.pop(0)
    if kind == "string":
        return read_string(text)
    if kind == "number":
        return int(text)
    if kind == "name":
        return {"true": True, "false": False}.get(text, Expression(text))
    if text == "[":
        values = []
        while tokens[0][1] != "]":
            values.append(read_value(tokens))
            if tokens[0][1] != "]":
                expect(tokens, "sign", ",")
        tokens.pop(0)
        return values
    assert text == "{", text
    return read_map(tokens)


def read_map(tokens):
    expect(tokens, "end", "\n")
    values = {}
    while tokens[0][1] != "}":
        kind, text = tokens.pop(0)
        name = read_string(text) if kind == "string" else text
        assert kind in ("string", "name") and name not in values, text
        expect(tokens, "sign", "=")
        values[name] = read_value(tokens)
        expect(tokens, "end", "\n")
    tokens.pop(0)
    return values


def read_body(tokens):
    expect(tokens, "sign", "{")
    expect(tokens, "end", "\n")
    body = {}
    while tokens[0][1] != "}":
        kind, name = tokens.pop(0)
        if kind == "end":
            continue
        assert kind == "name", name
        if tokens[0][1] == "=":
            tokens.pop(0)
            assert name not in body, name
            body[name] = read_value(tokens)
        else:
            body.setdefault(name, []).append(read_body(tokens))
            continue
        expect(tokens, "end", "\n")
    tokens.pop(0)
    expect(tokens, "end", "\n")
    return body
