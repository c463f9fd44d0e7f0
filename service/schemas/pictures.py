"""Options of pictures."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

MAX_PIXELS: Final = 10_000_000
"""The most pixels of a PNG, and of the image inside an SVG or PDF."""


class Theme(StrEnum):
    """The colors of a picture."""

    LIGHT = "light"
    DARK = "dark"


class PictureOptions(BaseModel):
    """The size and style of a picture; a width or height of null selects the figure's default."""

    model_config = ConfigDict(frozen=True)

    width: Annotated[
        int | None,
        Field(
            ge=320, le=2400, description="Pictures: the width in pixels at 100 dpi.", examples=[900]
        ),
    ] = None
    height: Annotated[
        int | None,
        Field(
            ge=240,
            le=1800,
            description="Pictures: the height in pixels at 100 dpi.",
            examples=[600],
        ),
    ] = None
    dpi: Annotated[
        int,
        Field(
            ge=50,
            le=300,
            description="Pictures: the resolution of PNG; 200 doubles width and height.",
            examples=[200],
        ),
    ] = 100
    theme: Annotated[
        Theme, Field(description="Pictures: the colors, light or dark.", examples=["dark"])
    ] = Theme.LIGHT
    title: Annotated[
        str | None,
        Field(
            max_length=200,
            description="Pictures: a title that replaces the default.",
            examples=["Two valleys"],
        ),
    ] = None
