"""Responses: JSON from models and arrays, and files with an ETag."""

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.staticfiles import StaticFiles

from service.api.compression import ENCODED, is_encoded, write_compressed
from service.api.dependencies import AppState
from service.api.errors import PRECONDITION, RANGE, Refused
from service.api.files import WrittenFile
from service.figures.formats import PICTURE_FORMATS
from service.formats import DATASET_FORMATS
from service.operations.shared.downloads import Download, Picture
from service.rendering.requests import Drawing
from service.schemas.base import encode

MEDIA_TYPES: Final = {
    "html": "text/html",
    **{suffix: fmt.media_type for suffix, fmt in (PICTURE_FORMATS | DATASET_FORMATS).items()},
}
JSON: Final = "application/json"
CACHE_CONTROL: Final = "max-age=300"
REVALIDATE: Final = "no-cache"  # otherwise a cache could store a list for any time
LARGEST_SHARE: Final = 4  # a picture larger than a quarter of the cache would evict too many others
PREPARE_SECONDS: Final = 0.05  # for loading the data of a picture; its process computes the rest
# Several ranges in one header are ignored, as RFC 9110 allows.
BYTE_RANGE: Final = re.compile(
    r"bytes=(?:(\d{1,18})-(\d{0,18})|-(\d{1,18}))", re.ASCII | re.IGNORECASE
)


def json_response(
    content: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a response model as JSON; non-finite numbers become null.

    Bytes are already JSON.
    """
    body = content if isinstance(content, bytes) else encode(content)
    return Response(body, status, {"Cache-Control": REVALIDATE, **(headers or {})}, JSON)


def file_response(
    request: Request, contents: bytes | WrittenFile, suffix: str, etag: str
) -> Response:
    """Return a picture, or a table or an archive or the requested range of it."""
    media_type = MEDIA_TYPES[suffix]
    kind = "inline" if suffix in PICTURE_FORMATS else "attachment"
    headers = {
        "ETag": etag,
        "Cache-Control": CACHE_CONTROL,
        "Content-Disposition": f'{kind}; filename="{_file_name(request)}"',
    }
    if isinstance(contents, bytes):
        return Response(contents, headers=headers, media_type=media_type)
    size = len(contents)
    part = _find_range(request, etag, size)
    if part is not None:
        headers["Content-Range"] = f"bytes {part.start}-{part.stop - 1}/{size}"
    selected = part or range(size)
    headers |= {"Accept-Ranges": "bytes", "Content-Length": str(len(selected))}
    status = 200 if part is None else 206
    return StreamingResponse(contents.read(selected), status, headers, media_type)


def _find_range(request: Request, etag: str, size: int) -> range | None:
    """Return the positions of the bytes that a GET requests, or None for all of them.

    An invalid range is ignored, and so is a range of a file with another ETag. A range that begins
    after the end raises Refused.
    """
    match = BYTE_RANGE.fullmatch(request.headers.get("range", "").replace(" ", ""))
    is_get = request.method == "GET" and "head" not in request.scope
    if match is None or not is_get or request.headers.get("if-range", etag) != etag:
        return None
    first, last, suffix = match.groups()
    start = int(first) if first else max(0, size - int(suffix))
    stop = int(last) + 1 if last else size
    if start >= stop and last:
        return None
    if start >= size:
        detail = f"the file has {size} bytes"
        raise Refused(RANGE, detail, {"Content-Range": f"bytes */{size}"})
    return range(start, min(stop, size))


def _file_name(request: Request) -> str:
    """Return the last part of the path, after the id if that is another part."""
    *_, parent, name = request.scope["path"].split("/")
    return f"{parent}-{name}" if parent in request.path_params.values() else name


async def made_response(
    request: Request, state: AppState, made: Download | Picture, suffix: str
) -> Response:
    """Return a file: 304 if the client has it, otherwise from the cache, or created now.

    It is created once for identical simultaneous requests.
    """
    is_compressed = isinstance(made, Download) and is_encoded(request, MEDIA_TYPES[suffix])
    # A client must not combine ranges of both (RFC 9110, section 8.8.3.3).
    etag = f'{made.etag[:-1]}-gzip"' if is_compressed else made.etag
    unchanged = not_modified(request, etag, exists=isinstance(made, Download))
    if unchanged is not None:
        return unchanged
    contents: bytes | WrittenFile
    lock = state.lock(etag)
    async with lock:
        if isinstance(made, Download):
            contents = await _write(made, etag, state, is_compressed=is_compressed)
        else:
            drawing = lock.drawing or await _draw(made, state)
            contents = drawing.contents
            if drawing.is_coarser:
                lock.drawing = drawing
                return _coarse_response(request, contents, suffix)
    response = not_modified(request, etag) or file_response(request, contents, suffix, etag)
    if is_compressed:
        response.headers.update(ENCODED)
    return response


def _coarse_response(request: Request, contents: bytes, suffix: str) -> Response:
    """Return a picture that is coarser than its request says. No cache may store it.

    Its ETag is not that of the request, which names a finer picture.
    """
    response = file_response(request, contents, suffix, f"W/{_hash(contents)}")
    response.headers["Cache-Control"] = "no-store"
    return response


async def _write(
    download: Download, etag: str, state: AppState, *, is_compressed: bool
) -> WrittenFile:
    """Return a file, which is written, and compressed, once."""
    file = state.files.find(etag)
    if file is not None:
        return file
    write = write_compressed(download.write) if is_compressed else download.write
    seconds = 2 * download.seconds if is_compressed else download.seconds
    file = await state.scheduler.run(
        seconds,
        lambda: WrittenFile(write, state.files.directory),
        is_wanted=state.lock(etag).is_awaited,
    )
    state.files.add(etag, file)
    return file


async def _draw(picture: Picture, state: AppState) -> Drawing:
    contents = state.picture_cache.get(picture.etag)
    if contents is not None:
        return Drawing(contents)
    prepared = await state.scheduler.run(PREPARE_SECONDS, picture.prepare, state.database)
    drawing = await state.render_pool.draw(prepared)
    is_small = len(drawing.contents) * LARGEST_SHARE <= state.picture_cache.maxsize
    if is_small and not drawing.is_coarser:
        state.picture_cache[picture.etag] = drawing.contents
    return drawing


def not_modified(
    request: Request, etag: str, *, exists: bool = True, cache_control: str = CACHE_CONTROL
) -> Response | None:
    """Return a 304 if the client already has the requested content (RFC 9110, section 13.1.2).

    Without ``exists``, the file may not exist at all, and does not match ``*``.
    """
    header = _join(request, "if-none-match")
    if request.method != "GET":  # or HEAD; the result of a POST is not cached
        return None
    etags = {tag.strip().removeprefix("W/") for tag in header.split(",")}
    if etag not in etags and not (exists and header.strip() == "*"):
        return None
    headers = {"ETag": etag, "Cache-Control": cache_control, "Vary": "Accept-Encoding"}
    return Response(status_code=304, headers=headers)


async def static_response(
    request: Request, files: StaticFiles, path: str, headers: Mapping[str, str]
) -> Response:
    """Return a file of a folder, or 304 if the client has it; raises the 404 of Starlette."""
    response = await files.get_response(path, request.scope)
    response.headers.update(headers)
    return response


def content_response(
    request: Request, body: bytes, media_type: str, headers: Mapping[str, str]
) -> Response:
    """Respond with bytes and their ETag, or 304 if the caller has them."""
    etag = _hash(body)
    unchanged = not_modified(request, etag, cache_control=headers["Cache-Control"])
    if unchanged is not None:
        return unchanged
    return Response(body, headers={"ETag": etag, **headers}, media_type=media_type)


def item_response(
    request: Request, content: Any, headers: Mapping[str, str] | None = None
) -> Response:
    """Return a resource as JSON, with the ETag that `check_if_match` expects."""
    headers = {"Cache-Control": REVALIDATE, **(headers or {})}
    return content_response(request, encode(content), JSON, headers)


def check_if_match(request: Request, read: Callable[[], Any]) -> None:
    """Raise Refused if an If-Match header has another ETag (RFC 9110, section 13.1.1).

    ``read`` returns the resource; it raises NotFound.
    """
    header = _join(request, "if-match")
    if not header:
        return
    etag = _hash(encode(read()))
    if header.strip() != "*" and etag not in {tag.strip() for tag in header.split(",")}:
        raise Refused(PRECONDITION, f"the resource has the ETag {etag}, not {header[:80]}")


def _join(request: Request, name: str) -> str:
    return ",".join(request.headers.getlist(name))


def _hash(body: bytes) -> str:
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'
