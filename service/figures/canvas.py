"""A canvas: text, lines and images positioned in points, 72 per inch, and the page around panels.

All elements are Matplotlib artists in a ``Figure``, so that one description is used for PNG, SVG
and PDF. Artists are drawn in the order in which they were added; they accept Matplotlib's options.
Matplotlib holds the GIL, so draw in several processes, or one picture at a time in a thread. Its
settings are global; they are set once, at import, and override the user's settings file.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.image import BboxImage
from matplotlib.lines import Line2D
from matplotlib.text import Text
from matplotlib.transforms import Affine2D, Bbox, TransformedBbox
from numpy.typing import NDArray

from service.engine.types import Array
from service.figures.style import Style
from service.figures.text import FONT, FONT_PATH, printable, shorten, text_width, typeset, wrap

# RGBA (rows, columns, 4), top row first.
Pixels = NDArray[np.uint8]

# Options of a Matplotlib artist.
Look: TypeAlias = dict[str, Any]

mpl.rcdefaults()
mpl.rcParams["svg.hashsalt"] = "linear-rnn"  # derives ids from contents
mpl.rcParams["lines.scale_dashes"] = False  # dashes are in points
_MATHTEXT = RendererAgg(1, 1, 72).mathtext_parser  # type: ignore[no-untyped-call]

# Lengths in the legend, in units of its text size.
_SAMPLE = 1.8
_SAMPLE_GAP = 0.5
_ENTRY_GAP = 1.4
_ROW_HEIGHT = 1.45


def rasterize(figure: Figure) -> Pixels:
    """Draw a figure with Agg and return its pixels; equal figures have equal pixels."""
    width, height = figure.bbox.size  # Matplotlib's own canvas would truncate 255.9999 to 255.
    renderer = RendererAgg(round(width), round(height), figure.dpi)  # type: ignore[no-untyped-call]
    renderer.mathtext_parser = _MATHTEXT  # which caches what it parsed
    figure.draw(renderer)
    return np.asarray(renderer.buffer_rgba())  # type: ignore[no-untyped-call]


def stroke(
    color: str, width: float, dashes: tuple[float, ...] | None = None, alpha: float = 1.0
) -> Look:
    """Return the style of a line; the width and ``dashes`` (on, off, …) are in points."""
    linestyle = "-" if dashes is None else (0, dashes)
    return {"color": color, "linewidth": width, "linestyle": linestyle, "alpha": alpha}


def marker(shape: str, size: float, face: str, edge: str = "none", width: float = 0.8) -> Look:
    """Return the style of markers: ``size`` is the diameter, ``width`` that of the edge."""
    return {
        "linestyle": "none",
        "marker": shape,
        "markersize": size,
        "markerfacecolor": face,
        "markeredgecolor": edge,
        "markeredgewidth": width,
    }


def sample(label: str, look: Look) -> Line2D:
    """Return an entry of the legend: a line or a marker, and its name."""
    return Line2D([], [], label=label, **look)


class Canvas:
    """A figure, and the drawing operations of all pictures."""

    def __init__(self, style: Style) -> None:
        columns, rows = style.pixels
        size = columns / style.dpi, rows / style.dpi
        self.style = style
        self.colors = style.colors
        self.font = style.font_size
        self.small = 0.9 * style.font_size
        self.area = Bbox.from_bounds(0, 0, 72 * size[0], 72 * size[1])
        self.figure = Figure(size, style.dpi, facecolor=self.colors.background)
        self.transform = Affine2D().scale(1 / 72) + self.figure.dpi_scale_trans

    def add(self, artist: Artist, clip: Bbox | None = None) -> None:
        """Add an artist above all earlier ones, clipped to ``clip``."""
        artist.set_zorder(1)
        artist.set_transform(self.transform)
        self.figure.add_artist(artist)
        if clip is not None:
            artist.set_clip_box(TransformedBbox(clip, self.transform))

    def text(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float | None = None,
        color: str | None = None,
        **options: Any,
    ) -> None:
        """Write one line of text literally, but with w_in and w_rec as symbols."""
        options |= {"fontproperties": FONT, "size": size or self.small}
        self.add(Text(x, y, typeset(text), color=color or self.colors.foreground, **options))

    def line(self, x: Array, y: Array, look: Look, clip: Bbox | None = None) -> None:
        """Draw a line or markers at points, interrupted at nan."""
        self.add(Line2D(x, y, **look), clip)

    def image(self, pixels: Pixels, rect: Bbox) -> None:
        """Fill a rectangle with an image; one of its size is drawn pixel by pixel in a PNG."""
        image = BboxImage(TransformedBbox(rect, self.transform), interpolation="none")
        image.set_data(pixels)
        self.add(image)

    def snap(self, rect: Bbox) -> Bbox:
        """Return the rectangle with its edges at whole pixels of the PNG, at least one apart."""
        scale = self.style.dpi / 72
        low, high = np.round(rect.get_points() * scale)
        return Bbox([low / scale, np.maximum(high, low + 1) / scale])

    def pixel_size(self, rect: Bbox) -> tuple[int, int]:
        """Return the number of columns and rows of the PNG in a snapped rectangle."""
        columns, rows = np.round(np.array(rect.size) * self.style.dpi / 72).astype(int).tolist()
        return columns, rows


def draw_page(
    canvas: Canvas,
    title: str,
    legend: Sequence[Artist] = (),
    *,
    headline: str = "",
    max_rows: int = 2,
) -> Bbox:
    """Write title, headline and legend, and return the area for panels and their axes.

    The style's title replaces ``title``. A long title is made smaller, then wrapped into two lines,
    then truncated. The headline is below it. The legend has at most ``max_rows`` rows.
    """
    font, style, right = canvas.font, canvas.style, canvas.area.x1
    title = printable(title if style.title is None else style.title)
    large = 1.25 * font if text_width(title, 1.25 * font) < right - 1.4 * font else font
    y = canvas.area.y1 - 0.55 * font
    for text, size, color in (
        (title, large, canvas.colors.foreground),
        (printable(headline), canvas.small, canvas.colors.muted),
    ):
        for line in wrap(text, size, right - 1.4 * font):
            canvas.text(right / 2, y, line, size=size, color=color, ha="center", va="top")
            y -= 1.33 * size
        y -= 0.3 * font
    bottom = 0.4 * font + draw_legend(canvas, legend, max_rows)
    return Bbox([[0.3 * font, bottom], [right - 1.5 * font, y - 0.1 * font]])


def draw_legend(canvas: Canvas, entries: Sequence[Artist], max_rows: int) -> float:
    """Draw rows of labeled samples, centered at the bottom, and return their height.

    Entries without space are counted in a last one.
    """
    size = canvas.small
    width = canvas.area.width - 2 * canvas.font
    rows: list[list[Artist]] = []
    room = 0.0
    for entry in entries:
        label = shorten(printable(str(entry.get_label())), size, width / 2)
        entry.set_label(typeset(label))
        needed = text_width(label, size) + (_SAMPLE + _SAMPLE_GAP + _ENTRY_GAP) * size
        if needed > room:
            rows.append([])
            room = width + _ENTRY_GAP * size
        rows[-1].append(entry)
        room -= needed
    n_hidden = sum(map(len, rows[max_rows:]))
    if n_hidden:
        rows[max_rows - 1][-1] = sample(f"+{n_hidden + 1} more", {"linestyle": "none"})
    for i, row in enumerate(reversed(rows[:max_rows])):
        canvas.figure.legend(
            handles=row,
            ncols=len(row),
            loc="lower center",
            bbox_to_anchor=(canvas.area.width / 2, 0.4 * canvas.font + i * _ROW_HEIGHT * size),
            bbox_transform=canvas.transform,
            prop=FontProperties(fname=FONT_PATH, size=size),
            labelcolor=canvas.colors.foreground,
            handlelength=_SAMPLE,
            markerscale=size / 8.5,
            handletextpad=_SAMPLE_GAP,
            columnspacing=_ENTRY_GAP,
            borderpad=0,
            borderaxespad=0,
            frameon=False,
        )
    return _ROW_HEIGHT * size * len(rows[:max_rows])
