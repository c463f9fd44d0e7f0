"""A canvas: text, lines, markers and images positioned in CSS pixels.

Everything drawn is an ordinary Matplotlib artist in an ordinary ``Figure``, so that one description
serves PNG, SVG and PDF. Artists are drawn in the order in which they were added.
"""

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
from service.figures.geometry import Rect
from service.figures.render import Pixels
from service.figures.style import CSS_DPI, Style
from service.figures.text import (
    POINTS_PER_CSS,
    font,
    printable,
    text_width,
    typeset,
    wrap,
)

TITLE_LINES = 2


@dataclass(frozen=True)
class Stroke:
    """The look of a line; ``width`` and ``dashes`` (on, off, …) are in CSS pixels."""

    color: str
    width: float = 1.5
    dashes: tuple[float, ...] | None = None
    alpha: float = 1.0


class Raster(Artist):
    """An image that fills a rectangle.

    In a PNG each pixel of the image is a pixel of the file; in an SVG or PDF it is one embedded
    image.
    """

    def __init__(self, pixels: Pixels, rect: Rect) -> None:
        super().__init__()
        self.pixels, self.rect = pixels[::-1], rect

    def draw(self, renderer: RendererBase) -> None:
        """Draw the image; Matplotlib counts its rows from below."""
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


class Canvas:
    """A figure, and the drawing operations that all pictures share."""

    def __init__(self, style: Style) -> None:
        columns, rows = style.pixels
        self.style = style
        self.colors = style.colors
        self.area = Rect(0, 0, columns * CSS_DPI / style.dpi, rows * CSS_DPI / style.dpi)
        self.figure = Figure(
            figsize=(columns / style.dpi, rows / style.dpi),
            dpi=style.dpi,
            facecolor=self.colors.background,
        )
        self._transform = Affine2D().scale(1 / CSS_DPI) + self.figure.dpi_scale_trans
        self._n_artists = 0

    def add(self, artist: Artist, clip: Rect | None = None) -> None:
        """Add an artist above all earlier ones, clipped to ``clip``."""
        self._n_artists += 1
        artist.set_zorder(self._n_artists)
        self.figure.add_artist(artist)
        if clip is not None:
            box = MplBbox.from_extents(*clip)
            artist.set_clip_box(TransformedBbox(box, self._transform))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float | None = None,
        color: str | None = None,
        align: Literal["left", "center", "right"] = "left",
        vertical: Literal["baseline", "center_baseline", "top"] = "baseline",
        rotation: Literal[0, 90] = 0,
    ) -> None:
        """Write one line of text literally, but with w_in and w_rec as symbols.

        These are narrower than the literal text, so what has room for that has room for them.
        """
        size = size or self.style.font_size
        color = color or self.colors.foreground
        shown, is_math = typeset(text)
        artist = Text(
            x,
            y,
            shown,
            color=color,
            fontproperties=font(size),
            horizontalalignment=align,
            verticalalignment=vertical,
            rotation=rotation,
            rotation_mode="anchor" if rotation else "default",
            parse_math=is_math,
            transform=self._transform,
        )
        self.add(artist)

    def line(self, x: Array, y: Array, stroke: Stroke, clip: Rect | None = None) -> None:
        """Draw a line through points in CSS pixels, interrupted where one is nan."""
        options = _stroke_options(stroke)
        self.add(Line2D(x, y, transform=self._transform, alpha=stroke.alpha, **options), clip)

    def markers(
        self,
        x: Array,
        y: Array,
        *,
        shape: str,
        size: float,
        face: str,
        edge: str,
        edge_width: float = 1.0,
    ) -> None:
        """Draw one marker at each point; ``shape`` is Matplotlib's, ``size`` the diameter."""
        artist = Line2D(
            x,
            y,
            transform=self._transform,
            linestyle="none",
            marker=shape,
            markersize=size * POINTS_PER_CSS,
            markerfacecolor=face,
            markeredgecolor=edge,
            markeredgewidth=edge_width * POINTS_PER_CSS,
            alpha=1.0,
        )
        self.add(artist)

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
        artist = Rectangle(
            rect[:2],
            rect.width,
            rect.height,
            facecolor=face,
            edgecolor=edge,
            linewidth=width * POINTS_PER_CSS,
            alpha=alpha,
            transform=self._transform,
        )
        self.add(artist)

    def band(self, x: Array, low: Array, high: Array, color: str, alpha: float, clip: Rect) -> None:
        """Fill the area between two lines through points (m,), interrupted where one is nan."""
        drawn = ~np.isnan(x + low + high)
        for part in np.split(np.arange(len(x)), np.flatnonzero(np.diff(drawn)) + 1):
            if len(part) > 1 and drawn[part[0]]:
                back = part[::-1]
                outline = np.concatenate([[x[part], low[part]], [x[back], high[back]]], axis=1).T
                options = {"edgecolor": "none", "alpha": alpha, "transform": self._transform}
                self.add(PathPatch(Path(outline), facecolor=color, **options), clip)

    def segments(self, starts: Array, stops: Array, stroke: Stroke) -> None:
        """Draw separate straight lines from ``starts`` (n, 2) to ``stops`` (n, 2) as one path."""
        n = len(starts)
        vertices = np.empty((2 * n, 2))
        vertices[0::2], vertices[1::2] = starts, stops
        self.path(vertices, np.tile(np.array([Path.MOVETO, Path.LINETO], np.uint8), n), stroke)

    def path(
        self, vertices: Array, codes: NDArray[np.uint8], stroke: Stroke, clip: Rect | None = None
    ) -> None:
        """Draw a Matplotlib path: ``vertices`` (n, 2) in CSS pixels and their ``codes`` (n,)."""
        options = _stroke_options(stroke)
        options["edgecolor"] = options.pop("color")
        patch = PathPatch(
            Path(vertices, codes),
            facecolor="none",
            alpha=stroke.alpha,
            transform=self._transform,
            **options,
        )
        self.add(patch, clip)

    def title(self, default: str) -> float:
        """Write the style's title, or else ``default``, and return the y below it.

        A long title is first made smaller, then wrapped into two lines, then cut.
        """
        text = printable(default if self.style.title is None else self.style.title)
        margin, size = 0.7 * self.style.font_size, 1.25 * self.style.font_size
        if not text:
            return self.area.top - margin
        room = self.area.width - 2 * margin
        if text_width(text, size) > room:
            size = self.style.font_size
        y = self.area.top - 0.55 * self.style.font_size
        return self._write_lines(text, y, size, 1.3, self.colors.foreground) - 0.3 * size

    def subtitle(self, text: str, y: float) -> float:
        """Write text below the title in up to two lines, and return the y below it."""
        return self._write_lines(text, y, 0.92 * self.style.font_size, 1.35, self.colors.muted)

    def _write_lines(self, text: str, y: float, size: float, pitch: float, color: str) -> float:
        for line in wrap(text, size, self.area.width - 1.4 * self.style.font_size, TITLE_LINES):
            middle = self.area.width / 2
            self.text(middle, y, line, size=size, color=color, align="center", vertical="top")
            y -= pitch * size
        return y


def _stroke_options(stroke: Stroke) -> dict[str, Any]:
    dashes = stroke.dashes
    return {
        "color": stroke.color,
        "linewidth": stroke.width * POINTS_PER_CSS,
        # Matplotlib's unit of dashes is the line width.
        "linestyle": "-" if dashes is None else (0, tuple(d / stroke.width for d in dashes)),
    }
