"""The guide at /guide/, which ``make docs`` writes. It uses fonts and colors of the explorer."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

import service
from service.api.responses import content_response
from service.api.routes.explorer import HEADERS
from service.errors import NotFound

FOLDER: Final = Path(service.__file__).parent / "guide"
MEDIA_TYPES: Final = {
    ".css": "text/css",
    ".html": "text/html",
    ".js": "text/javascript",
    ".json": "application/json",
    ".png": "image/png",
}
FILES: Final = {
    path.relative_to(FOLDER).as_posix(): path
    for path in sorted(FOLDER.rglob("*"))
    if path.suffix in MEDIA_TYPES
}

router = APIRouter(include_in_schema=False)


@router.get("/guide")
async def guide(request: Request) -> Response:
    """Redirect to the first page, whose links are relative to a folder."""
    return RedirectResponse(f"{request.scope.get('root_path', '').rstrip('/')}/guide/")


@router.get("/guide/{path:path}")
def guide_file(request: Request, path: str) -> Response:
    """Return a file of the guide, or 304 if the client has the current version."""
    name = f"{path}index.html" if path == "" or path.endswith("/") else path
    if not FILES:
        raise NotFound("this installation has no guide, which `make docs` writes")
    if name not in FILES:
        raise NotFound(f"the guide has no file {path[:80]!r}")
    file = FILES[name]
    return content_response(request, file.read_bytes(), MEDIA_TYPES[file.suffix], HEADERS)
