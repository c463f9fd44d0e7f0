"""Shared by all routes for files: path parameters, and the response with a picture."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from fastapi import Path, Request
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.responses import Response

from service.api.dependencies import AppState
from service.api.responses import file_response, not_modified
from service.errors import Invalid, NotFound
from service.operations import pictures
from service.operations.pictures import PictureName, Prepare
from service.operations.work_estimates import reading_seconds
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions

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


def check_suffix(request: Request, suffix: str, suffixes: Sequence[str]) -> None:
    """Check a suffix, and that only pictures have picture options.

    Raises
    ------
    NotFound
        The resource has no file with this suffix.
    Invalid
        The file is not a picture, but the query has a picture option.
    """
    if suffix not in suffixes:
        listed = ", ".join(suffixes)
        raise NotFound(
            f"there is no format {suffix[:20]!r}; the formats of this resource are {listed}"
        )
    if suffix in ("csv", "npz"):
        for name in PictureOptions.model_fields.keys() & request.query_params.keys():
            raise Invalid(f"{name} applies to pictures, not to {suffix}", f"/{name}")


async def name_picture(
    path: str,
    request: CostSurfaceRequest | GradientTraceRequest,
    options: PictureOptions,
    state: AppState,
) -> PictureName:
    """Name the picture of a request, in a thread if that takes long."""
    if pictures.takes_long_to_name(request.dataset):
        seconds = reading_seconds(await state.size_of(request.dataset))
        return await state.gate.run(
            seconds, pictures.name_picture, path, request, options, state.limits
        )
    return pictures.name_picture(path, request, options, state.limits)


async def picture_response(
    request: Request, state: AppState, name: PictureName, suffix: str, prepare: Prepare
) -> Response:
    """Return a picture: 304 if the caller has it, else from the cache, or drawn now.

    Identical simultaneous requests draw it once.
    """
    unchanged = not_modified(request, name.etag, exists=False)
    if unchanged is not None:
        return unchanged
    contents = state.picture_cache.get(name.etag)
    if contents is None:
        async with state.lock(name.etag):
            contents = state.picture_cache.get(name.etag)
            if contents is None:
                picture = await state.gate.run(
                    PREPARE_SECONDS, prepare, state.database, state.limits
                )
                unchanged = not_modified(request, name.etag)
                if unchanged is not None:
                    return unchanged
                contents = await state.render_pool.draw(picture, partial(_is_gone, request))
                state.picture_cache.put(name.etag, contents)
    return not_modified(request, name.etag) or file_response(contents, suffix, name.etag)


async def _is_gone(request: Request) -> bool:
    """Return whether the caller has disconnected; the first message may be the unread body."""
    return await request.is_disconnected() or await request.is_disconnected()
