"""Points, paths and what else lies over a field: seen on every colour, labels never overlapping."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.geometry import Placed, Rect, pixel_size, snapped
from service.figures.sheet import DASHES, Pixels, Raster, Sheet, Stroke
from service.figures.style import Style, rgba
from service.figures.text import pair, printable, shorten, text_width

HALO = "#ffffff"
OUTLINE = "#14181d"
OPTIMUM = "#ffd23f"


@dataclass(frozen=True)
class LabelledPath:
    """One training path: ``weights`` (m, 2), w_in then w_rec, first to last; nan breaks it."""

    label: str
    weights: Array


def path_stroke(style: Style, index: int) -> Stroke:
    """Colour and dashes of the path number ``index``; the pair repeats after 28 paths."""
    series = style.colours.series
    dashes = DASHES[(index + index // len(series)) % len(DASHES)]
    return Stroke(series[index % len(series)], style.font * 0.16, dashes)


def draw_path(sheet: Sheet, panel: Placed, path: LabelledPath, stroke: Stroke) -> None:
    """Draw a path on a white casing: a ring where it starts, a square where it ends."""
    weights = np.asarray(path.weights, dtype=np.float64).reshape(-1, 2)
    across, up = panel.place(weights[:, 0], weights[:, 1])
    sheet.line(across, up, Stroke(OUTLINE, stroke.width + 2.2, alpha=0.55), panel.rect)
    sheet.line(across, up, Stroke(HALO, stroke.width + 1.2), panel.rect)
    sheet.line(across, up, stroke, panel.rect)
    seen = np.flatnonzero(np.isfinite(across))
    if not seen.size:
        return
    size = 0.7 * sheet.style.font
    ends: list[tuple[int, str, str]] = [(seen[0], "o", HALO), (seen[-1], "s", stroke.colour)]
    for at, shape, face in ends:
        edge = stroke.colour if shape == "o" else HALO
        here = (across[at : at + 1], up[at : at + 1])
        if not _inside(panel.rect, *here)[0]:
            continue
        sheet.marks(*here, shape=shape, size=size + 2.6, face=OUTLINE, edge=OUTLINE, edge_width=0)
        sheet.marks(*here, shape=shape, size=size, face=face, edge=edge, edge_width=2)


def draw_valley(sheet: Sheet, panel: Placed, valley: Array) -> None:
    """Draw the best w_in of each w_rec, ``valley`` (m, 2), as a white dotted line."""
    across, up = panel.place(valley[:, 0], valley[:, 1])
    sheet.line(across, up, Stroke(OUTLINE, 2.6, alpha=0.5), panel.rect)
    sheet.line(across, up, Stroke(HALO, 1.6, (3, 3)), panel.rect)


def draw_optimum(sheet: Sheet, panel: Placed, optimum: tuple[float, float]) -> None:
    """Mark the exact optimum by a star, if it lies in the panel."""
    at = panel.place(np.array([optimum[0]]), np.array([optimum[1]]))
    if _inside(panel.rect, *at)[0]:
        size = 1.25 * sheet.style.font
        sheet.marks(*at, shape="*", size=size, face=OPTIMUM, edge=OUTLINE, edge_width=1.2)


def draw_points(
    sheet: Sheet,
    panel: Placed,
    points: Sequence[tuple[float, float]],
    optimum: tuple[float, float] | None = None,
) -> None:
    """Draw points with their weights beside them.

    A label stands where it hides neither a point nor the optimum nor another label, to the right
    if it can; where it cannot stand anywhere it is left out.
    """
    if not points:
        return
    weights = np.array(points, dtype=np.float64)
    across, up = panel.place(weights[:, 0], weights[:, 1])
    inside = _inside(panel.rect, across, up)
    size = 0.62 * sheet.style.font
    radius = size / 2 + 2
    shown = np.flatnonzero(inside).tolist()
    places = [(float(across[i]), float(up[i])) for i in shown]
    clear = [*places]
    if optimum is not None:
        star = panel.place(np.array([optimum[0]]), np.array([optimum[1]]))
        clear.append((float(star[0][0]), float(star[1][0])))
    taken = [Rect(a - radius, u - radius, a + radius, u + radius) for a, u in clear]
    colours = sheet.colours.series
    for i in shown:
        here = (across[i : i + 1], up[i : i + 1])
        face = colours[i % len(colours)]
        sheet.marks(*here, shape="o", size=size + 4, face=OUTLINE, edge="none", edge_width=0)
        sheet.marks(*here, shape="o", size=size, face=face, edge=HALO, edge_width=1.5)
    for i, (a, u) in zip(shown, places, strict=True):
        label = pair(*points[i])
        box = _free_place(panel.rect, _label_size(sheet, pair(*points[i])), (a, u), radius, taken)
        if box is not None:
            taken.append(box)
            small = 0.85 * sheet.style.font
            sheet.box(box, face=sheet.colours.paper, alpha=0.88)
            middle = (box.left + box.right) / 2, (box.bottom + box.top) / 2
            sheet.text(*middle, label, size=small, align="center", vertical="center_baseline")


def _label_size(sheet: Sheet, label: str) -> tuple[float, float]:
    small = 0.85 * sheet.style.font
    return text_width(label, small) + 0.7 * small, 1.4 * small


def _free_place(
    rect: Rect,
    size: tuple[float, float],
    point: tuple[float, float],
    radius: float,
    taken: Sequence[Rect],
) -> Rect | None:
    (a, u), (width, height) = point, size
    away, half_w, half_h = radius + 1.5, width / 2, height / 2
    centres = [
        (a + away + half_w, u),
        (a - away - half_w, u),
        (a, u + away + half_h),
        (a, u - away - half_h),
        (a + away + half_w, u + height * 0.8),
        (a + away + half_w, u - height * 0.8),
        (a - away - half_w, u + height * 0.8),
        (a - away - half_w, u - height * 0.8),
    ]
    for cx, cy in centres:
        box = Rect(cx - half_w, cy - half_h, cx + half_w, cy + half_h)
        if rect.contains(box) and not any(box.overlaps(other) for other in taken):
            return box
    return None


def _inside(rect: Rect, across: Array, up: Array) -> NDArray[np.bool_]:
    beside, under = (
        np.abs(across - rect.left - rect.width / 2),
        np.abs(up - rect.bottom - rect.height / 2),
    )
    return np.asarray((beside <= rect.width / 2 + 0.01) & (under <= rect.height / 2 + 0.01))


@dataclass(frozen=True)
class LegendEntry:
    """One sample and its name; a stroke is a path, otherwise ``shape`` in ``face`` on ``edge``."""

    label: str
    stroke: Stroke | None = None
    shape: str = "o"
    face: str = HALO
    edge: str = OUTLINE


def legend_rows(
    sheet: Sheet, entries: Sequence[LegendEntry], width: float, max_rows: int
) -> list[list[LegendEntry]]:
    """Break entries into centred rows; what does not fit is counted in a last entry."""
    size = 0.9 * sheet.style.font
    rows: list[list[LegendEntry]] = [[]]
    room = width
    more = text_width("+000 more", size) + 2 * size
    for i, entry in enumerate(entries):
        shown = LegendEntry(
            shorten(printable(entry.label), size, width / 2),
            entry.stroke,
            entry.shape,
            entry.face,
            entry.edge,
        )
        needed = entry_width(sheet, shown)
        last_row, is_last = len(rows) == max_rows, i == len(entries) - 1
        if needed > room - (more if last_row and not is_last else 0):
            if last_row:
                rows[-1].append(LegendEntry(f"+{len(entries) - i} more", None, "", HALO, OUTLINE))
                break
            rows.append([])
            room = width
        rows[-1].append(shown)
        room -= needed
    return [row for row in rows if row]


def entry_width(sheet: Sheet, entry: LegendEntry) -> float:
    """Width of a legend's entry in CSS pixels, with the gap after it."""
    size = 0.9 * sheet.style.font
    sample = {True: 2.2 * size, False: 1.0 * size if entry.shape else 0.0}[entry.stroke is not None]
    return sample + 0.4 * size + text_width(entry.label, size) + 1.3 * size


def draw_legend(sheet: Sheet, rows: Sequence[Sequence[LegendEntry]], top: float) -> None:
    """Draw rows of samples and names, centred on the page, downwards from ``top``."""
    size = 0.9 * sheet.style.font
    for number, row in enumerate(rows):
        total = sum(entry_width(sheet, entry) for entry in row) - 1.3 * size
        at = sheet.page.width / 2 - total / 2
        y = top - (number + 0.5) * legend_row_height(sheet)
        for entry in row:
            _draw_entry(sheet, entry, at, y, size)
            at += entry_width(sheet, entry)


def striped(rows: int, columns: int, colours: tuple[str, str], width: int) -> Pixels:
    """Return diagonal stripes of two colours, RGBA (rows, columns, 4)."""
    first = (np.arange(rows)[:, None] + np.arange(columns)[None, :]) // width % 2 == 0
    return np.where(first[..., None], rgba(colours[0]), rgba(colours[1]))


def legend_row_height(sheet: Sheet) -> float:
    """Height of one row of the legend in CSS pixels."""
    return 1.45 * 0.9 * sheet.style.font


def _draw_entry(sheet: Sheet, entry: LegendEntry, at: float, y: float, size: float) -> None:
    if entry.stroke is not None:
        across, up = np.array([at, at + 2.2 * size]), np.array([y, y])
        sheet.line(across, up, entry.stroke)
        at += 2.2 * size
    elif entry.shape == "stripes":
        box = snapped(Rect(at, y - size / 2, at + size, y + size / 2), sheet.style)
        columns, rows = pixel_size(box, sheet.style)
        width = max(2, round(0.2 * size * sheet.style.dpi / 100))
        sheet.add(Raster(striped(rows, columns, (entry.face, entry.edge), width), box))
        sheet.box(box, edge=OUTLINE)
        at += size
    elif entry.shape:
        centre = np.array([at + size / 2]), np.array([y])
        big = size * (1.15 if entry.shape == "*" else 0.75)
        sheet.marks(
            *centre, shape=entry.shape, size=big, face=entry.face, edge=entry.edge, edge_width=1.2
        )
        at += size
    sheet.text(at + 0.4 * size, y, entry.label, size=size, vertical="center_baseline")
