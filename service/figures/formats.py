"""The formats of pictures. A new one is an entry of `PICTURE_FORMATS`.

This module does not import Matplotlib, so that the service can list the formats without it.
"""

import io
import json
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Metadata: TypeAlias = Mapping[str, str]


class Picture(Protocol):
    """A picture that has not been drawn yet."""

    def figure(self) -> "Figure":
        """Return it as vector artists."""

    def pixels(self) -> NDArray[np.uint8]:
        """Return it as pixels (rows, columns, 4)."""


class PictureFormat(NamedTuple):
    """A format of pictures, as addresses and headers name it.

    ``write`` draws a picture, and returns the bytes of a file with metadata: names and texts.
    """

    suffix: str
    media_type: str
    write: Callable[[Picture, Metadata], bytes]
    is_compressed: bool  # gzip would not make it smaller


def write_png(picture: Picture, metadata: Metadata) -> bytes:
    """Return a picture as a 24-bit PNG, with one ``iTXt`` chunk per entry of the metadata."""
    return encode_png(picture.pixels(), metadata)


def write_svg(picture: Picture, metadata: Metadata) -> bytes:
    """Return a picture as an SVG.

    ``Title`` has its own element; the other entries are one JSON object in ``dc:description``.
    """
    title, others = _split(metadata)
    entries = {"Title": _xml_safe(title), "Description": _xml_safe(others)}
    return _save(picture, "svg", entries, ("Date", "Creator", "Format", "Type"))


def write_pdf(picture: Picture, metadata: Metadata) -> bytes:
    """Return a picture as a PDF; entries other than ``Title`` are a JSON object in ``Subject``."""
    title, others = _split(metadata)
    entries = {"Title": title, "Subject": others}
    return _save(picture, "pdf", entries, ("CreationDate", "Creator", "Producer"))


PICTURE_FORMATS: Final = {
    entry.suffix: entry
    for entry in (
        PictureFormat("png", "image/png", write_png, is_compressed=True),
        PictureFormat("svg", "image/svg+xml", write_svg, is_compressed=False),
        PictureFormat("pdf", "application/pdf", write_pdf, is_compressed=True),
    )
}


def encode_png(pixels: NDArray[np.uint8], metadata: Metadata) -> bytes:
    """Return opaque pixels as a 24-bit PNG (PNG Specification 3rd edition, sections 5, 9, 11).

    No filter and fast compression take half the time that Pillow needs to try five filters on
    each row, and the file is no larger.
    """
    rows, columns = pixels.shape[:2]
    opaque = Image.fromarray(pixels).convert("RGB")  # faster in Pillow than in numpy
    lines = np.zeros((rows, 1 + 3 * columns), np.uint8)
    lines[:, 1:] = np.asarray(opaque).reshape(rows, 3 * columns)
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0))]
    for keyword, text in metadata.items():
        name = keyword.encode("latin-1", "replace")[:79]
        value = text.encode("utf-8", "replace")
        chunks.append(_chunk(b"iTXt", name + b"\0\0\0\0\0" + value))
    chunks.append(_chunk(b"IDAT", zlib.compress(lines.data, 1)))
    chunks.append(_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _save(picture: Picture, suffix: str, entries: Metadata, hidden: Sequence[str]) -> bytes:
    """Save a figure with Matplotlib, without the ``hidden`` entries that it would add."""
    metadata = dict.fromkeys(hidden) | {name: text for name, text in entries.items() if text}
    with io.BytesIO() as buffer:
        picture.figure().savefig(buffer, format=suffix, metadata=metadata)
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
