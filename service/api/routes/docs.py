"""The OpenAPI schema, pages about problems, and Swagger UI from a package, for use offline."""

import base64
import hashlib
import html
import re
from pathlib import Path
from string import Template
from typing import Final

import fastapi_swagger
from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from service.api.errors import EXPLANATIONS, PROBLEM_TYPES, TYPE_PREFIX
from service.api.responses import content_response, static_response
from service.api.routes.explorer import HEADERS as PAGE_HEADERS
from service.api.routes.explorer import POLICY
from service.errors import NotFound
from service.schemas.base import encode

ASSETS: Final = "/docs-assets"
SCRIPT: Final = "swagger-ui-bundle.js"
STYLE: Final = "swagger-ui.css"
ICON: Final = "favicon-32x32.png"
HEADERS: Final = {"Cache-Control": "no-cache"}
INLINE_SCRIPT: Final = re.compile(rb"<script>(.*?)</script>", re.DOTALL)

SUMMARY: Final = Path(__file__).with_name("llms.txt").read_bytes()
PROBLEM: Final = Template(Path(__file__).with_name("problem.html").read_text("utf-8"))

router = APIRouter(include_in_schema=False)

FILES: Final = StaticFiles(directory=Path(fastapi_swagger.__file__).parent / "resources")


@router.get("/openapi.json")
def openapi(request: Request) -> Response:
    """Return the OpenAPI schema. Its creation takes half a second, too long for the event loop."""
    root = request.scope.get("root_path", "").rstrip("/")
    schema = request.app.openapi()
    if root:
        schema = schema | {"servers": [{"url": root}]}
    return content_response(request, encode(schema), "application/json", HEADERS)


@router.get("/llms.txt")
async def llms(request: Request) -> Response:
    """Return a short description of the API for assistants, in Markdown."""
    return content_response(request, SUMMARY, "text/plain; charset=utf-8", HEADERS)


@router.get("/docs")
async def docs(request: Request) -> Response:
    """Return the interactive documentation of the API."""
    root = request.scope.get("root_path", "")
    page = get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{request.app.title} - API",
        swagger_js_url=f"{root}{ASSETS}/{SCRIPT}",
        swagger_css_url=f"{root}{ASSETS}/{STYLE}",
        swagger_favicon_url=f"{root}{ASSETS}/{ICON}",
        swagger_ui_parameters={
            "displayRequestDuration": True,
            "docExpansion": "list",
            "syntaxHighlight": False,  # takes seconds for a cost surface
        },
    )
    body = bytes(page.body)
    # The inline script is allowed by its hash. Swagger UI sets styles in its markup.
    (script,) = INLINE_SCRIPT.findall(body)
    digest = base64.b64encode(hashlib.sha256(script).digest()).decode()
    policy = POLICY.replace("script-src 'self'", f"script-src 'self' 'sha256-{digest}'")
    policy = policy.replace("style-src 'self'", "style-src 'self' 'unsafe-inline'")
    headers = {**HEADERS, "Content-Security-Policy": f"{policy}; frame-ancestors 'none'"}
    return content_response(request, body, "text/html", headers)


@router.get(f"{ASSETS}/{{name}}")
async def asset(request: Request, name: str) -> Response:
    """Return a file of Swagger UI."""
    return await static_response(request, FILES, name, HEADERS)


@router.get(f"{TYPE_PREFIX}{{slug}}")
async def problem_page(request: Request, slug: str) -> Response:
    """Return a page that explains a type of problem."""
    for kind in PROBLEM_TYPES:
        if kind.slug == slug:
            texts = {"title": kind.title, "explanation": html.escape(EXPLANATIONS[slug])}
            page = PROBLEM.substitute(texts, status=kind.status)
            return content_response(request, page.encode(), "text/html", PAGE_HEADERS)
    raise NotFound(f"there is no problem {slug[:80]!r}")
