"""The cost surface: windows on the cost over both weights, exact at every pixel."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from service.engine.types import Array
from service.figures.field import Log10Cost, add_contours, evaluate, paint
from service.figures.geometry import Placed, pixel_box, pixel_size
from service.figures.levels import Levels, choose_levels
from service.figures.marks import (
    OPTIMUM,
    OUTLINE,
    LabelledPath,
    LegendEntry,
    draw_path,
    draw_valley,
    path_stroke,
)
from service.figures.page import (
    MAX_PANELS,
    PageLayout,
    Panel,
    draw_marks,
    draw_page,
    layout,
    marks_stamp,
    page_pixels,
)
from service.figures.render import agg
from service.figures.sheet import Pixels, Raster, Sheet, Stroke
from service.figures.style import Style

NOTE_PANELS = (Panel((-3.0, 3.0), (-3.0, 3.0)), Panel((0.0, 2.0), (0.0, 2.0)))


@dataclass(frozen=True, eq=False)
class CostSurfacePicture:
    """The cost over one to four windows, with points, paths, the valley and the optimum over it.

    ``pixels`` is the fast way to a png: the page without data (axes, bar, legend) is drawn once
    and kept for equal panels, levels and style; ``figure`` draws everything and serves svg and
    pdf, where the contours are lines and only the field is an image.
    """

    panels: tuple[Panel, ...]
    log10_cost: Log10Cost
    points: tuple[tuple[float, float], ...]
    paths: tuple[LabelledPath, ...]
    optimum: tuple[float, float] | None
    valley: Array | None
    style: Style

    def figure(self) -> Figure:
        """Return the whole picture as a figure of vector artists around raster fields."""
        plan, fields, levels = self._evaluate()
        sheet = Sheet(self.style)
        draw_page(sheet, plan, levels)
        for panel, field in zip(plan.panels, fields, strict=True):
            image = paint(field, levels, self.style.colours.missing, 0.0)
            sheet.add(Raster(image, panel.rect))
            add_contours(sheet, panel, levels, self.log10_cost)
        self._draw_paths(sheet, plan.panels)
        draw_marks(sheet, plan, self.points, self.optimum)
        return sheet.figure

    def pixels(self) -> Pixels:
        """Return the png's pixels, RGBA (rows, columns, 4)."""
        plan, fields, levels = self._evaluate()
        renderer, pixels = agg(*self.style.pixels, self.style.dpi)
        pixels[:] = page_pixels(self.style, plan, levels)
        line = 0.6 * self.style.dpi / 100
        for panel, field in zip(plan.panels, fields, strict=True):
            pixels[pixel_box(panel.rect, self.style)] = paint(
                field, levels, self.style.colours.missing, line
            )
        if self.paths or self.valley is not None:
            over = Sheet(self.style, transparent=True)
            self._draw_paths(over, plan.panels)
            over.figure.draw(renderer)
        marks_stamp(self.style, plan, self.points, self.optimum).press(pixels)
        return pixels

    def _evaluate(self) -> tuple[PageLayout, list[Array], Levels]:
        plan = layout(self.style, self.panels, self._legend())
        fields = [
            evaluate(p.x, p.y, pixel_size(p.rect, self.style), self.log10_cost) for p in plan.panels
        ]
        return plan, fields, choose_levels(fields)

    def _legend(self) -> tuple[LegendEntry, ...]:
        colours = self.style.colours
        entries = [
            LegendEntry(path.label, path_stroke(self.style, i)) for i, path in enumerate(self.paths)
        ]
        if self.paths:
            ink = colours.ink
            entries.append(LegendEntry("start", None, "o", colours.paper, ink))
            entries.append(LegendEntry("end", None, "s", ink, ink))
        if self.valley is not None:
            entries.append(LegendEntry("best w_in", Stroke(colours.ink, 1.6, (3, 3))))
        if self.optimum is not None:
            entries.append(LegendEntry("optimum", None, "*", OPTIMUM, OUTLINE))
        return tuple(entries)

    def _draw_paths(self, sheet: Sheet, panels: Sequence[Placed]) -> None:
        for panel in panels:
            if self.valley is not None:
                draw_valley(sheet, panel, self.valley)
            for i, path in enumerate(self.paths):
                draw_path(sheet, panel, path, path_stroke(self.style, i))


def cost_surface_picture(
    panels: Sequence[Panel],
    log10_cost: Log10Cost,
    *,
    points: Sequence[tuple[float, float]] = (),
    paths: Sequence[LabelledPath] = (),
    optimum: tuple[float, float] | None = None,
    valley: Array | None = None,
    style: Style | None = None,
) -> CostSurfacePicture:
    """Describe the picture of a cost surface; ``render`` draws it.

    Parameters
    ----------
    panels
        One to four windows, left to right, top to bottom; they share their levels.
    log10_cost
        log10(cost) at w_in (1, columns) and w_rec (rows, 1), asked at every pixel's centre.
    points
        (w_in, w_rec) to mark and label; those outside a panel are not drawn there.
    paths
        Training paths, named in a legend below.
    optimum
        (w_in, w_rec) of the exact optimum, marked by a star.
    valley
        (m, 2): the best w_in for each w_rec, and that w_rec.
    """
    if not 1 <= len(panels) <= MAX_PANELS:
        raise ValueError(f"a cost surface has 1 to {MAX_PANELS} panels, not {len(panels)}")
    return CostSurfacePicture(
        tuple(panels),
        log10_cost,
        tuple((float(a), float(b)) for a, b in points),
        tuple(paths),
        optimum,
        valley,
        style or Style(),
    )


def cost_surface_figure(
    panels: Sequence[Panel],
    log10_cost: Log10Cost,
    *,
    points: Sequence[tuple[float, float]] = (),
    paths: Sequence[LabelledPath] = (),
    optimum: tuple[float, float] | None = None,
    valley: Array | None = None,
    style: Style | None = None,
) -> Figure:
    """Return :func:`cost_surface_picture` as a figure."""
    return cost_surface_picture(
        panels,
        log10_cost,
        points=points,
        paths=paths,
        optimum=optimum,
        valley=valley,
        style=style,
    ).figure()
