"""Options of pictures."""

from enum import StrEnum

from service.schemas.base import RequestModel


class Theme(StrEnum):
    """The colors of a picture."""

    LIGHT = "light"
    DARK = "dark"


class PictureOptions(RequestModel):
    """The size and style of a picture; a width or height of null selects the figure's default."""

    width: int | None = None
    height: int | None = None
    dpi: int = 100
    theme: Theme = Theme.LIGHT
    title: str | None = None
