# SPDX-License-Identifier: Apache-2.0
"""A web application as anybody writes it with Flask; starlette_app.py is the same with Starlette."""

import gzip
import hashlib
import sys

import flask

app = flask.Flask(__name__)
print("the application is loaded", file=sys.stderr)


@app.get("/query")
def query():
    return {name: flask.request.args.getlist(name) for name in flask.request.args}


@app.post("/json")
def read_json():
    return {"read": flask.request.get_json()}


@app.post("/form")
def form():
    return {name: flask.request.form.getlist(name) for name in flask.request.form}


@app.post("/upload")
def upload():
    file = flask.request.files["file"]
    content = file.read()
    return {"name": file.filename, "type": file.mimetype, "size": len(content),
            "sha256": hashlib.sha256(content).hexdigest(),
            "note": flask.request.form.get("note")}


@app.put("/raw")
def raw():
    return flask.Response(flask.request.get_data(), mimetype="application/octet-stream")


@app.get("/cookies")
def cookies():
    response = flask.jsonify(dict(flask.request.cookies))
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


@app.get("/moved")
def moved():
    return flask.redirect("/query?from=moved", 303)


@app.get("/image")
def image():
    return flask.Response(bytes(range(256)), mimetype="image/png")


@app.get("/gzip")
def compressed():
    return flask.Response(gzip.compress(b"words " * 100), mimetype="text/plain",
                          headers={"Content-Encoding": "gzip"})


@app.get("/stream")
def stream():
    return flask.Response((f"line {i}\n" for i in range(1000)), mimetype="text/plain")


@app.get("/large")
def large():
    return flask.Response("x" * 4_000_000, mimetype="text/plain")


@app.get("/seen")
def seen():
    request = flask.request
    return {"url": request.url, "host": request.headers.get("Host"), "scheme": request.scheme,
            "agent": request.headers.get("User-Agent"),
            "own": request.headers.get("X-Own"),
            "id": request.headers.get("Lambda-Runtime-Aws-Request-Id"),
            "path": request.path}


@app.get("/files/<path:name>")
def files(name):
    return {"name": name}


@app.get("/broken")
def broken():
    raise LookupError("broken on purpose")
