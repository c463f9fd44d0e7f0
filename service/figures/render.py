"""Draw figures with Matplotlib; equal figures become equal pixels and bytes.

Matplotlib holds the GIL, so draw in several processes, or one picture at a time in a thread. Its
settings that change a picture are global; they are set once, at import, whatever the user's
settings file contains.
"""

from dataclasses import dataclass

import matplotlib as mpl
import numpy as np
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.figure import Figure

from service.figures.canvas import Pixels

_SETTINGS = frozenset(
    ["agg", "figure", "image", "lines", "markers", "patch", "path", "pdf", "savefig", "svg", "text"]
)
mpl.rcParams.update(
    {key: mpl.rcParamsDefault[key] for key in mpl.rcParams if key.partition(".")[0] in _SETTINGS}
)
mpl.rcParams["svg.hashsalt"] = "linear-rnn"  # derives ids from contents


def rasterize(figure: Figure) -> Pixels:
    """Draw a figure with Agg and return its pixels."""
    width, height = figure.bbox.size  # Matplotlib's own canvas would truncate 255.9999 to 255.
    renderer, pixels = agg_renderer(round(width), round(height), figure.dpi)
    figure.draw(renderer)
    return pixels


def agg_renderer(columns: int, rows: int, dpi: float) -> tuple[RendererBase, Pixels]:
    """Return an Agg renderer and the pixels that it draws on; they may be written to as well."""
    renderer = RendererAgg(columns, rows, dpi)  # type: ignore[no-untyped-call]
    return renderer, np.asarray(renderer.buffer_rgba())  # type: ignore[no-untyped-call]


@dataclass(frozen=True, eq=False)
class FigurePicture:
    """A picture whose pixels are those of its figure."""

    artists: Figure

    def figure(self) -> Figure:
        """Return the figure."""
        return self.artists

    def pixels(self) -> Pixels:
        """Return the pixels of the PNG."""
        return rasterize(self.artists)
