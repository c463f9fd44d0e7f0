"""A page to draw on: text, lines, marks and images placed in CSS pixels.

Everything is an ordinary Matplotlib artist added to an ordinary ``Figure``, so that png, svg and
pdf come from one description.  Artists are drawn in the order in which they were added.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, TransformedBbox
from matplotlib.transforms import Bbox as MplBbox
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.axis import Axis
from service.figures.geometry import Placed, Rect
from service.figures.style import CSS_DPI, Style
from service.figures.text import POINTS_PER_CSS, font_of, printable, shorten, text_width, wrap

Pixels = NDArray[np.uint8]

TITLE_LINES = 2


@dataclass(frozen=True)
class Stroke:
    """How a line looks; ``dashes`` in CSS pixels, on and off."""

    colour: str
    width: float = 1.5
    dashes: tuple[float, ...] | None = None
    alpha: float = 1.0


DASHES: tuple[tuple[float, ...] | None, ...] = (None, (7, 3), (2, 2), (9, 2.5, 2, 2.5))


class Raster(Artist):
    """An image that fills a rectangle: pixel for pixel in a png, one embedded image elsewhere."""

    def __init__(self, pixels: Pixels, rect: Rect) -> None:
        super().__init__()
        self.pixels, self.rect = pixels[::-1], rect

    def draw(self, renderer: RendererBase) -> None:
        """Draw at device pixels (Matplotlib counts an image's rows from below)."""
        figure = self.get_figure(root=True)
        scale = 1.0 if figure is None else figure.dpi / CSS_DPI
        x, y = self.rect.left * scale, self.rect.bottom * scale
        gc = renderer.new_gc()
        if renderer.option_scale_image():
            size = Affine2D().scale(self.rect.width * scale, self.rect.height * scale)
            renderer.draw_image(gc, x, y, self.pixels, size)
        else:
            renderer.draw_image(gc, round(x), round(y), self.pixels)
        gc.restore()


class Sheet:
    """A figure with the few drawing operations that the pictures share."""

    def __init__(self, style: Style, *, transparent: bool = False) -> None:
        columns, rows = style.pixels
        self.style = style
        self.colours = style.colours
        self.page = Rect(0, 0, columns * CSS_DPI / style.dpi, rows * CSS_DPI / style.dpi)
        self.figure = Figure(
            figsize=(columns / style.dpi, rows / style.dpi),
            dpi=style.dpi,
            facecolor=self.colours.paper,
        )
        self.figure.patch.set_visible(not transparent)
        self.transform = Affine2D().scale(1 / CSS_DPI) + self.figure.dpi_scale_trans
        self._count = 0

    def add(self, artist: Artist, clip: Rect | None = None) -> None:
        """Add an artist above all earlier ones, cut off at the edges of ``clip``."""
        self._count += 1
        artist.set_zorder(self._count)
        self.figure.add_artist(artist)
        if clip is not None:
            box = MplBbox.from_extents(*clip)
            artist.set_clip_box(TransformedBbox(box, self.transform))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float | None = None,
        colour: str | None = None,
        align: Literal["left", "center", "right"] = "left",
        vertical: Literal["bottom", "baseline", "center", "center_baseline", "top"] = "baseline",
        rotation: float = 0,
        bold: bool = False,
    ) -> None:
        """Write one line of text; nothing in it is taken for mathematics."""
        artist = Text(
            x,
            y,
            text,
            color=colour or self.colours.ink,
            fontproperties=font_of(size or self.style.font, bold=bold),
            horizontalalignment=align,
            verticalalignment=vertical,
            rotation=rotation,
            rotation_mode="anchor" if rotation else "default",
            parse_math=False,
            transform=self.transform,
        )
        self.add(artist)

    def line(self, x: Array, y: Array, stroke: Stroke, clip: Rect | None = None) -> None:
        """Draw a line through points in CSS pixels, broken where one is nan."""
        self._line(x, y, clip, stroke.alpha, **_stroke_options(stroke))

    def marks(
        self,
        x: Array,
        y: Array,
        *,
        shape: str,
        size: float,
        face: str,
        edge: str,
        edge_width: float = 1.0,
        clip: Rect | None = None,
    ) -> None:
        """Draw one mark at each point; ``shape`` is a Matplotlib marker, ``size`` its diameter."""
        self._line(
            x,
            y,
            clip,
            1.0,
            linestyle="none",
            marker=shape,
            markersize=size * POINTS_PER_CSS,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=edge_width * POINTS_PER_CSS,
        )

    def box(
        self,
        rect: Rect,
        *,
        face: str = "none",
        edge: str = "none",
        width: float = 1,
        alpha: float = 1,
    ) -> None:
        """Draw a rectangle."""
        self.add(
            Rectangle(
                rect[:2],
                rect.width,
                rect.height,
                facecolor=face,
                edgecolor=edge,
                linewidth=width * POINTS_PER_CSS,
                alpha=alpha,
                transform=self.transform,
            )
        )

    def segments(self, starts: Array, stops: Array, stroke: Stroke) -> None:
        """Draw separate straight lines from ``starts`` (n, 2) to ``stops`` (n, 2) as one path."""
        n = len(starts)
        vertices = np.empty((2 * n, 2))
        vertices[0::2], vertices[1::2] = starts, stops
        self.path(vertices, np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), n), stroke)

    def path(
        self, vertices: Array, codes: NDArray[np.uint8], stroke: Stroke, clip: Rect | None = None
    ) -> None:
        """Draw lines given as a Matplotlib path in CSS pixels."""
        options = _stroke_options(stroke)
        options["edgecolor"] = options.pop("color")
        patch = PathPatch(
            Path(vertices, codes),
            facecolor="none",
            alpha=stroke.alpha,
            transform=self.transform,
            **options,
        )
        self.add(patch, clip)

    def title(self, default: str) -> float:
        """Write the style's title, or else ``default``, over the page; return the y below it.

        A long title is set smaller, then in two lines, then cut.
        """
        wanted = printable(default if self.style.title is None else self.style.title)
        margin, size = 0.7 * self.style.font, 1.25 * self.style.font
        if not wanted:
            return self.page.top - margin
        room = self.page.width - 2 * margin
        if text_width(wanted, size) > room:
            size = self.style.font
        lines = wrap(wanted, size, room, TITLE_LINES)
        y = self.page.top - 0.55 * self.style.font
        for line in lines:
            self.text(self.page.width / 2, y, line, size=size, align="center", vertical="top")
            y -= 1.3 * size
        return y - 0.3 * size

    def frame(
        self, panel: Placed, *, grid: bool = False, caption_room: float | None = None
    ) -> None:
        """Draw the axes around a panel: everything lies outside its rectangle but the grid.

        The lower caption may be ``caption_room`` wide, by default little more than the panel.
        """
        rect, x, y = panel.rect, panel.x, panel.y
        font, ink, muted = self.style.font, self.colours.ink, self.colours.muted
        tick, small = 0.35 * font, 0.88 * font
        xs = rect.left + np.array(x.ticks) * rect.width
        ys = rect.bottom + np.array(y.ticks) * rect.height
        # two filled boxes, since a stroked one may be moved by a pixel, into the panel
        width = max(1, round(self.style.dpi / CSS_DPI)) * CSS_DPI / self.style.dpi
        outer = Rect(rect.left - width, rect.bottom - width, rect.right + width, rect.top + width)
        self.box(outer, face=muted)
        self.box(rect, face=self.colours.paper)
        if grid:
            starts = np.concatenate([_points(xs, rect.bottom), _points(rect.left, ys)])
            stops = np.concatenate([_points(xs, rect.top), _points(rect.right, ys)])
            self.segments(starts, stops, Stroke(self.colours.grid, 0.8))
        starts = np.concatenate([_points(xs, outer.bottom), _points(outer.left, ys)])
        stops = np.concatenate([_points(xs, rect.bottom - tick), _points(rect.left - tick, ys)])
        self.segments(starts, stops, Stroke(muted, width))
        gap = tick + 0.25 * font
        for at, label in zip(xs, x.labels, strict=True):
            self.text(at, rect.bottom - gap, label, size=small, align="center", vertical="top")
        for at, label in zip(ys, y.labels, strict=True):
            self.text(
                rect.left - gap, at, label, size=small, align="right", vertical="center_baseline"
            )
        below = rect.bottom - gap - 1.35 * small
        caption, size = self._fitted(x.caption, caption_room or rect.width + 2 * font)
        half = text_width(caption, size) / 2
        middle = min(
            max(rect.left + rect.width / 2, half + 0.5 * font), self.page.width - half - 0.5 * font
        )
        self.text(middle, below, caption, size=size, align="center", vertical="top", colour=ink)
        aside = rect.left - gap - self.label_width(y.labels) - 0.6 * font
        caption, size = self._fitted(y.caption, rect.height + 2 * font)
        half = text_width(caption, size) / 2
        middle = min(
            max(rect.bottom + rect.height / 2, half + 0.5 * font),
            self.page.height - half - 0.5 * font,
        )
        self.text(aside, middle, caption, size=size, align="center", rotation=90, colour=ink)

    def _fitted(self, caption: str, room: float) -> tuple[str, float]:
        """Return a caption and its size, smaller or at last cut where it has no room."""
        room = min(room, self.page.width - self.style.font)
        font = self.style.font
        size = font * min(1.0, max(0.65, 0.97 * room / max(text_width(caption, font), 1.0)))
        return shorten(caption, size, room), size

    def bar_frame(self, bar: Rect, ticks: Axis) -> None:
        """Draw the edge of a colour bar, and its ticks and labels to the right."""
        font, muted = self.style.font, self.colours.muted
        ys = bar.bottom + np.array(ticks.ticks) * bar.height
        self.box(bar, edge=muted)
        self.segments(_points(bar.right, ys), _points(bar.right + 0.3 * font, ys), Stroke(muted, 1))
        for at, label in zip(ys, ticks.labels, strict=True):
            self.text(
                bar.right + 0.6 * font, at, label, size=0.88 * font, vertical="center_baseline"
            )

    def label_width(self, labels: Sequence[str]) -> float:
        """Width of the widest tick label."""
        return max((text_width(label, 0.88 * self.style.font) for label in labels), default=0.0)

    def left_room(self, y: Axis) -> float:
        """CSS pixels that :meth:`frame` needs to the left of a panel."""
        return (0.35 + 0.25 + 0.6 + 1.15) * self.style.font + self.label_width(y.labels)

    @property
    def bottom_room(self) -> float:
        """CSS pixels that :meth:`frame` needs below a panel."""
        return (0.35 + 0.25 + 1.35 * 0.88 + 1.35) * self.style.font

    def _line(self, x: Array, y: Array, clip: Rect | None, alpha: float, **options: Any) -> None:
        self.add(Line2D(x, y, transform=self.transform, alpha=alpha, **options), clip)


def _points(x: Array | float, y: Array | float) -> Array:
    return np.stack(np.broadcast_arrays(x, y), axis=-1).astype(np.float64)


def _stroke_options(stroke: Stroke) -> dict[str, Any]:
    dashes = stroke.dashes
    return {
        "color": stroke.colour,
        "linewidth": stroke.width * POINTS_PER_CSS,
        # Matplotlib counts dashes in line widths
        "linestyle": "-" if dashes is None else (0, tuple(d / stroke.width for d in dashes)),
    }
