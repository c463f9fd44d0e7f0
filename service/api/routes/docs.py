"""Swagger UI, served from an installed package, so that it works offline."""

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

ASSETS = "/docs-assets"

router = APIRouter(include_in_schema=False)


def make_assets() -> StaticFiles:
    """Return the application that serves the files of Swagger UI."""
    return StaticFiles(packages=[("fastapi_swagger", "resources")])


@router.get("/docs")
def docs(request: Request) -> HTMLResponse:
    """Return the interactive documentation of the API."""
    root = request.scope.get("root_path", "")
    return get_swagger_ui_html(
        openapi_url=f"{root}/openapi.json",
        title=f"{request.app.title} - API",
        swagger_js_url=f"{root}{ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{root}{ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{root}{ASSETS}/favicon-32x32.png",
        swagger_ui_parameters={"displayRequestDuration": True, "docExpansion": "list"},
    )
