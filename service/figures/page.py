"""The page of a cost surface without its data: where panels stand, their axes, bar and legend."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from service.figures.axis import Axis, linear_axis
from service.figures.geometry import Placed, Rect, pixel_size, snapped
from service.figures.levels import Levels
from service.figures.marks import (
    LegendEntry,
    draw_legend,
    draw_optimum,
    draw_points,
    legend_row_height,
    legend_rows,
)
from service.figures.render import draw
from service.figures.sheet import Pixels, Raster, Sheet
from service.figures.style import Style
from service.figures.text import text_width

MAX_PANELS = 4
_GRIDS = {1: [(1, 1)], 2: [(1, 2), (2, 1)], 3: [(1, 3), (3, 1)], 4: [(2, 2), (1, 4), (4, 1)]}
_KEPT_PAGES = 16
_KEPT_PIXELS = 2_000_000


@dataclass(frozen=True)
class Panel:
    """A window: (low, high) of each weight, low < high."""

    w_in: tuple[float, float]
    w_rec: tuple[float, float]


@dataclass(frozen=True)
class PageLayout:
    """The placed panels, the colour bar's rectangle and the legend."""

    panels: tuple[Placed, ...]
    bar: Rect
    legend: tuple[tuple[LegendEntry, ...], ...]
    legend_top: float


def max_ticks(rect_size: float, font: float, em: float) -> int:
    """Return how many ticks suit a side: one every ``em`` text heights, three to eight."""
    return min(max(int(rect_size / (em * font)), 3), 8)


def weight_axis(
    low: float, high: float, size: float, font: float, caption: str, *, across: bool
) -> Axis:
    """Return a linear axis whose labels have room on a side of ``size`` CSS pixels."""
    ticks = max_ticks(size, font, 3.2 if across else 2.2)
    axis = linear_axis(low, high, ticks, caption)
    while across and ticks > 1 and not _labels_fit(axis, size, font):
        ticks -= 1
        axis = linear_axis(low, high, ticks, caption)
    return axis


def bar_room(font: float, caption: str) -> float:
    """Width that a colour bar with its labels and caption needs."""
    return max(1.9 * font + text_width("1.6x10⁻¹⁸", 0.88 * font), text_width(caption, font))


@lru_cache(maxsize=64)
def layout(style: Style, panels: tuple[Panel, ...], legend: tuple[LegendEntry, ...]) -> PageLayout:
    """Place one to four panels so that the smaller side of each is as large as it can be."""
    sheet, font = Sheet(style), style.font
    top = sheet.title("Cost surface") - 0.3 * font
    most = max(1, int(0.25 * sheet.page.height / legend_row_height(sheet)))
    rows = legend_rows(sheet, legend, sheet.page.width - 2 * font, most) if legend else []
    bottom = 0.5 * font + len(rows) * legend_row_height(sheet)
    right = sheet.page.right - bar_room(font, "cost + 1") - 0.8 * font
    area = Rect(0.3 * font, bottom, right - 1.4 * font, top)
    options = (_grid(sheet, area, panels, *grid) for grid in _GRIDS[len(panels)])
    placed = max(options, key=lambda p: min(min(q.rect.width, q.rect.height) for q in p))
    low, high = min(p.rect.bottom for p in placed), max(p.rect.top for p in placed)
    bar = snapped(Rect(right, low, right + 1.3 * font, high - 1.7 * font), style)
    return PageLayout(placed, bar, tuple(map(tuple, rows)), bottom)


def draw_page(sheet: Sheet, plan: PageLayout, levels: Levels) -> None:
    """Draw title, frames, bar and legend; nothing lies inside a panel."""
    sheet.title("Cost surface")
    for panel in plan.panels:
        sheet.frame(panel)
    ticks = bar_axis(levels, plan.bar.height, sheet.style.font)
    draw_bar(sheet, plan.bar, levels.palette("#000000")[:-1], ticks)
    draw_legend(sheet, plan.legend, plan.legend_top)


def bar_axis(levels: Levels, height: float, font: float) -> Axis:
    """Return the ticks of a colour bar ``height`` CSS pixels high."""
    places, labels = levels.ticks(max(2, int(height / (1.7 * font))))
    return Axis(0, 1, tuple(places), tuple(labels), levels.caption)


def draw_bar(sheet: Sheet, bar: Rect, colours: Pixels, ticks: Axis) -> None:
    """Draw a bar of equally high bands of ``colours`` (n, 4), lowest first, its caption above."""
    font = sheet.style.font
    columns, rows = pixel_size(bar, sheet.style)
    index = (np.arange(rows)[::-1] * len(colours)) // rows
    sheet.add(Raster(np.repeat(colours[index][:, None], columns, axis=1), bar))
    sheet.bar_frame(bar, ticks)
    sheet.text(bar.left, bar.top + 0.55 * font, ticks.caption)


def page_pixels(style: Style, plan: PageLayout, levels: Levels) -> Pixels:
    """Return the page drawn, RGBA (rows, columns, 4); kept for next time unless it is large."""
    columns, rows = style.pixels
    drawn = _kept_page if columns * rows <= _KEPT_PIXELS else _drawn_page
    return drawn(style, plan, levels)


def _drawn_page(style: Style, plan: PageLayout, levels: Levels) -> Pixels:
    sheet = Sheet(style)
    draw_page(sheet, plan, levels)
    return draw(sheet.figure)


_kept_page = lru_cache(maxsize=_KEPT_PAGES)(_drawn_page)


@dataclass(frozen=True, eq=False)
class Stamp:
    """What lies over the fields, as the few pixels that it changes: new = old * ``keep`` + ``add``.

    ``at`` (m,) counts pixels row by row, ``keep`` is (m, 1), ``add`` (m, 4).
    """

    at: NDArray[np.intp]
    keep: NDArray[np.float32]
    add: NDArray[np.float32]

    def press(self, pixels: Pixels) -> None:
        """Change contiguous RGBA pixels (rows, columns, 4) in place."""
        flat = pixels.reshape(-1, 4)
        flat[self.at] = flat[self.at] * self.keep + self.add


def draw_marks(
    sheet: Sheet,
    plan: PageLayout,
    points: Sequence[tuple[float, float]],
    optimum: tuple[float, float] | None,
) -> None:
    """Draw what lies over everything: points with their labels, and the optimum's star."""
    for panel in plan.panels:
        draw_points(sheet, panel, points, optimum)
        if optimum is not None:
            draw_optimum(sheet, panel, optimum)


@lru_cache(maxsize=64)
def marks_stamp(
    style: Style,
    plan: PageLayout,
    points: tuple[tuple[float, float], ...],
    optimum: tuple[float, float] | None,
) -> Stamp:
    """Draw the marks once for all fields that have the same."""
    sheet = Sheet(style, transparent=True)
    draw_marks(sheet, plan, points, optimum)
    drawn = draw(sheet.figure).reshape(-1, 4)
    at = np.flatnonzero(drawn[:, 3])
    cover = drawn[at, 3:].astype(np.float32) / 255
    colour = drawn[at].astype(np.float32)
    colour[:, 3] = 255
    keep, add = 1 - cover, colour * cover + 0.5
    return Stamp(at, keep.astype(np.float32), add.astype(np.float32))


def _labels_fit(axis: Axis, size: float, font: float) -> bool:
    widths = [text_width(label, 0.88 * font) for label in axis.labels]
    if not widths:
        return True
    if axis.ticks[-1] * size + widths[-1] / 2 > size + 1.4 * font + 0.3 * font:
        return False
    return all(
        (b - a) * size >= (wa + wb) / 2 + 0.5 * font
        for a, b, wa, wb in zip(axis.ticks, axis.ticks[1:], widths, widths[1:], strict=False)
    )


def _grid(
    sheet: Sheet, area: Rect, panels: tuple[Panel, ...], rows: int, columns: int
) -> tuple[Placed, ...]:
    font, gap = sheet.style.font, 1.3 * sheet.style.font
    height = (area.height - (rows - 1) * 0.8 * font) / rows - sheet.bottom_room
    ys = [
        weight_axis(*panel.w_rec, max(height, 1), font, "w_rec", across=False) for panel in panels
    ]
    left = max(sheet.left_room(y) for y in ys)
    width = (area.width - (columns - 1) * gap) / columns - left
    placed = []
    for i, (panel, y) in enumerate(zip(panels, ys, strict=True)):
        row, column = divmod(i, columns)
        x0 = area.left + column * (width + left + gap) + left
        y1 = area.top - row * (height + sheet.bottom_room + 0.8 * font)
        rect = snapped(Rect(x0, y1 - max(height, 1), x0 + max(width, 1), y1), sheet.style)
        x = weight_axis(*panel.w_in, max(width, 1), font, "w_in", across=True)
        placed.append(Placed(rect, x, y))
    return tuple(placed)
