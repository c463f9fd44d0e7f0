"""One training run: its path over the cost surface, and its cost by iteration."""

from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.axis import Axis, integer_ticks, log_axis
from service.figures.field import Log10Cost, add_contours, evaluate, paint
from service.figures.geometry import Placed, Rect, pixel_size, snapped
from service.figures.levels import Levels, choose_levels
from service.figures.marks import (
    OPTIMUM,
    OUTLINE,
    LabelledPath,
    LegendEntry,
    draw_legend,
    draw_optimum,
    draw_path,
    legend_row_height,
    legend_rows,
    path_stroke,
)
from service.figures.page import Panel, bar_axis, bar_room, draw_bar, weight_axis
from service.figures.render import draw
from service.figures.sheet import Pixels, Raster, Sheet, Stroke
from service.figures.style import Style
from service.figures.text import log10_number, number, printable, text_width, wrap

_MARGIN = 0.12
_BAR_FROM_WIDTH = 560


@dataclass(frozen=True, eq=False)
class Run:
    """What the picture shows of one training run.

    ``iterations`` (m,) are those recorded, rising; ``weights`` (m, 2) is w_in, w_rec at each, and
    ``log10_costs`` (m,) log10 of the cost, -inf where it is 0.  ``target_cost`` may be None.
    """

    optimizer: str
    outcome: str
    iterations: Array
    weights: Array
    log10_costs: Array
    target_cost: float | None = None


@dataclass(frozen=True, eq=False)
class TrajectoryPicture:
    """The path over the cost surface beside (or, on a tall page, above) the falling cost."""

    run: Run
    log10_cost: Log10Cost
    optimum: tuple[float, float] | None
    style: Style

    def figure(self) -> Figure:
        """Return the picture with contours as lines."""
        return self._drawn(vector=True)

    def pixels(self) -> Pixels:
        """Return the png's pixels, contours painted into the field."""
        return draw(self._drawn(vector=False))

    def _drawn(self, *, vector: bool) -> Figure:
        sheet = Sheet(self.style)
        font, page = self.style.font, sheet.page
        top = self._headline(sheet, sheet.title(_default_title(self.run))) - 0.3 * font
        rows = legend_rows(sheet, self._legend(), page.width - 2 * font, 2)
        bottom = 0.5 * font + len(rows) * legend_row_height(sheet)
        area = Rect(0.3 * font, bottom, page.right - 1.5 * font, top)
        left, right = _halves(area, font, beside=area.width > 1.25 * area.height)
        self._draw_surface(sheet, left, vector=vector)
        _draw_costs(sheet, right, self.run)
        draw_legend(sheet, rows, bottom)
        return sheet.figure

    def _headline(self, sheet: Sheet, y: float) -> float:
        """Write where the run ended below the title; return the y below."""
        size = 0.92 * self.style.font
        w_in, w_rec = self.run.weights[-1]
        text = (
            f"after {int(self.run.iterations[-1])} iterations: w_in {number(w_in)}, "
            f"w_rec {number(w_rec)}, cost {_cost_text(self.run.log10_costs[-1])}"
        )
        for line in wrap(text, size, sheet.page.width - 2 * size, 2):
            middle = sheet.page.width / 2
            sheet.text(
                middle,
                y,
                line,
                size=size,
                colour=sheet.colours.muted,
                align="center",
                vertical="top",
            )
            y -= 1.35 * size
        return y

    def _legend(self) -> list[LegendEntry]:
        colours = self.style.colours
        stroke = path_stroke(self.style, 0)
        entries = [
            LegendEntry(self.run.optimizer, stroke),
            LegendEntry("start", None, "o", colours.paper, stroke.colour),
            LegendEntry("end", None, "s", stroke.colour, stroke.colour),
        ]
        if self.optimum is not None:
            entries.append(LegendEntry("optimum", None, "*", OPTIMUM, OUTLINE))
        if self.run.target_cost is not None:
            entries.append(LegendEntry("target cost", Stroke(colours.muted, 1.5, (6, 3))))
        return entries

    def _draw_surface(self, sheet: Sheet, area: Rect, *, vector: bool) -> None:
        font, style = self.style.font, self.style
        window = window_around(self.run.weights, self.optimum)
        with_bar = sheet.page.width >= _BAR_FROM_WIDTH
        bar_left = area.right - bar_room(font, "cost + 1") if with_bar else area.right
        bottom = area.bottom + sheet.bottom_room
        y = weight_axis(*window.w_rec, area.top - bottom, font, "w_rec", across=False)
        rect = Rect(
            area.left + sheet.left_room(y),
            bottom,
            bar_left - font if with_bar else area.right,
            area.top,
        )
        rect = snapped(rect, style)
        x = weight_axis(*window.w_in, rect.width, font, "w_in", across=True)
        panel = Placed(rect, x, y)
        sheet.frame(panel)
        field = evaluate(x, y, pixel_size(rect, style), self.log10_cost)
        levels = choose_levels([field])
        line = 0.0 if vector else 0.6 * style.dpi / 100
        sheet.add(Raster(paint(field, levels, style.colours.missing, line), rect))
        if vector:
            add_contours(sheet, panel, levels, self.log10_cost)
        if with_bar:
            self._draw_bar(sheet, Rect(bar_left, bottom, bar_left, area.top), levels)
        path = LabelledPath(self.run.optimizer, self.run.weights)
        draw_path(sheet, panel, path, path_stroke(style, 0))
        if self.optimum is not None:
            draw_optimum(sheet, panel, self.optimum)

    def _draw_bar(self, sheet: Sheet, edge: Rect, levels: Levels) -> None:
        font = self.style.font
        bar = snapped(
            Rect(edge.left, edge.bottom, edge.left + 1.1 * font, edge.top - 1.7 * font), self.style
        )
        draw_bar(sheet, bar, levels.palette("#000000")[:-1], bar_axis(levels, bar.height, font))


def trajectory_picture(
    run: Run,
    log10_cost: Log10Cost,
    *,
    optimum: tuple[float, float] | None = None,
    style: Style | None = None,
) -> TrajectoryPicture:
    """Describe the picture of a run; ``render`` draws it."""
    if not len(run.iterations) == len(run.weights) == len(run.log10_costs) > 0:
        raise ValueError("a run has as many iterations as weights and costs, at least one")
    return TrajectoryPicture(run, log10_cost, optimum, style or Style())


def trajectory_figure(
    run: Run,
    log10_cost: Log10Cost,
    *,
    optimum: tuple[float, float] | None = None,
    style: Style | None = None,
) -> Figure:
    """Return :func:`trajectory_picture` as a figure."""
    return trajectory_picture(run, log10_cost, optimum=optimum, style=style).figure()


def window_around(weights: Array, optimum: tuple[float, float] | None) -> Panel:
    """Return a window that holds the path and the optimum with a margin.

    Where a few far steps would leave the rest a dot (twenty times the extent of nine tenths of the
    path) the window holds the nine tenths, the start and the optimum instead.
    """
    seen = weights[np.isfinite(weights).all(axis=1)]
    must = np.array([w for w in (*seen[:1].tolist(), optimum) if w is not None], np.float64)
    must = must.reshape(-1, 2)
    ranges = []
    for i in range(2):
        values = np.concatenate([seen[:, i], must[:, i]])
        if not values.size:
            values = np.zeros(1)
        near = (
            np.concatenate([np.quantile(seen[:, i], [0.05, 0.95]), must[:, i]])
            if len(seen)
            else values
        )
        if values.max() / 20 - values.min() / 20 > np.ptp(near / 1.0) > 0:
            values = near
        low, high = float(values.min()), float(values.max())
        half = max((high / 2 - low / 2) * (1 + 2 * _MARGIN), 0.05 * max(abs(low), abs(high), 1e-3))
        middle = low / 2 + high / 2
        ranges.append((middle - half, middle + half))
    return Panel(ranges[0], ranges[1])


def _default_title(run: Run) -> str:
    return f"{printable(run.optimizer)}: {printable(run.outcome.replace('_', ' '))}"


def _cost_text(log10_cost: float) -> str:
    return "not finite" if np.isnan(log10_cost) else log10_number(log10_cost)


def _halves(area: Rect, font: float, *, beside: bool) -> tuple[Rect, Rect]:
    if beside:
        middle = area.left + 0.54 * area.width
        return (
            Rect(area.left, area.bottom, middle, area.top),
            Rect(middle + 1.5 * font, area.bottom, area.right, area.top),
        )
    middle = area.bottom + 0.45 * area.height
    return (
        Rect(area.left, middle + 0.6 * font, area.right, area.top),
        Rect(area.left, area.bottom, area.right, middle - 0.6 * font),
    )


def _draw_costs(sheet: Sheet, area: Rect, run: Run) -> None:
    """Draw the cost by iteration; a cost of 0 is a mark on the floor."""
    font = sheet.style.font
    bottom = area.bottom + sheet.bottom_room
    y = _cost_axis(run, int((area.top - bottom) / (2.2 * font)))
    rect = snapped(Rect(area.left + sheet.left_room(y), bottom, area.right, area.top), sheet.style)
    first, last = int(run.iterations[0]), int(run.iterations[-1])
    last = max(last, first + 1)
    room = max(2, int(rect.width / (text_width(str(last), font) + 1.5 * font)))
    ticks = integer_ticks(first, last, min(room, 8))
    units = tuple((k - first) / (last - first) for k in ticks)
    x = Axis(float(first), float(last), units, tuple(map(str, ticks)), "iteration")
    panel = Placed(rect, x, y)
    sheet.frame(panel, grid=True)
    if run.target_cost is not None and run.target_cost > 0:
        level = np.full(2, np.log10(run.target_cost))
        sheet.line(
            *panel.place(np.array([x.low, x.high]), level),
            Stroke(sheet.colours.muted, 1.5, (6, 3)),
            rect,
        )
    stroke = path_stroke(sheet.style, 0)
    across, up = panel.place(run.iterations, run.log10_costs)
    sheet.line(across, up, stroke, rect)
    zeros = run.log10_costs == -np.inf
    floor = np.full(int(zeros.sum()), rect.bottom + 0.4 * font)
    zero_x = rect.left + x.unit(run.iterations[zeros]) * rect.width
    sheet.marks(zero_x, floor, shape="v", size=0.6 * font, face=stroke.colour, edge="none")
    sheet.marks(across[-1:], up[-1:], shape="s", size=0.6 * font, face=stroke.colour, edge="none")


def _cost_axis(run: Run, ticks: int) -> Axis:
    values = run.log10_costs[np.isfinite(run.log10_costs)]
    if run.target_cost is not None and run.target_cost > 0:
        values = np.append(values, np.log10(run.target_cost))
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    margin = max(0.06 * (high - low), 0.1)
    return log_axis(low - margin, high + margin, min(max(ticks, 2), 9), "cost")
