"""The explorer at /, the page of fits at /fit, and their files below /explorer.

The addresses of files in a page contain a digest of all files, so browsers cache them permanently
and a page never mixes the modules of two versions. Addresses in the pages start with the root
path. The modules derive the address of the API from their own.
"""

import hashlib
import html
import re
from pathlib import Path
from string import Template
from typing import Final, NamedTuple
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

import service
from service.api.dependencies import AppStateDep
from service.api.responses import content_response, static_response
from service.engine.network import ACTIVATIONS
from service.operations.shared.flat import flatten
from service.schemas.datasets import ObjectiveRequest

FOLDER: Final = Path(service.__file__).parent / "explorer"
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)
HEADERS: Final = {
    "Content-Security-Policy": f"{POLICY}; frame-ancestors 'none'",
    "Cache-Control": "no-cache",
    "Referrer-Policy": "no-referrer",
}

FILES: Final = StaticFiles(directory=FOLDER)
DIGEST: Final = hashlib.sha256(
    b"".join(path.read_bytes() for path in sorted(FOLDER.rglob("*.*")))
).hexdigest()[:16]
ANY_DIGEST: Final = re.compile(r"^[0-9a-f]{16}/")
IMMUTABLE: Final = "public, max-age=31536000, immutable"

IMPORT: Final = re.compile(rb'^(?:import|export) [^;]*?from "(.*?)"', re.MULTILINE)


def find_modules(name: str, modules: dict[str, None] | None = None) -> dict[str, None]:
    """Return a module and its static imports, in the order in which they are needed.

    Dynamic imports, with ``import(...)``, are not included.
    """
    modules = {} if modules is None else modules
    if name not in modules:
        modules[name] = None
        for address in IMPORT.findall((FOLDER / name).read_bytes()):
            path = (FOLDER / name).parent / address.decode()
            find_modules(path.resolve().relative_to(FOLDER).as_posix(), modules)
    return modules


HEAD: Final = (FOLDER / "head.html").read_text("utf-8").strip()  # of both pages

# Browsers fetch a file again when the address changes, as during the playback of a run.
ICON: Final = "data:image/svg+xml," + quote((FOLDER / "icon.svg").read_text("utf-8"))


def _task_options() -> str:
    """Return an option for each kind of generated dataset, with the names of its fields."""
    parts = flatten(ObjectiveRequest)
    options = []
    for kind in parts["kind"].fields:
        fields = " ".join(name for name, part in parts.items() if kind in part.fields)
        title = kind.replace("_", " ")
        options.append(f'<option value="{kind}" data-fields="{fields}">{title}</option>')
    return "".join(options)


class Page(NamedTuple):
    """A page: its text, its main module, and all modules that it loads at the start."""

    template: Template
    main: str
    modules: tuple[str, ...]


def _read_page(file: str, main: str) -> Page:
    text = (FOLDER / file).read_text("utf-8").replace("$head", HEAD)
    return Page(Template(text), main, tuple(find_modules(main)))


PAGES: Final = {
    "/": _read_page("index.html", "main.js"),
    "/fit": _read_page("fit.html", "fit/main.js"),
}

router = APIRouter(include_in_schema=False)


@router.get("/")
@router.get("/fit")
async def page(request: Request, state: AppStateDep) -> Response:
    """Return the explorer or the page of fits, or 304 if the client has the current version.

    It preloads its modules, so that the browser does not discover them one import at a time.
    """
    template, main, modules = PAGES[request.scope["route"].path]
    root = html.escape(request.scope.get("root_path", "").rstrip("/"))
    files = f"{root}/explorer/{DIGEST}"
    preloads = (f'<link rel="modulepreload" href="{files}/{name}">' for name in modules)
    ancestors = " ".join(state.settings.frame_ancestors)
    text = template.substitute(
        root=root,
        files=files,
        main=main,
        modules="\n".join(preloads),
        icon=ICON,
        activations="".join(f'<option value="{name}">{name}</option>' for name in ACTIVATIONS),
        tasks=_task_options(),
        frame_ancestors=html.escape(ancestors),
    )
    # As a policy, ``*`` excludes pages that are opened as files.
    policy = POLICY if ancestors == "*" else f"{POLICY}; frame-ancestors {ancestors}"
    headers = {**HEADERS, "Content-Security-Policy": policy}
    return content_response(request, text.encode(), "text/html", headers)


@router.get("/explorer/{path:path}")
async def file(request: Request, path: str) -> Response:
    """Return a file of the page, or 304 if the client has the current version.

    A page that was opened before an upgrade loads further files with another digest. Like an
    address without a digest, this is valid, but the response is not cached.
    """
    is_current = path.startswith(f"{DIGEST}/")
    headers = {**HEADERS, "Cache-Control": IMMUTABLE} if is_current else HEADERS
    return await static_response(request, FILES, ANY_DIGEST.sub("", path), headers)
