"""Responses: JSON from models and arrays, and files with an ETag."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from service.api.compression import NOT_COMPRESSED
from service.api.dependencies import AppState
from service.api.errors import PRECONDITION, Refused
from service.api.files import WrittenFile, find_range
from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS
from service.operations.downloads import Download
from service.schemas.base import encode

MEDIA_TYPES = {
    suffix: fmt.media_type for suffix, fmt in (PICTURE_FORMATS | DATASET_FORMATS).items()
}
CACHE_CONTROL = "max-age=300"
REVALIDATE = "no-cache"


class OrjsonResponse(Response):
    """A response model as JSON; numbers that are not finite become null. Bytes are JSON already.

    Without a Cache-Control, a cache may choose how long it stores a list.
    """

    media_type = "application/json"

    def __init__(
        self, content: Any, status_code: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(content, status_code, headers)
        self.raw_headers.append((b"cache-control", REVALIDATE.encode()))

    def render(self, content: Any) -> bytes:
        """Return the bytes."""
        return content if isinstance(content, bytes) else encode(content)


def status_response(
    content: Any, location: str, *, created: bool, unfinished: bool, headers: dict[str, str]
) -> OrjsonResponse:
    """Return a computation: 202 while it is unfinished, else 201 if it was created, else 200."""
    if unfinished or created:
        headers["Location"] = location
    if unfinished:
        headers["Retry-After"] = "1"
    return OrjsonResponse(content, 202 if unfinished else 201 if created else 200, headers)


def file_response(
    request: Request, contents: bytes | WrittenFile, suffix: str, etag: str
) -> Response:
    """Return a picture, a table or an archive, or the range of it that the client asks for."""
    size = len(contents)
    selected = find_range(request, etag, size)
    start, stop = (selected.start, selected.stop) if selected else (0, size)
    kind = "inline" if suffix in PICTURE_FORMATS else "attachment"
    headers = {
        "ETag": etag,
        "Cache-Control": CACHE_CONTROL,
        "Accept-Ranges": "bytes",
        "Content-Disposition": f'{kind}; filename="{_file_name(request)}"',
    }
    if selected:
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
    status, media_type = 206 if selected else 200, MEDIA_TYPES[suffix]
    if isinstance(contents, bytes):
        return Response(contents[start:stop], status, headers, media_type)
    headers["Content-Length"] = str(stop - start)
    if "head" in request.scope:
        if media_type not in NOT_COMPRESSED:
            headers["Vary"] = "Accept-Encoding"
        return Response(b"", status, headers, media_type)
    return StreamingResponse(contents.read(start, stop), status, headers, media_type)


def _file_name(request: Request) -> str:
    """Return the last part of the path, after the id if that is another part."""
    *_, parent, name = request.scope["path"].split("/")
    return f"{parent}-{name}" if parent in request.path_params.values() else name


async def download_response(
    request: Request, state: AppState, download: Download, suffix: str
) -> Response:
    """Return a table or an archive, which is written unless it is one of the latest.

    Identical simultaneous requests write it once.
    """
    etag = download.etag
    unchanged = not_modified(request, etag)
    if unchanged is not None:
        return unchanged
    lock = state.lock(etag)
    async with lock:
        file = state.files.find(etag)
        if file is None:
            directory = state.files.directory
            file = await state.scheduler.run(
                download.seconds,
                lambda: WrittenFile(download.write, directory),
                is_wanted=lock.is_awaited,
            )
            state.files.add(etag, file)
    return file_response(request, file, suffix, etag)


def not_modified(
    request: Request, etag: str, *, exists: bool = True, cache_control: str = CACHE_CONTROL
) -> Response | None:
    """Return a 304 if the client already has what a GET asks for (RFC 9110, section 13.1.2).

    Without ``exists``, the file may not exist at all, and does not match ``*``.
    """
    header = _join(request, "if-none-match")
    if request.method != "GET":  # which HEAD counts as here; the result of a POST has no cache
        return None
    etags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    if etag not in etags and not (exists and header.strip() == "*"):
        return None
    return Response(status_code=304, headers={"ETag": etag, "Cache-Control": cache_control})


def content_response(
    request: Request, body: bytes, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Respond with bytes and their ETag, or 304 if the caller has them."""
    etag = _hash(body)
    unchanged = not_modified(request, etag, cache_control=headers["Cache-Control"])
    return unchanged or Response(body, headers={"ETag": etag, **headers}, media_type=media_type)


def item_response(
    request: Request, content: Any, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a resource as JSON, with the ETag that `check_if_match` expects."""
    headers = {"Cache-Control": REVALIDATE, **(headers or {})}
    return content_response(request, encode(content), OrjsonResponse.media_type, headers)


async def check_if_match(request: Request, read: Callable[[], Awaitable[Any]]) -> None:
    """Raise Refused if an If-Match header has another ETag (RFC 9110, section 13.1.1).

    ``read`` returns the resource; it raises NotFound.
    """
    header = _join(request, "if-match")
    if not header:
        return
    etag = _hash(encode(await read()))
    if header.strip() != "*" and etag not in {tag.strip() for tag in header.split(",")}:
        raise Refused(PRECONDITION, f"the resource has the ETag {etag}, not {header[:80]}")


def _join(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name))


def _hash(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
