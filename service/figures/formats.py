"""The formats of pictures. A new one is an entry of `PICTURE_FORMATS`.

This module does not import Matplotlib, so that the service can list the formats without it.
"""

import io
import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from PIL import Image
from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Metadata: TypeAlias = Mapping[str, str]


class PictureFormat(NamedTuple):
    """A format of pictures, with its names in addresses and headers.

    ``write`` draws a figure, and returns the bytes of a file with metadata: names and texts.
    """

    suffix: str
    media_type: str
    write: Callable[["Figure", Metadata], bytes]
    is_compressed: bool  # gzip would not make it smaller


def write_png(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as a 24-bit PNG, with one ``iTXt`` chunk per entry of the metadata."""
    from service.figures.page import rasterize  # noqa: PLC0415 - imports Matplotlib

    texts = PngInfo()
    for keyword, text in metadata.items():
        texts.add_itxt(keyword, text)
    image = Image.fromarray(rasterize(figure)).convert("RGB")
    with io.BytesIO() as buffer:
        image.save(buffer, "png", pnginfo=texts, compress_level=1)  # 6 takes twice as long
        return buffer.getvalue()


def write_svg(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as an SVG, with the metadata as a JSON object in ``dc:description``."""
    hidden = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    return _save(figure, "svg", {**hidden, "Description": json.dumps(metadata)})


def write_pdf(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as a PDF, with the metadata as a JSON object in ``Subject``."""
    hidden = dict.fromkeys(("CreationDate", "Creator", "Producer"))
    return _save(figure, "pdf", {**hidden, "Subject": json.dumps(metadata)})


PICTURE_FORMATS: Final = {
    entry.suffix: entry
    for entry in (
        PictureFormat("png", "image/png", write_png, is_compressed=True),
        PictureFormat("svg", "image/svg+xml", write_svg, is_compressed=False),
        PictureFormat("pdf", "application/pdf", write_pdf, is_compressed=True),
    )
}


def _save(figure: "Figure", suffix: str, metadata: Mapping[str, str | None]) -> bytes:
    """Save a figure with Matplotlib, which omits the entries that are None."""
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format=suffix, metadata=metadata)
        return buffer.getvalue()
