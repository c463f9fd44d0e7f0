"""Figures to bytes: png, svg and pdf, the same bytes for the same figure.

Matplotlib keeps no state between figures here (no pyplot), and fonts are cached by thread, but its
drawing holds the interpreter's lock nearly all the time: threads make nothing faster.  Draw in
processes, or one picture at a time in a thread.  Matplotlib's settings are global: those that
change a picture are set once, at import, so that neither threads nor a settings file can differ.
"""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Literal, Protocol

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from PIL import Image

from service.figures.sheet import Pixels

Format = Literal["png", "svg", "pdf"]
MEDIA_TYPES: dict[Format, str] = {
    "png": "image/png",
    "svg": "image/svg+xml",
    "pdf": "application/pdf",
}

_OURS = {
    "agg",
    "figure",
    "image",
    "lines",
    "markers",
    "patch",
    "path",
    "pdf",
    "savefig",
    "svg",
    "text",
}
mpl.rcParams.update(
    {key: mpl.rcParamsDefault[key] for key in mpl.rcParams if key.partition(".")[0] in _OURS}
)
mpl.rcParams["svg.hashsalt"] = "linear-rnn"  # ids from contents instead of random ones


class Picture(Protocol):
    """What can be drawn in two ways: as a figure, or faster as pixels."""

    def figure(self) -> Figure:
        """Return the whole picture as a figure."""
        ...

    def pixels(self) -> Pixels:
        """Return the picture as RGBA (rows, columns, 4), top row first."""
        ...


def render(
    picture: Figure | Picture,
    format: Format,  # noqa: A002
    *,
    metadata: Mapping[str, str] | None = None,
) -> bytes:
    """Return a picture's bytes, with ``metadata`` inside.

    png: an ``iTXt`` chunk for each entry.  svg: ``Title`` in its own element, the other entries
    as one JSON object in ``dc:description``.  pdf: ``Title``, and the same object in ``Subject``.
    There are no dates and no software versions, so that equal pictures have equal bytes.
    """
    entries = {key: _without_surrogates(text) for key, text in (metadata or {}).items()}
    if format == "png":
        return _png(picture.pixels() if not isinstance(picture, Figure) else draw(picture), entries)
    figure = picture if isinstance(picture, Figure) else picture.figure()
    title = {"Title": entries.pop("Title")} if "Title" in entries else {}
    others = json.dumps(entries, ensure_ascii=False, sort_keys=True) if entries else None
    known: dict[str, str | None]
    if format == "svg":
        known = {"Date": None, "Creator": None, "Format": None, "Type": None}
        known |= {key: _xml_safe(text) for key, text in title.items()}
        if others:
            known["Description"] = _xml_safe(others)
    else:
        known = {"CreationDate": None, "Creator": None, "Producer": None, **title}
        if others:
            known["Subject"] = others
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format=format, metadata=known)
        return buffer.getvalue()


def draw(figure: Figure) -> Pixels:
    """Draw a figure with Agg: RGBA (rows, columns, 4), top row first."""
    width, height = figure.bbox.size  # Matplotlib's own canvas would cut 255.9999 to 255
    renderer, pixels = agg(round(width), round(height), figure.dpi)
    figure.draw(renderer)
    return pixels


def agg(columns: int, rows: int, dpi: float) -> tuple[RendererBase, Pixels]:
    """Return an Agg renderer and the RGBA pixels it draws on, which may be written to as well."""
    renderer = RendererAgg(columns, rows, dpi)  # type: ignore[no-untyped-call]
    return renderer, np.asarray(renderer.buffer_rgba())  # type: ignore[no-untyped-call]


def _png(pixels: Pixels, metadata: Mapping[str, str]) -> bytes:
    """Encode opaque pixels as 24-bit PNG (PNG Specification 3rd edition, sections 5, 9 and 11).

    Written here because a filter fixed beforehand and fast compression take half the time that
    Pillow needs to try five filters on each row, for a file no larger.
    """
    rows, columns = pixels.shape[:2]
    opaque = Image.fromarray(pixels).convert("RGB")  # Pillow drops a channel faster than numpy
    lines = np.zeros((rows, 1 + 3 * columns), np.uint8)
    lines[:, 1:] = np.asarray(opaque).reshape(rows, 3 * columns)
    chunks = [_chunk(b"IHDR", struct.pack(">IIBBBBB", columns, rows, 8, 2, 0, 0, 0))]
    for keyword, text in metadata.items():
        name = keyword.encode("latin-1", "replace")[:79]
        chunks.append(_chunk(b"iTXt", name + b"\0\0\0\0\0" + text.encode()))
    chunks.append(_chunk(b"IDAT", zlib.compress(lines.data, 1)))
    chunks.append(_chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _without_surrogates(text: str) -> str:
    """Replace halves of characters, which no encoding takes, by question marks."""
    return text.encode("utf-8", "replace").decode()


def _xml_safe(text: str) -> str:
    """Replace what XML 1.0 cannot hold, even escaped."""
    return "".join(
        c
        if c in "\t\n\r" or "\x20" <= c <= "\ud7ff" or "\ue000" <= c <= "\ufffd" or c > "\uffff"
        else "\ufffd"
        for c in text
    )
