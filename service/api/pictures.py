"""Shared by all routes for files: path parameters, and the response with a picture."""

from collections.abc import Sequence
from typing import Any

from fastapi import Path, Request
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from service.api.dependencies import AppState
from service.api.responses import file_response, not_modified
from service.errors import Invalid, NotFound
from service.figures.formats import PICTURE_FORMATS
from service.operations.downloads import Picture
from service.schemas.pictures import PictureOptions

LARGEST_SHARE = 4  # a picture larger than a quarter of the cache would evict too many others
PREPARE_SECONDS = 0.05  # loading what a picture needs; its process computes the rest


class IdConvertor(StringConvertor):
    """Matches an id in a path, without a suffix: `{run_id:id}`."""

    regex = "[^/.]+"


register_url_convertor("id", IdConvertor())


def suffix_path(suffixes: Sequence[str]) -> Any:
    """Declare a suffix. The route checks it, so that an unknown one yields 404 instead of 422."""
    return Path(
        description="The format.",
        json_schema_extra={"enum": list(suffixes)},
        examples=[suffixes[0]],
    )


def id_path(example: str, alias: str | None = None) -> Any:
    """Declare an id. The route checks it, so that a malformed one yields 404 instead of 422."""
    prefix = example.partition("_")[0]
    pattern = {"pattern": f"^{prefix}_[0-9a-f]{{32}}$"}
    return Path(alias=alias, description="The id.", json_schema_extra=pattern, examples=[example])


def check_suffix(
    suffix: str, suffixes: Sequence[str], options: PictureOptions | None = None
) -> None:
    """Raise NotFound for an unknown suffix, or Invalid for a picture option of another file.

    An option that equals its default is ignored: generated clients send all of them.
    """
    if suffix not in suffixes:
        listed = ", ".join(suffixes)
        detail = f"there is no format {suffix[:20]!r}; the formats of this resource are {listed}"
        raise NotFound(detail, known=list(suffixes))
    if suffix not in PICTURE_FORMATS and options is not None:
        for name, info in PictureOptions.model_fields.items():
            if getattr(options, name) != info.default:
                raise Invalid(f"{name} applies to pictures, not to {suffix}", parameter=name)


async def picture_response(request: Request, state: AppState, picture: Picture) -> Response:
    """Return a picture: 304 if the caller has it, else from the cache, or drawn now.

    Identical simultaneous requests draw it once.
    """
    etag = picture.etag
    unchanged = not_modified(request, etag, exists=False)
    if unchanged is not None:
        return unchanged
    async with state.lock(etag):
        contents = state.picture_cache.get(etag)
        if contents is None:
            drawing = await state.scheduler.run(PREPARE_SECONDS, picture.prepare, state.database)
            unchanged = not_modified(request, etag)
            if unchanged is not None:
                return unchanged
            contents = await state.render_pool.draw(drawing)
            if len(contents) * LARGEST_SHARE <= state.picture_cache.maxsize:
                state.picture_cache[etag] = contents
    return not_modified(request, etag) or file_response(request, contents, picture.suffix, etag)
