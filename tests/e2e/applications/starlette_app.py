# SPDX-License-Identifier: Apache-2.0
"""flask_app.py once more, with Starlette."""

import gzip
import hashlib
import sys

from starlette.applications import Starlette
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

print("the application is loaded", file=sys.stderr)


async def query(request):
    values = request.query_params
    return JSONResponse({name: values.getlist(name) for name in values})


async def read_json(request):
    return JSONResponse({"read": await request.json()})


async def form(request):
    async with request.form() as values:
        return JSONResponse({name: values.getlist(name) for name in values})


async def upload(request):
    async with request.form() as values:
        file = values["file"]
        content = await file.read()
        return JSONResponse({"name": file.filename, "type": file.content_type,
                             "size": len(content), "note": values.get("note"),
                             "sha256": hashlib.sha256(content).hexdigest()})


async def raw(request):
    return Response(await request.body(), media_type="application/octet-stream")


async def cookies(request):
    response = JSONResponse(request.cookies)
    response.set_cookie("a", "1")
    response.set_cookie("b", "2", httponly=True)
    return response


async def moved(_):
    return RedirectResponse("/query?from=moved", 303)


async def image(_):
    return Response(bytes(range(256)), media_type="image/png")


async def compressed(_):
    return Response(gzip.compress(b"words " * 100), media_type="text/plain",
                    headers={"Content-Encoding": "gzip"})


async def stream(_):
    return StreamingResponse((f"line {i}\n" for i in range(1000)), media_type="text/plain")


async def large(_):
    return Response("x" * 4_000_000, media_type="text/plain")


async def seen(request):
    headers = request.headers
    return JSONResponse({"url": str(request.url), "host": headers.get("host"),
                         "scheme": request.url.scheme, "agent": headers.get("user-agent"),
                         "own": headers.get("x-own"),
                         "id": headers.get("lambda-runtime-aws-request-id"),
                         "path": request.url.path})


async def files(request):
    return JSONResponse({"name": request.path_params["name"]})


async def broken(_):
    raise LookupError("broken on purpose")


app = Starlette(routes=[
    Route("/query", query), Route("/json", read_json, methods=["POST"]),
    Route("/form", form, methods=["POST"]), Route("/upload", upload, methods=["POST"]),
    Route("/raw", raw, methods=["PUT"]), Route("/cookies", cookies), Route("/moved", moved),
    Route("/image", image), Route("/gzip", compressed), Route("/stream", stream),
    Route("/large", large), Route("/seen", seen), Route("/files/{name:path}", files),
    Route("/broken", broken),
])
