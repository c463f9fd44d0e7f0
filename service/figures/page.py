"""A page: the title, the headline and the legend of a figure, around Matplotlib's axes.

Matplotlib lays out all of them, and one description is used for PNG, SVG and PDF. Matplotlib holds
the GIL, so draw in several processes, or one picture at a time in a thread. Its settings are
global; they are set once, at import, and override the user's settings file. Lengths are in points,
72 per inch.
"""

import math
import re
import warnings
from collections.abc import Sequence
from typing import Any, TypeAlias

import matplotlib as mpl
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import make_axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import Formatter, MaxNLocator, ScalarFormatter
from numpy.typing import NDArray

from service.engine.numbers import MINUS, TIMES, format_power_of_ten
from service.figures.style import Style
from service.figures.text import printable, shorten, text_width, typeset, wrap

# RGBA (rows, columns, 4), top row first.
Pixels = NDArray[np.uint8]

# Options of a Matplotlib artist.
Look: TypeAlias = dict[str, Any]

mpl.rcdefaults()
mpl.rcParams.update(
    {
        "svg.hashsalt": "linear-rnn",  # derives ids from contents
        "lines.scale_dashes": False,  # dashes are in points
        "axes.formatter.limits": (-3, 5),  # powers of ten outside of which there is a factor
        "axes.xmargin": 0.02,
        "axes.ymargin": 0.06,
    }
)
LARGEST_TICK = 1e300  # above it, ticks are found among smaller numbers
STEPS = [1, 2, 5, 10]  # of ticks
_MATHTEXT = RendererAgg(1, 1, 72).mathtext_parser  # type: ignore[no-untyped-call]
_LEAST_HEIGHT = 8.7  # of one of several panels with its labels, in units of the font size
_LEAST_WIDTH = 17.0
_BAR_WIDTH = 1.3
_SAMPLE = 1.8  # of a legend, as the next two in units of its text size
_SAMPLE_GAP = 0.5
_ENTRY_GAP = 1.4


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


def count_panels(style: Style, n: int) -> int:
    """Return how many of n panels there is space for."""
    font = style.font_size
    n_rows = max(1, int((0.72 * style.height - 8.0 * font) / (_LEAST_HEIGHT * font)))
    return min(n, n_rows * _most_columns(style))


def count_columns(style: Style, n: int) -> int:
    """Return the columns of a grid of n panels, each about twice as wide as high."""
    wanted = round(math.sqrt(n * style.width / (2.0 * style.height)))
    return min(n, max(1, wanted), _most_columns(style))


def _most_columns(style: Style) -> int:
    return max(1, int(0.72 * style.width / (_LEAST_WIDTH * style.font_size)))


class NumberFormatter(ScalarFormatter):
    """Labels of numbers, with Unicode in what they have in common, as mathtext takes long."""

    def get_offset(self) -> str:
        """Return the factor and the summand of all labels."""
        text = super().get_offset()
        text = re.sub(f"e({MINUS}?[0-9]+)", lambda found: _write_power(found[1]), text)
        return text.removeprefix("1")


def _write_power(exponent: str) -> str:
    return TIMES + format_power_of_ten(int(exponent.replace(MINUS, "-")))


class NumberLocator(MaxNLocator):
    """Matplotlib's locator, whose steps would overflow near the end of the float64 range."""

    def tick_values(self, vmin: float, vmax: float) -> Any:
        """Return the ticks between two values, and some around them."""
        largest = max(abs(vmin), abs(vmax))
        factor = 1e-10 if largest > LARGEST_TICK else 1.0
        with np.errstate(over="ignore"):  # of those beyond the range
            ticks = np.asarray(super().tick_values(factor * vmin, factor * vmax)) / factor
        return ticks[np.isfinite(ticks)]


class Page:
    """A figure with a title, a headline and a legend.

    The style's title replaces ``title``; the headline is below it. Long ones are wrapped into two
    lines, then truncated. The legend has at most ``max_rows`` rows.
    """

    def __init__(
        self,
        style: Style,
        title: str,
        legend: Sequence[Artist] = (),
        *,
        headline: str = "",
        max_rows: int = 2,
    ) -> None:
        columns, rows = style.pixels
        self.style = style
        self.colors = style.colors
        self.font = style.font_size
        self.small = 0.9 * style.font_size
        self.width = 0.72 * style.width
        self.height = 0.72 * style.height
        self.figure = Figure(
            (columns / style.dpi, rows / style.dpi),
            style.dpi,
            facecolor=self.colors.background,
            layout="constrained",
        )
        canvas = FigureCanvasAgg(self.figure)
        canvas.get_renderer().mathtext_parser = _MATHTEXT  # type: ignore[no-untyped-call]
        layout: Any = self.figure.get_layout_engine()
        gap = self.font / 72
        layout.set(w_pad=0.7 * gap, h_pad=0.4 * gap, wspace=0, hspace=0)
        self.body: Any = self.figure.subfigures()
        title = printable(title if style.title is None else style.title)
        large = 1.25 * self.font
        large = large if text_width(title, large) < self.width - 1.4 * self.font else self.font
        parts: Sequence[tuple[Any, str, float, str]] = (
            (self.figure, title, large, self.colors.foreground),
            (self.body, printable(headline), self.small, self.colors.muted),
        )
        for part, text, size, color in parts:
            lines = wrap(text, size, self.width - 1.4 * self.font)
            if lines:
                part.suptitle(typeset("\n".join(lines)), size=size, color=color)
        self._draw_legend(legend, max_rows)

    def add_panels(self, n: int, n_columns: int = 1, *, grid: bool = False, **options: Any) -> Any:
        """Return axes (n,) in a grid, in the colors and with the text sizes of the style."""
        n_rows = -(-n // n_columns)
        panels = self.body.subplots(n_rows, n_columns, squeeze=False, **options).ravel()
        for axes in panels[n:]:
            axes.remove()
        for axes in panels[:n]:
            self.dress(axes)
            if grid:
                self.draw_grid(axes)
            axes.set_axisbelow(True)
            for axis, least in ((axes.xaxis, 1), (axes.yaxis, 2)):
                axis.set_major_locator(NumberLocator("auto", steps=STEPS, min_n_ticks=least))
                axis.set_major_formatter(NumberFormatter())
        return panels[:n]

    def draw_grid(self, axes: Axes) -> None:
        """Draw lines at the ticks."""
        axes.grid(color=self.colors.grid, linewidth=0.6)

    def dress(self, axes: Axes) -> None:
        """Give axes the colors and the text sizes of the style."""
        colors, font = self.colors, self.font
        axes.set_facecolor(colors.background)
        for side in axes.spines.values():
            side.set(color=colors.muted, linewidth=0.72, in_layout=False)
        ticks: Look = {"color": colors.muted, "width": 0.72, "length": 0.35 * font}
        ticks |= {"labelcolor": colors.foreground, "labelsize": self.small, "pad": 0.25 * font}
        axes.tick_params(**ticks)
        for axis in (axes.xaxis, axes.yaxis):
            axis.label.set(color=colors.foreground, size=font)
            axis.labelpad = 0.25 * font
            axis.offsetText.set_visible(False)  # it is part of the caption

    @property
    def n_bar_ticks(self) -> int:
        """The number of ticks that a color bar has space for."""
        return max(2, int(0.3 * self.height / self.font))

    def reserve_bar(self, panels: Sequence[Axes]) -> Axes:
        """Return axes next to panels with space for a color bar and its labels."""
        bar, _ = make_axes(list(panels), aspect=0.7 * self.height / (_BAR_WIDTH * self.font))
        bar.yaxis.tick_right()
        bar.yaxis.set_label_position("right")
        bar.set(xticks=[], yticks=[0.5], yticklabels=["10⁻³⁰⁰"], ylabel="cost + 1")
        self.dress(bar)
        return bar

    def fill_bar(
        self,
        axes: Axes,
        colors: ScalarMappable,
        ticks: Sequence[float],
        caption: str,
        labels: Formatter,
    ) -> None:
        """Draw a color bar in axes that are laid out."""
        axes.clear()
        options: Look = {"ticks": ticks, "label": caption, "format": labels}
        bar = self.figure.colorbar(colors, cax=axes, **options)
        self.dress(axes)
        bar.outline.set(color=self.colors.muted, linewidth=0.72)
        axes.minorticks_off()

    def entitle(self, axes: Axes, text: str, n_columns: int) -> None:
        """Write a title above axes, one of ``n_columns``."""
        text = self.fit_caption(text, 0.8 * self.width / n_columns)
        axes.set_title(text, size=self.small, color=self.colors.foreground, pad=0.4 * self.font)

    def fit_caption(self, text: str, length: float) -> str:
        """Return a caption, truncated to a length."""
        return typeset(shorten(printable(text), self.font, length))

    def lay_out(self) -> Figure:
        """Return the figure with its axes placed, after which positions in them are final."""
        layout: Any = self.figure.get_layout_engine()
        with warnings.catch_warnings():  # axes without space stay where they are
            warnings.filterwarnings("ignore", "constrained_layout not applied", UserWarning)
            layout.execute(self.figure)
        self.figure.set_layout_engine("none")
        for axes in self.figure.axes:
            for axis, pixels in ((axes.xaxis, axes.bbox.width), (axes.yaxis, axes.bbox.height)):
                room = 72 * pixels / self.style.dpi - 2 * self.font
                common = shorten(axis.get_major_formatter().get_offset(), self.font, room)
                if common and axis.get_label_text():
                    axis.set_label_text(f"{axis.get_label_text()} ({common})")
        return self.figure

    def _draw_legend(self, entries: Sequence[Artist], max_rows: int) -> None:
        """Draw the legend below the axes; entries without space are counted in a last one."""
        size, room = self.small, self.width - 2 * self.font
        for entry in entries:
            entry.set_label(shorten(printable(str(entry.get_label())), size, room / 2))
        for n_hidden in range(len(entries)):
            shown = [*entries[: len(entries) - n_hidden]]
            if n_hidden:
                shown[-1] = sample(f"+{n_hidden + 1} more", {"linestyle": "none"})
            n_columns = self._count_legend_columns(shown, room)
            if len(shown) <= n_columns * max(max_rows, 1):
                self._place_legend(shown, n_columns)
                return

    def _count_legend_columns(self, entries: Sequence[Artist], room: float) -> int:
        gaps = (_SAMPLE + _SAMPLE_GAP + _ENTRY_GAP) * self.small
        widths = [text_width(str(each.get_label()), self.small) + gaps for each in entries]
        counts = range(len(widths), 1, -1)
        total = {n: sum(map(max, np.array_split(widths, n))) for n in counts}
        return next((n for n in counts if total[n] <= room), 1)

    def _place_legend(self, entries: Sequence[Artist], n_columns: int) -> None:
        for entry in entries:
            entry.set_label(typeset(str(entry.get_label())))
        self.figure.legend(
            handles=list(entries),
            ncols=n_columns,
            loc="outside lower center",
            fontsize=self.small,
            labelcolor=self.colors.foreground,
            handlelength=_SAMPLE,
            markerscale=self.small / 8.5,
            handletextpad=_SAMPLE_GAP,
            columnspacing=_ENTRY_GAP,
            borderpad=0,
            frameon=False,
        )
