"""Files of the web pages, read into memory once.

Starlette's ``StaticFiles`` responds in plain text to errors and ranges.
"""

import hashlib
import mimetypes
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from service.api.responses import not_modified
from service.errors import NotFound

# Python 3.11 and some operating systems have other types, which "nosniff" makes browsers refuse.
mimetypes.add_type("text/javascript", ".js")
mimetypes.add_type("text/csv", ".csv")


class Asset(NamedTuple):
    """A file: its bytes, its media type and its ETag."""

    body: bytes
    media_type: str
    etag: str


class Assets:
    """Named files in a folder. No other file is served.

    Parameters
    ----------
    folder
        Where the files are.
    names
        Their paths, relative to the folder.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self._files = {name: _read(folder / name) for name in names}

    def respond(self, request: Request, name: str, headers: Mapping[str, str]) -> Response:
        """Return a file, or 304 if the client has it.

        Raises
        ------
        NotFound
            There is no file with this name.
        """
        asset = self._files.get(name)
        if asset is None:
            raise NotFound(f"there is no file {name[:80]!r}")
        return asset_response(request, asset, headers)


def asset_response(request: Request, asset: Asset, headers: Mapping[str, str]) -> Response:
    """Return an asset, or 304 if the client has it; ``headers`` has a Cache-Control."""
    unchanged = not_modified(request, asset.etag, cache_control=headers["Cache-Control"])
    if unchanged is not None:
        return unchanged
    all_headers: dict[str, Any] = {"ETag": asset.etag, **headers}
    return Response(asset.body, headers=all_headers, media_type=asset.media_type)


def make_asset(body: bytes, media_type: str) -> Asset:
    """Return an asset with the ETag of its bytes."""
    return Asset(body, media_type, f'"{hashlib.sha256(body).hexdigest()[:32]}"')


def _read(path: Path) -> Asset:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return make_asset(path.read_bytes(), media_type)
