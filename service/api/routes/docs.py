"""Swagger UI, served from an installed package, so that it works offline."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Final

import fastapi_swagger
from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import Response

from service.api.assets import Assets, asset_response, make_asset

ASSETS: Final = "/docs-assets"
SCRIPT: Final = "swagger-ui-bundle.js"
STYLE: Final = "swagger-ui.css"
ICON: Final = "favicon-32x32.png"
INLINE_SCRIPT: Final = re.compile(r"<script>(.*?)</script>", re.DOTALL)

router = APIRouter(include_in_schema=False)

_assets = Assets(Path(fastapi_swagger.__file__).parent / "resources", (SCRIPT, STYLE, ICON))


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
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": make_policy(body.decode())}
    return asset_response(request, make_asset(body, "text/html"), headers)


@router.get(f"{ASSETS}/{{name}}")
async def asset(request: Request, name: str) -> Response:
    """Return a file of Swagger UI."""
    return _assets.respond(request, name, {"Cache-Control": "no-cache"})


def make_policy(page: str) -> str:
    """Return the content security policy of the page: its one inline script is known by its hash.

    Swagger UI sets styles in its markup.
    """
    (script,) = INLINE_SCRIPT.findall(page)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
