"""The explorer at /: a page and its files, read once from the package.

Every file is asked for anew and answered with 304 while it has not changed, so that a page never
runs with modules of two versions. The addresses in the page begin with the root path; the modules
find the API from their own address.
"""

import hashlib
import html
from collections.abc import Mapping
from importlib.resources import files
from string import Template
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from service.errors import NotFound

MEDIA_TYPES: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
}
PAGE: Final = "index.html"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Cache-Control": "no-cache",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}

router = APIRouter(include_in_schema=False)


def _load() -> Mapping[str, bytes]:
    """Return the explorer's files by name."""
    return {
        file.name: file.read_bytes()
        for file in (files("service") / "explorer").iterdir()
        if file.name.rpartition(".")[2] in MEDIA_TYPES
    }


FILES: Final = _load()


def _modules(root: str) -> str:
    """Return links that fetch every module at once, not one import after the other."""
    names = sorted(name for name in FILES if name.endswith(".js"))
    return "\n".join(f'<link rel="modulepreload" href="{root}/explorer/{name}">' for name in names)


def _page(root_path: str) -> bytes:
    """Return the page with addresses under a root path."""
    root = html.escape(root_path.rstrip("/"))
    page = Template(FILES[PAGE].decode())
    return page.substitute(root=root, modules=_modules(root)).encode()


def _answer(request: Request, body: bytes, name: str) -> Response:
    """Answer with a file, or with 304 where the caller has it (RFC 9110, section 13.1.2)."""
    etag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"ETag": etag, **HEADERS}
    given = request.headers.get("if-none-match", "")
    known = {tag.strip().removeprefix("W/") for tag in given.split(",")}
    if etag in known or given.strip() == "*":
        return Response(status_code=304, headers=headers)
    return Response(body, headers=headers, media_type=MEDIA_TYPES[name.rpartition(".")[2]])


@router.get("/")
async def page(request: Request) -> Response:
    """Show the explorer."""
    return _answer(request, _page(request.scope.get("root_path", "")), PAGE)


@router.get("/explorer/{name}")
async def file(request: Request, name: str) -> Response:
    """Return a style sheet, a module or the icon."""
    if name == PAGE or name not in FILES:
        raise NotFound("the explorer has no such file")
    return _answer(request, FILES[name], name)
