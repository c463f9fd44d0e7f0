"""The formats of pictures. A new one is an entry of `PICTURE_FORMATS`.

This module does not import Matplotlib, so that the service can list the formats without it.
"""

import io
import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, TypeAlias

from PIL import Image
from PIL.PngImagePlugin import PngInfo

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Metadata: TypeAlias = Mapping[str, str]


class PictureFormat(NamedTuple):
    """A format of pictures, as addresses and headers name it.

    ``write`` draws a figure, and returns the bytes of a file with metadata: names and texts.
    """

    suffix: str
    media_type: str
    write: Callable[["Figure", Metadata], bytes]
    is_compressed: bool  # gzip would not make it smaller


def write_png(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as a 24-bit PNG, with one ``iTXt`` chunk per entry of the metadata."""
    from service.figures.render import rasterize  # noqa: PLC0415 - imports Matplotlib

    texts = PngInfo()
    for keyword, text in metadata.items():
        texts.add_itxt(keyword, _without_surrogates(text))
    image = Image.fromarray(rasterize(figure)).convert("RGB")
    with io.BytesIO() as buffer:
        image.save(buffer, "png", pnginfo=texts, compress_level=3)  # 6 takes 1.5 times as long
        return buffer.getvalue()


def write_svg(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as an SVG.

    ``Title`` has its own element; the other entries are one JSON object in ``dc:description``.
    """
    title, others = _split(metadata)
    entries = {"Title": _xml_safe(title), "Description": _xml_safe(others)}
    return _save(figure, "svg", entries, ("Date", "Creator", "Format", "Type"))


def write_pdf(figure: "Figure", metadata: Metadata) -> bytes:
    """Return a figure as a PDF; entries other than ``Title`` are a JSON object in ``Subject``."""
    title, others = _split(metadata)
    entries = {"Title": title, "Subject": others}
    return _save(figure, "pdf", entries, ("CreationDate", "Creator", "Producer"))


PICTURE_FORMATS: Final = {
    entry.suffix: entry
    for entry in (
        PictureFormat("png", "image/png", write_png, is_compressed=True),
        PictureFormat("svg", "image/svg+xml", write_svg, is_compressed=False),
        PictureFormat("pdf", "application/pdf", write_pdf, is_compressed=True),
    )
}


def _save(figure: "Figure", suffix: str, entries: Metadata, hidden: Sequence[str]) -> bytes:
    """Save a figure with Matplotlib, without the ``hidden`` entries that it would add."""
    metadata = dict.fromkeys(hidden) | {name: text for name, text in entries.items() if text}
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format=suffix, metadata=metadata)
        return buffer.getvalue()


def _split(metadata: Metadata) -> tuple[str, str]:
    """Return the title, and the other entries as JSON; empty where there are none."""
    entries = {key: _without_surrogates(text) for key, text in metadata.items()}
    title = entries.pop("Title", "")
    return title, json.dumps(entries, ensure_ascii=False, sort_keys=True) if entries else ""


def _without_surrogates(text: str) -> str:
    """Replace lone surrogates, which cannot be encoded, by question marks."""
    return text.encode("utf-8", "replace").decode()


def _xml_safe(text: str) -> str:
    """Replace characters that XML 1.0 does not allow, even escaped."""
    return "".join(
        c
        if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else "\ufffd"
        for c in text
    )
