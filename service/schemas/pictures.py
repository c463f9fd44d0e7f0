"""Options of pictures."""

from enum import StrEnum
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

# The maximum number of pixels of a PNG, and of the image inside an SVG or PDF.
MAX_PIXELS: Final = 10_000_000


class Theme(StrEnum):
    """The colors of a picture."""

    LIGHT = "light"
    DARK = "dark"


class Scale(StrEnum):
    """The scale of an axis."""

    LINEAR = "linear"
    LOG = "log"


class PictureOptions(BaseModel):
    """The size and style of a picture; a width or height of null selects the figure's default."""

    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)

    width: Annotated[int | None, Field(ge=320, le=2400, examples=[900])] = None
    """Pictures: the width in pixels at 100 dpi."""
    height: Annotated[int | None, Field(ge=240, le=1800, examples=[600])] = None
    """Pictures: the height in pixels at 100 dpi."""
    dpi: Annotated[int, Field(ge=50, le=300, examples=[200])] = 100
    """Pictures: the resolution of PNG; 200 doubles width and height."""
    theme: Annotated[Theme, Field(examples=["dark"])] = Theme.LIGHT
    """Pictures: the colors, light or dark."""
    title: Annotated[str | None, Field(max_length=200, examples=["Two valleys"])] = None
    """Pictures: a title that replaces the default."""


class FitPictureOptions(PictureOptions):
    """The options of the picture of a fit."""

    scale: Annotated[Scale, Field(examples=["log"])] = Scale.LINEAR
    """Pictures: the scale of the values; log requires that all of them are positive."""
