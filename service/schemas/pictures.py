"""How a picture should look."""

from enum import StrEnum

from service.schemas.base import RequestModel


class Theme(StrEnum):
    """Dark ink on a light ground, or the other way round."""

    LIGHT = "light"
    DARK = "dark"


class PictureOptions(RequestModel):
    """Size and look of a picture; width and height are the figure's own where null."""

    width: int | None = None
    height: int | None = None
    dpi: int = 100
    theme: Theme = Theme.LIGHT
    title: str | None = None
