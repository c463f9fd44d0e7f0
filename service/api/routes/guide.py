"""The guide at /guide/, which ``make build`` writes. It uses fonts and colors of the explorer."""

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles

import service
from service.api.responses import static_response
from service.api.routes.explorer import HEADERS
from service.errors import NotFound

FOLDER: Final = Path(service.__file__).parent / "guide"
FILES: Final = StaticFiles(directory=FOLDER, html=True, check_dir=False)

router = APIRouter(include_in_schema=False)


@router.get("/guide")
async def guide(request: Request) -> Response:
    """Redirect to the first page, whose links are relative to a folder."""
    return RedirectResponse(f"{request.scope.get('root_path', '').rstrip('/')}/guide/")


@router.get("/guide/{path:path}")
async def guide_file(request: Request, path: str) -> Response:
    """Return a file of the guide, or 304 if the client has the current version."""
    if not FOLDER.exists():
        raise NotFound("this installation has no guide, which `make build` writes")
    return await static_response(request, FILES, path, HEADERS)
