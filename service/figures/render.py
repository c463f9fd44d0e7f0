"""Render figures as PNG, SVG and PDF; equal figures become equal bytes.

Matplotlib shares no state between figures here (no pyplot), and it caches fonts per thread, but
drawing holds the GIL nearly all the time, so threads make nothing faster. Draw in
several processes, or one picture at a time in a thread. The Matplotlib settings that change a
picture are global; they are set once, at import, whatever the user's settings file contains.
"""

import io
import json
import struct
import zlib
from collections.abc import Mapping
from typing import Literal

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from PIL import Image

from service.figures.canvas import Pixels

VectorFormat = Literal["svg", "pdf"]

_SETTINGS = frozenset(
    ["agg", "figure", "image", "lines", "markers", "patch", "path", "pdf", "savefig", "svg", "text"]
)
mpl.rcParams.update(
    {key: mpl.rcParamsDefault[key] for key in mpl.rcParams if key.partition(".")[0] in _SETTINGS}
)
mpl.rcParams["svg.hashsalt"] = "linear-rnn"  # derives ids from contents


def rasterize(figure: Figure) -> Pixels:
    """Draw a figure with Agg and return its pixels."""
    width, height = figure.bbox.size  # Matplotlib's own canvas would truncate 255.9999 to 255.
    renderer, pixels = agg_renderer(round(width), round(height), figure.dpi)
    figure.draw(renderer)
    return pixels


def agg_renderer(columns: int, rows: int, dpi: float) -> tuple[RendererBase, Pixels]:
    """Return an Agg renderer and the pixels that it draws on; they may be written to as well."""
    renderer = RendererAgg(columns, rows, dpi)  # type: ignore[no-untyped-call]
    return renderer, np.asarray(renderer.buffer_rgba())  # type: ignore[no-untyped-call]


def encode_png(pixels: Pixels, metadata: Mapping[str, str]) -> bytes:
    """Return opaque pixels as a 24-bit PNG (PNG Specification 3rd edition, sections 5, 9, 11).

    No filter and fast compression take half the time that Pillow needs to try five filters on
    each row, and the file is no larger.

    Parameters
    ----------
    pixels
        What to encode.
    metadata
        Text to embed, one ``iTXt`` chunk per entry.
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


def encode_vector(figure: Figure, suffix: VectorFormat, metadata: Mapping[str, str]) -> bytes:
    """Return a figure as an SVG or PDF.

    Parameters
    ----------
    figure
        What to encode.
    suffix
        The file format.
    metadata
        Text to embed. An SVG has ``Title`` in its own element and the other entries as one JSON
        object in ``dc:description``. A PDF has ``Title``, and the JSON object in ``Subject``.
    """
    with io.BytesIO() as buffer:
        figure.savefig(buffer, format=suffix, metadata=_vector_metadata(suffix, metadata))
        return buffer.getvalue()


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _vector_metadata(suffix: VectorFormat, metadata: Mapping[str, str]) -> dict[str, str | None]:
    """Return Matplotlib's metadata of an SVG or PDF; None leaves out what it would write."""
    entries = {key: _without_surrogates(text) for key, text in metadata.items()}
    title = {"Title": entries["Title"]} if "Title" in entries else {}
    others = {key: text for key, text in entries.items() if key != "Title"}
    text = json.dumps(others, ensure_ascii=False, sort_keys=True) if others else None
    if suffix == "pdf":
        known: dict[str, str | None] = {"CreationDate": None, "Creator": None, "Producer": None}
        return {**known, **title, **({"Subject": text} if text else {})}
    known = {"Date": None, "Creator": None, "Format": None, "Type": None}
    known |= {key: _xml_safe(value) for key, value in title.items()}
    return known | ({"Description": _xml_safe(text)} if text else {})


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
