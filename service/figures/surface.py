"""The cost surface: one to four windows on the cost as a function of both weights."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.annotations import (
    LabeledPath,
    draw_optimum,
    draw_path,
    draw_points,
    draw_profile,
    path_stroke,
)
from service.figures.canvas import Canvas, Pixels, Raster, Stroke
from service.figures.color_bands import ColorBands, choose_color_bands
from service.figures.frame import draw_frame
from service.figures.geometry import Panel, pixel_box, pixel_centers
from service.figures.heatmap import CONTOUR_WIDTH, Log10Cost, draw_contours, draw_cost_bar, paint
from service.figures.layout import Layout, Window, layout
from service.figures.legend import OPTIMUM_ENTRY, LegendEntry, draw_legend
from service.figures.render import agg_renderer, rasterize
from service.figures.style import Style

Point = tuple[float, float]

_CACHED_BACKGROUNDS = 16
_MAX_CACHED_PIXELS = 2_000_000


class Markers(NamedTuple):
    """What lies above everything else: points with labels, and the optimum's star if ``star``."""

    points: tuple[Point, ...]
    optimum: Point | None
    star: bool


@dataclass(frozen=True, eq=False)
class CostSurfacePicture:
    """The cost over one to four windows, with annotations.

    ``pixels`` is the fast way to a PNG: everything but the data (axes, color bar, legend) is cached
    for pictures with equal windows, color bands and style. ``figure`` draws everything; it serves
    SVG and PDF, where contours are lines and only the heatmap is an image.
    """

    windows: tuple[Window, ...]  # left to right, top to bottom; they share their color bands
    log10_cost: Log10Cost
    points: tuple[Point, ...] = ()  # to mark and label in the windows that they are in
    paths: Sequence[LabeledPath] = ()  # of training runs, named in the legend
    optimum: Point | None = None  # to mark with a star
    profile: Array | None = None  # (m, 2): the best w_in for each w_rec, and that w_rec
    notes: tuple[str, ...] = ()  # in the legend: how the cost was computed
    style: Style = field(default_factory=Style)

    def figure(self) -> Figure:
        """Return the picture as a figure of vector artists around images of the cost."""
        plan = layout(self.style, self.windows, self.legend())
        values = [self.log10_cost(*pixel_centers(panel, self.style)) for panel in plan.panels]
        bands = choose_color_bands(values)
        canvas = Canvas(self.style)
        _draw_background(canvas, plan, bands)
        for panel, log10_costs in zip(plan.panels, values, strict=True):
            image = paint(log10_costs, bands, self.style.colors.missing, 0.0)
            canvas.add(Raster(image, panel.rect))
            draw_contours(canvas, panel, bands, self.log10_cost)
        self._draw_lines(canvas, plan.panels)
        _draw_markers(canvas, plan, self._markers())
        return canvas.figure

    def pixels(self) -> Pixels:
        """Return the pixels of the PNG."""
        plan = layout(self.style, self.windows, self.legend())
        values = [self.log10_cost(*pixel_centers(panel, self.style)) for panel in plan.panels]
        bands = choose_color_bands(values)
        renderer, pixels = agg_renderer(*self.style.pixels, self.style.dpi)
        pixels[:] = _background(self.style, plan, bands)
        line_width = CONTOUR_WIDTH * self.style.dpi / 100
        for panel, log10_costs in zip(plan.panels, values, strict=True):
            box = pixel_box(panel.rect, self.style)
            pixels[box] = paint(log10_costs, bands, self.style.colors.missing, line_width)
        if self.paths or self.profile is not None:
            canvas = Canvas(self.style, transparent=True)
            self._draw_lines(canvas, plan.panels)
            canvas.figure.draw(renderer)
        _marker_overlay(self.style, plan, self._markers()).blend_into(pixels)
        return pixels

    def _markers(self) -> Markers:
        return Markers(self.points, self.optimum, star=not self.paths)

    def legend(self) -> tuple[LegendEntry, ...]:
        """Return the entries of the legend."""
        colors = self.style.colors
        entries = [LegendEntry(note, shape="") for note in self.notes]
        entries += [
            LegendEntry(path.label, path_stroke(self.style, i)) for i, path in enumerate(self.paths)
        ]
        if self.paths:
            entries.append(LegendEntry("start", None, "o", colors.background, colors.foreground))
            entries.append(LegendEntry("end", None, "s", colors.foreground, colors.foreground))
        if self.profile is not None:
            entries.append(LegendEntry("best w_in", Stroke(colors.foreground, 1.6, (3, 3))))
        if self.optimum is not None:
            entries.append(OPTIMUM_ENTRY)
        return tuple(entries)

    def _draw_lines(self, canvas: Canvas, panels: Sequence[Panel]) -> None:
        for panel in panels:
            if self.profile is not None:
                draw_profile(canvas, panel, self.profile)
            if self.optimum is not None and self.paths:
                draw_optimum(canvas, panel, self.optimum, below_paths=True)
            for i, path in enumerate(self.paths):
                draw_path(canvas, panel, path, path_stroke(self.style, i))


def _draw_background(canvas: Canvas, plan: Layout, bands: ColorBands) -> None:
    """Draw title, frames, color bar and legend; nothing lies inside a panel."""
    canvas.title("Cost surface")
    for panel in plan.panels:
        draw_frame(canvas, panel)
    draw_cost_bar(canvas, plan.bar, bands)
    draw_legend(canvas, plan.legend, plan.legend_top)


def _background(style: Style, plan: Layout, bands: ColorBands) -> Pixels:
    """Return the drawn background, from the cache unless it is large."""
    columns, rows = style.pixels
    make = _cached_background if columns * rows <= _MAX_CACHED_PIXELS else _new_background
    return make(style, plan, bands)


def _new_background(style: Style, plan: Layout, bands: ColorBands) -> Pixels:
    canvas = Canvas(style)
    _draw_background(canvas, plan, bands)
    return rasterize(canvas.figure)


_cached_background = lru_cache(maxsize=_CACHED_BACKGROUNDS)(_new_background)


def _draw_markers(canvas: Canvas, plan: Layout, markers: Markers) -> None:
    """Draw what lies above everything else."""
    for panel in plan.panels:
        draw_points(canvas, panel, markers.points, markers.optimum)
        if markers.optimum is not None and markers.star:
            draw_optimum(canvas, panel, markers.optimum)


@dataclass(frozen=True, eq=False)
class Overlay:
    """The pixels that markers change: new = old * ``keep`` + ``add``."""

    at: NDArray[np.intp]  # (m,), indices of pixels, row by row
    keep: NDArray[np.float32]  # (m, 1)
    add: NDArray[np.float32]  # (m, 4)

    def blend_into(self, pixels: Pixels) -> None:
        """Change contiguous RGBA pixels (rows, columns, 4) in place."""
        flat = pixels.reshape(-1, 4)
        flat[self.at] = flat[self.at] * self.keep + self.add


@lru_cache(maxsize=64)
def _marker_overlay(style: Style, plan: Layout, markers: Markers) -> Overlay:
    """Draw the markers once for all pictures that have the same ones."""
    canvas = Canvas(style, transparent=True)
    _draw_markers(canvas, plan, markers)
    drawn = rasterize(canvas.figure).reshape(-1, 4)
    at = np.flatnonzero(drawn[:, 3])
    cover = drawn[at, 3:].astype(np.float32) / 255
    color = drawn[at].astype(np.float32)
    color[:, 3] = 255
    keep, add = 1 - cover, color * cover + 0.5
    return Overlay(at, keep.astype(np.float32), add.astype(np.float32))
