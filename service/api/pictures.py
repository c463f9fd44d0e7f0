"""What all routes for pictures share."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from starlette.responses import Response

from service.api.dependencies import AppState
from service.api.responses import content, not_modified
from service.errors import Invalid, NotFound
from service.figures.style import (
    MAX_DPI,
    MAX_HEIGHT,
    MAX_TITLE_LENGTH,
    MAX_WIDTH,
    MIN_DPI,
    MIN_HEIGHT,
    MIN_WIDTH,
)
from service.operations import pictures
from service.rendering.requests import BasinMapPictureRequest, PictureRequest
from service.schemas.cost_surface import CostSurfaceRequest
from service.schemas.gradient_trace import GradientTraceRequest
from service.schemas.pictures import PictureOptions, Theme


async def look(
    width: Annotated[
        int | None,
        Query(
            ge=MIN_WIDTH,
            le=MAX_WIDTH,
            description="Pictures: width in pixels at 100 dpi.",
            examples=[900],
        ),
    ] = None,
    height: Annotated[
        int | None,
        Query(
            ge=MIN_HEIGHT,
            le=MAX_HEIGHT,
            description="Pictures: height in pixels at 100 dpi.",
            examples=[600],
        ),
    ] = None,
    dpi: Annotated[
        int,
        Query(
            ge=MIN_DPI,
            le=MAX_DPI,
            description="png: pixels for 100 of width.",
            examples=[200],
        ),
    ] = 100,
    theme: Annotated[
        Theme, Query(description="Pictures: light or dark.", examples=["dark"])
    ] = Theme.LIGHT,
    title: Annotated[
        str | None,
        Query(
            max_length=MAX_TITLE_LENGTH,
            description="Pictures: a title instead of their own.",
            examples=["Two valleys"],
        ),
    ] = None,
) -> PictureOptions:
    """Read how a picture should look."""
    return PictureOptions(width=width, height=height, dpi=dpi, theme=theme, title=title)


Look = Annotated[PictureOptions, Depends(look)]


def one_of(suffixes: Sequence[str]) -> Any:
    """Describe a path's suffix; an unknown one is 404 rather than 422, so the route checks it."""
    return Path(
        description="The format.",
        json_schema_extra={"enum": list(suffixes)},
        examples=[suffixes[0]],
    )


def id_like(example: str) -> Any:
    """Describe an id in a path; a malformed one is 404 rather than 422, so the route checks it."""
    prefix = example.partition("_")[0]
    pattern = {"pattern": f"^{prefix}_[0-9a-f]{{32}}$"}
    return Path(description="The id.", json_schema_extra=pattern, examples=[example])


def check_suffix(request: Request, suffix: str, known: Sequence[str]) -> None:
    """Refuse a suffix that a resource does not have, and the look of what is no picture.

    Raises
    ------
    NotFound
        There is no such suffix.
    Invalid
        It is a table or an archive, and yet a width, a title or the like is given.
    """
    if suffix not in known:
        listed = ", ".join(known)
        raise NotFound(f"there is no {suffix[:20]!r} of this; there are {listed}")
    if suffix in ("csv", "npz"):
        for name in PictureOptions.model_fields.keys() & request.query_params.keys():
            raise Invalid(f"{name} is for pictures, not for {suffix}", f"/{name}")


async def named(
    path: str,
    question: CostSurfaceRequest | GradientTraceRequest,
    look: PictureOptions,
    state: AppState,
) -> pictures.Asked:
    """Name the picture of a question, in a thread if many samples have to be hashed."""
    if pictures.is_large(question.dataset):
        return await state.compute(pictures.posted, path, question, look)
    return pictures.posted(path, question, look)


async def picture(
    request: Request,
    state: AppState,
    asked: pictures.Asked,
    suffix: str,
    prepare: Callable[[], PictureRequest],
) -> Response:
    """Answer with a picture: not at all if the caller has it, from memory, or drawn now.

    ``prepare`` returns what to draw; it is called in a thread, and only for a picture that is not
    in memory. Identical pictures at once are drawn once.
    """
    known = not_modified(request, asked.etag, exists=False)
    if known is not None:
        return known
    contents = state.contents.get(asked.etag)
    if contents is None:
        async with state.asking(asked.etag):
            contents = state.contents.get(asked.etag)
            if contents is None:
                drawing = await state.compute(_checked, prepare, state)
                known = not_modified(request, asked.etag)
                if known is not None:
                    return known
                contents = await state.rendering.draw(drawing, partial(_is_gone, request))
                state.contents.put(asked.etag, contents)
    return not_modified(request, asked.etag) or content(contents, suffix, asked.etag)


async def _is_gone(request: Request) -> bool:
    """Tell whether the caller has hung up; the body, where none has read it, is heard first."""
    return await request.is_disconnected() or await request.is_disconnected()


def _checked(prepare: Callable[[], PictureRequest], state: AppState) -> PictureRequest:
    drawing = prepare()
    pictures.check(drawing, state.limits)
    if not isinstance(drawing, BasinMapPictureRequest):
        drawing.data.load()  # here, where waiting for the store holds up no other picture
    return drawing
