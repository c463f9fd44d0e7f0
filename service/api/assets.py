"""Files of the web pages, read into memory once.

Starlette's ``StaticFiles`` answers errors and ranges in plain text.
"""

import hashlib
import mimetypes
from collections.abc import Callable, Iterable, Mapping
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
    edit
        Changes the text of scripts.
    """

    def __init__(
        self, folder: Path, names: Iterable[str], edit: Callable[[str], str] | None = None
    ) -> None:
        self._files = {name: _read(folder / name, edit) for name in names}

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


def remove_comments(source: str) -> str:
    """Return a script with empty lines instead of comments, so that lines keep their numbers.

    A fifth of the explorer's scripts is comments and types, which browsers do not need.
    """
    lines = []
    is_block = False
    for line in source.splitlines():
        text = line.strip()
        starts = text.startswith("/*")
        is_comment = is_block or text.startswith("//") or (starts and "*/" not in text[:-2])
        is_block = (is_block or starts) and "*/" not in text
        lines.append("" if is_comment else line)
    return "\n".join(lines) + "\n"


def _read(path: Path, edit: Callable[[str], str] | None) -> Asset:
    media_type = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    body = path.read_bytes()
    if edit is not None and path.suffix == ".js":
        body = edit(body.decode()).encode()
    return make_asset(body, media_type)
