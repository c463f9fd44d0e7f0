"""What all routes for pictures share."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import Depends, Query

from service import __version__
from service.errors import NotFound
from service.figures.style import (
    MAX_DPI,
    MAX_HEIGHT,
    MAX_TITLE_LENGTH,
    MAX_WIDTH,
    MIN_DPI,
    MIN_HEIGHT,
    MIN_WIDTH,
)
from service.operations.identity import RESULT_VERSION, digest, resolved
from service.schemas.base import Question
from service.schemas.pictures import Picture, Theme


async def look(
    width: Annotated[
        int | None,
        Query(ge=MIN_WIDTH, le=MAX_WIDTH, description="Width in pixels at 100 dpi."),
    ] = None,
    height: Annotated[
        int | None,
        Query(ge=MIN_HEIGHT, le=MAX_HEIGHT, description="Height in pixels at 100 dpi."),
    ] = None,
    dpi: Annotated[
        int, Query(ge=MIN_DPI, le=MAX_DPI, description="Pixels of a png per 100 of width.")
    ] = 100,
    theme: Annotated[Theme, Query(description="light or dark.")] = Theme.LIGHT,
    title: Annotated[
        str | None,
        Query(max_length=MAX_TITLE_LENGTH, description="Instead of the picture's own title."),
    ] = None,
) -> Picture:
    """Read how a picture should look."""
    return Picture(width=width, height=height, dpi=dpi, theme=theme, title=title)


Look = Annotated[Picture, Depends(look)]


def picture_suffix(suffix: str, known: Sequence[str]) -> None:
    """Refuse suffixes that a resource does not have; raises NotFound."""
    if suffix not in known:
        listed = ", ".join(known)
        raise NotFound(f"there is no {suffix[:20]!r} of this; there are {listed}")


def etag_of(resource: str, question: Question | str, suffix: str, look: Picture) -> str:
    """Name contents by everything that decides them."""
    asked: dict[str, Any] = {
        "resource": resource,
        "question": question if isinstance(question, str) else resolved(question),
        "suffix": suffix,
        "look": look.model_dump(mode="json"),
        "version": [__version__, RESULT_VERSION],
    }
    return f'"{digest(asked)[:32]}"'
