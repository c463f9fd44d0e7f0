"""Options of pictures."""

from enum import StrEnum

from service.schemas.base import RequestModel


class Theme(StrEnum):
    """The colors of a picture."""

    LIGHT = "light"
    DARK = "dark"


class PictureOptions(RequestModel):
    """The size and the look of a picture; a width or height of null is that of the figure."""

    width: int | None = None
    height: int | None = None
    dpi: int = 100
    theme: Theme = Theme.LIGHT
    title: str | None = None
