"""Legends: rows of samples and their names."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from service.figures.annotations import HALO, OPTIMUM, OUTLINE, path_stroke
from service.figures.canvas import Canvas, Raster, Stroke
from service.figures.geometry import Rect, pixel_size, snap_to_pixels
from service.figures.render import Pixels
from service.figures.style import Style, rgba
from service.figures.text import printable, shorten, text_width

# Lengths in units of the legend's text size.
_STROKE_WIDTH = 2.2
_MARKER_WIDTH = 1.0
_LABEL_GAP = 0.4
_ENTRY_GAP = 1.3
_ROW_HEIGHT = 1.45


@dataclass(frozen=True)
class LegendEntry:
    """A sample and its name."""

    label: str
    stroke: Stroke | None = None  # draws a line as the sample; otherwise the sample is a marker
    shape: str = "o"  # a Matplotlib marker, a key of PATTERNS, or empty for no sample
    face: str = HALO  # of the marker or the pattern
    edge: str = OUTLINE


OPTIMUM_ENTRY = LegendEntry("optimum", None, "*", OPTIMUM, OUTLINE)


def surface_entries(
    style: Style, paths: Sequence[str], notes: Sequence[str], *, has_optimum: bool
) -> list[LegendEntry]:
    """Return the entries of a cost surface: notes, and the names of paths and markers."""
    colors = style.colors
    entries = [LegendEntry(note, shape="") for note in notes]
    entries += [LegendEntry(path, path_stroke(style, i)) for i, path in enumerate(paths)]
    if paths:
        entries.append(LegendEntry("start", None, "o", colors.background, colors.foreground))
        entries.append(LegendEntry("end", None, "s", colors.foreground, colors.foreground))
    return [*entries, OPTIMUM_ENTRY] if has_optimum else entries


def legend_rows(
    canvas: Canvas, entries: Sequence[LegendEntry], width: float, max_rows: int
) -> list[list[LegendEntry]]:
    """Break entries into rows of at most ``width``; those left over are counted in a last entry."""
    size = _text_size(canvas)
    rows: list[list[LegendEntry]] = [[]]
    room = width
    more = text_width("+000 more", size) + 2 * size
    for i, entry in enumerate(entries):
        shown = replace(entry, label=shorten(printable(entry.label), size, width / 2))
        needed = _entry_width(shown, size)
        last_row, is_last = len(rows) == max_rows, i == len(entries) - 1
        if needed > room - (more if last_row and not is_last else 0):
            if last_row:
                rows[-1].append(LegendEntry(f"+{len(entries) - i} more", shape=""))
                break
            rows.append([])
            room = width
        rows[-1].append(shown)
        room -= needed
    return [row for row in rows if row]


def legend_height(canvas: Canvas, n_rows: int) -> float:
    """Return the height of rows in CSS pixels."""
    return n_rows * _ROW_HEIGHT * _text_size(canvas)


def draw_legend(canvas: Canvas, rows: Sequence[Sequence[LegendEntry]], top: float) -> None:
    """Draw rows of entries, centered on the canvas, downward from ``top``."""
    size = _text_size(canvas)
    for i, row in enumerate(rows):
        width = sum(_entry_width(entry, size) for entry in row) - _ENTRY_GAP * size
        x = canvas.area.width / 2 - width / 2
        y = top - legend_height(canvas, 1) * (i + 0.5)
        for entry in row:
            _draw_entry(canvas, entry, x, y, size)
            x += _entry_width(entry, size)


def stripes(rows: int, columns: int, colors: tuple[str, str], width: int) -> Pixels:
    """Return diagonal stripes of two colors, RGBA (rows, columns, 4)."""
    first = (np.arange(rows)[:, None] + np.arange(columns)[None, :]) // width % 2 == 0
    return np.where(first[..., None], rgba(colors[0]), rgba(colors[1]))


def hatching(rows: int, columns: int, colors: tuple[str, str], width: int) -> Pixels:
    """Return thin lines of the second color in the other direction, RGBA (rows, columns, 4)."""
    distance = np.arange(rows)[:, None] - np.arange(columns)[None, :]
    line = distance % (4 * width) < max(1, width // 2)
    return np.where(line[..., None], rgba(colors[1]), rgba(colors[0]))


PATTERNS: Final = {"stripes": stripes, "hatching": hatching}


def _text_size(canvas: Canvas) -> float:
    return 0.9 * canvas.style.font_size


def _sample_width(entry: LegendEntry) -> float:
    if entry.stroke is not None:
        return _STROKE_WIDTH
    return _MARKER_WIDTH if entry.shape else 0.0


def _entry_width(entry: LegendEntry, size: float) -> float:
    """Return the width of an entry with the gap after it."""
    gaps = _sample_width(entry) + _LABEL_GAP + _ENTRY_GAP
    return gaps * size + text_width(entry.label, size)


def _draw_entry(canvas: Canvas, entry: LegendEntry, x: float, y: float, size: float) -> None:
    if entry.stroke is not None:
        ends = np.array([x, x + _STROKE_WIDTH * size])
        canvas.line(ends, np.array([y, y]), entry.stroke)
    elif entry.shape in PATTERNS:
        _draw_pattern(canvas, entry, Rect(x, y - size / 2, x + size, y + size / 2))
    elif entry.shape:
        canvas.markers(
            np.array([x + size / 2]),
            np.array([y]),
            shape=entry.shape,
            size=size * (1.15 if entry.shape == "*" else 0.75),
            face=entry.face,
            edge=entry.edge,
            edge_width=1.2,
        )
    x += (_sample_width(entry) + _LABEL_GAP) * size
    canvas.text(x, y, entry.label, size=size, vertical="center_baseline")


def _draw_pattern(canvas: Canvas, entry: LegendEntry, rect: Rect) -> None:
    box = snap_to_pixels(rect, canvas.style)
    columns, rows = pixel_size(box, canvas.style)
    width = max(2, round(0.2 * rect.height * canvas.style.dpi / 100))
    pattern = PATTERNS[entry.shape]
    canvas.add(Raster(pattern(rows, columns, (entry.face, entry.edge), width), box))
    canvas.box(box, edge=OUTLINE)
