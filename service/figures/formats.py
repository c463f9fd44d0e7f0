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
    from matplotlib.backends.backend_svg import FigureCanvasSVG  # noqa: PLC0415 - as above

    hidden = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    entries = {**hidden, "Description": json.dumps(metadata)}
    return _save(figure, FigureCanvasSVG(figure).print_svg, entries)


def write_pdf(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as a PDF, with the metadata as a JSON object in ``Subject``."""
    from matplotlib.backends.backend_pdf import FigureCanvasPdf  # noqa: PLC0415 - as above

    hidden = dict.fromkeys(("CreationDate", "Creator", "Producer"))
    entries = {**hidden, "Subject": json.dumps(metadata)}
    return _save(figure, FigureCanvasPdf(figure).print_pdf, entries)


PICTURE_FORMATS: Final = {
    entry.suffix: entry
    for entry in (
        PictureFormat("png", "image/png", write_png, is_compressed=True),
        PictureFormat("svg", "image/svg+xml", write_svg, is_compressed=False),
        PictureFormat("pdf", "application/pdf", write_pdf, is_compressed=True),
    )
}


def _save(
    figure: "Figure", write: Callable[..., None], metadata: Mapping[str, str | None]
) -> bytes:
    """Save a figure without the first drawing of ``savefig``, which only lays it out.

    Entries that are None are omitted.
    """
    dpi = figure.dpi  # which Matplotlib replaces by 72
    with io.BytesIO() as buffer:
        write(buffer, metadata=metadata)
        figure.dpi = dpi
        return buffer.getvalue()
